import type { Route } from '@holdfast/contract/route.ts'
import { type OperationId, routes } from '@holdfast/contract/routes.ts'
import { words } from '../policy/words.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import { requestOf } from '../rest/requests.ts'
import type { Row, Wanted, World } from '../rest/row.ts'
import { rows } from '../rest/rows/all-rows.ts'
import { rules } from '../rest/rules.ts'
import { isInherent } from './inherent.ts'
import { moreAsks } from './more-asks.ts'
import { type Target, targets, targetsOf } from './targets.ts'
import { told } from './told.ts'
import type { Asker, Thing, Twin } from './twin.ts'

/** The same store twice, where one of them has what nobody who asks may know of. */
export interface Twins {
  readonly with: Twin
  readonly without: Twin
}

export interface Question {
  readonly name: string
  readonly operation: OperationId
  readonly route: Route
  readonly ask: (world: World) => Wanted
  readonly prepare?: Row['prepare']
  readonly once: boolean
  readonly creates: boolean
}

/** Every route asked in both stores: whoever may not know of the difference must not see one. */
export async function runRestTwins(
  twins: Twins,
  askers: readonly string[],
  report: MatrixReport,
): Promise<void> {
  const mades: Mades = new Map()
  for (const who of askers) {
    const asking = new Asking(twins, who, report, mades)
    for (const [operation, route] of Object.entries<Route>(routes)) {
      for (const question of questionsOf(operation as OperationId, route, who)) {
        await asking.askAll(question)
      }
    }
  }
}

function questionsOf(operation: OperationId, route: Route, who: string): Question[] {
  const row: Row = rows[operation]
  // Whoever has the link is let in, and whoever leaves is out.
  if (row.spends === true || (row.rule === rules.open && row.prepare !== undefined)) return []
  // Who asks is not looked at.
  if (row.rule === rules.open && !firsts.has(who)) return []
  const once = row.once === true
  const about = { operation, route, creates: row.creates === true }
  const { ask = row.ask, more = [] } = words[operation]
  const variants = more.filter(({ prepare }) => row.rule !== rules.open || prepare === undefined)
  return [
    { ...about, name: operation, ask: row.ask, prepare: row.prepare, once },
    ...(ask === row.ask ? [] : [{ ...about, name: `${operation} empty`, ask, once: false }]),
    ...variants.map(({ name, ...one }) => ({
      ...{ ...about, once: false, ask: one.ask, prepare: one.prepare },
      name: `${operation} ${name}`,
    })),
    ...(moreAsks[operation] ?? []).map(({ name, ...one }) => ({
      ...{ ...about, once: false, ...one },
      name: `${operation} ${name}`,
    })),
  ]
}

const [own] = targets
if (own === undefined) throw new Error('no targets')
/** About no asset: about nothing but what is prepared, in both stores or in one. */
const nothing: Target = { ...own, name: 'once' }
const hidden: Target = { ...own, name: 'once, in one store', hidden: true }

const firsts: ReadonlySet<string> = new Set(['user', 'operator', 'anonymous'])

interface Places {
  readonly with: Thing
  readonly without: Thing
}

class Asking {
  readonly #twins: Twins
  readonly #who: string
  readonly #report: MatrixReport
  readonly #kept = new Map<Target, Places>()
  /** To be changed, until somebody does. */
  readonly #spare = new Map<Target, Places>()
  readonly #mades: Mades
  readonly #number: number
  #made = 0

  constructor(twins: Twins, who: string, report: MatrixReport, mades: Mades) {
    this.#mades = mades
    this.#number = [...twins.with.askers.keys()].indexOf(who)
    this.#twins = twins
    this.#who = who
    this.#report = report
  }

  async askAll(question: Question): Promise<void> {
    const asked = targetsOf(this.#twins.with, this.#who)
    const once = question.prepare === undefined ? [nothing] : [nothing, hidden]
    for (const target of question.once ? once : asked) await this.#ask(question, target)
  }

  async #ask(question: Question, target: Target): Promise<void> {
    const { name, route, prepare } = question
    const what = `${name} by ${this.#who}, ${target.name}`
    // What is prepared for a closed thing beside it is seen by who reads all the rest.
    const isBeside = prepare !== undefined && target.hidden && !question.once
    if (isBeside && !this.#twins.with.layers.others) return
    if (isInherent(question, { who: this.#who, target })) {
      this.#report.count('inherent')
      return
    }
    const isChange = route.method !== 'GET' && route.method !== 'HEAD'
    const isSpent = prepare !== undefined && !question.once
    if (isSpent) this.#spare.delete(target)
    const isSpare = isSpent || (isChange && !target.hidden && !question.once)
    const places = await this.#places(target, isSpare)
    const made = await this.#prepared(question, places, target)
    const wanted = question.ask(this.#world(this.#twins.with, places.with, made.with))
    const before = isChange ? await this.#payers() : ''
    const other = this.#translated(wanted, places, made)
    const [one, two] = await Promise.all([
      answerOf(question.route, wanted, this.#twins.with, this.#asker('with')),
      answerOf(question.route, other, this.#twins.without, this.#asker('without')),
    ])
    this.#report.count('compared')
    if (isSpent || (isChange && one.startsWith('2'))) this.#spare.delete(target)
    const differing = difference(one, two)
    if (differing === '') this.#report.pass()
    else this.#report.fail(`${what}:\n${differing}`)
    // Whoever writes what is of others puts it on their quota.
    if (!isChange || target.shared === true || this.#who === 'writer') return
    const after = await this.#payers()
    this.#report.count('payers')
    if (after !== before) this.#report.fail(`${what}: others pay\n    ${before}\n    ${after}`)
  }

  async #places(target: Target, isSpare: boolean): Promise<Places> {
    const places = isSpare ? this.#spare : this.#kept
    const kept = places.get(target)
    if (kept !== undefined) return kept
    this.#made += 1
    const at = { key: `${this.#who}/${1000 + this.#made}`, who: this.#who, storied: !isSpare }
    const [there, other] = await Promise.all([
      target.make(this.#twins.with, at),
      target.make(this.#twins.without, at),
    ])
    const made = { with: there, without: other }
    places.set(target, made)
    return made
  }

  /** What nobody who asks may change is prepared once for all of them. */
  async #prepared(question: Question, places: Places, target: Target): Promise<Made> {
    const { prepare, once } = question
    if (prepare === undefined) return { with: {}, without: {} }
    if (!once) return await this.#preparedFor(prepare, places, target.hidden)
    const kept = this.#mades.get(prepare) ?? (await this.#preparedFor(prepare, places, false))
    this.#mades.set(prepare, kept)
    return target.hidden ? { ...kept, without: this.#unknown(kept.with) } : kept
  }

  #unknown(made: Made['with']): Made['without'] {
    const { without } = this.#twins
    return Object.fromEntries(
      Object.keys(made).map(name => [name, without.unknown(`made ${name}`)]),
    )
  }

  async #preparedFor(
    prepare: NonNullable<Row['prepare']>,
    places: Places,
    isHidden: boolean,
  ): Promise<Made> {
    this.#made += 1
    const serial = 10_000 * (1 + this.#number) + this.#made
    const prepared = async (twin: Twin, thing: Thing) => {
      twin.begin(serial)
      const made = await prepare(this.#world(twin, thing, {}))
      const entries = Object.entries(made).map(([name, value]) => {
        const renamed = twin.rename(value)
        return [name, renamed.length > 12 ? twin.name(renamed, `made ${name}`) : renamed]
      })
      return Object.fromEntries(entries)
    }
    const { with: one, without: two } = this.#twins
    const there = await prepared(one, places.with)
    const missing = isHidden ? this.#unknown(there) : await prepared(two, places.without)
    return { with: there, without: missing }
  }

  #world(twin: Twin, thing: Thing, made: Readonly<Record<string, string>>): World {
    const who = twin === this.#twins.with ? this.#asker('with') : this.#asker('without')
    return { lab: twin.prepared, who, kind: 'own', ...thing, made }
  }

  /** The request about the same things in the other store. */
  #translated(wanted: Wanted, places: Places, made: Made): Wanted {
    const pairs = [
      [places.with.id, places.without.id],
      [this.#asker('with').id, this.#asker('without').id],
      ...Object.entries(made.with).map(([name, value]) => [value, made.without[name] ?? '']),
    ]
    let text = JSON.stringify(wanted)
    for (const [from = '', to = ''] of pairs) if (from !== '') text = text.replaceAll(from, to)
    return JSON.parse(text)
  }

  #asker(side: keyof Twins): Asker {
    const asker = this.#twins[side].askers.get(this.#who)
    if (asker === undefined) throw new Error(`no ${this.#who}`)
    return asker
  }

  /** What each owner but the one who asks is billed. */
  async #payers(): Promise<string> {
    const { with: twin } = this.#twins
    const { quotas } = twin.lab.context.engine.catalog.view
    const usages: string[] = []
    for (const { name, id } of twin.askers.values()) {
      if (name === this.#who) continue
      const { assets, bytes } = await quotas.usage('owner', id)
      usages.push(`${name} ${assets} ${bytes}`)
    }
    return usages.join(', ')
  }
}

type Mades = Map<NonNullable<Row['prepare']>, Made>

interface Made {
  readonly with: Readonly<Record<string, string>>
  readonly without: Readonly<Record<string, string>>
}

async function answerOf(route: Route, wanted: Wanted, twin: Twin, who: Asker): Promise<string> {
  const answer = await twin.lab.rest.ask(requestOf(route, wanted, who.headers))
  return told(answer, twin, route.method === 'HEAD')
}

/** The lines that only one of two answers has; keys that are drawn come in another order. */
export function difference(one: string, two: string): string {
  const [left, right] = [linesOf(one), linesOf(two)]
  if (left.join('\n') === right.join('\n')) return ''
  const only = (some: string[], others: string[], mark: string) =>
    some.filter(line => !others.includes(line)).map(line => `    ${mark} ${line.slice(0, 200)}`)
  const lines = [...only(left, right, 'with   '), ...only(right, left, 'without')]
  return lines.length === 0 ? '    some of it more often' : lines.slice(0, 12).join('\n')
}

function linesOf(text: string): string[] {
  return text.split(/\n|(?<=,)|(?<=>)(?=<)/).sort()
}
