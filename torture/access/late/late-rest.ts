import type { Route } from '@holdfast/contract/route.ts'
import { type OperationId, routes } from '@holdfast/contract/routes.ts'
import type { Lab } from '../open-lab.ts'
import type { Caller } from '../people.ts'
import { type MatrixReport, statuses, statusIn } from '../rest/matrix.ts'
import { requestOf } from '../rest/requests.ts'
import type { Row, Wanted, World } from '../rest/row.ts'
import { rows } from '../rest/rows/all-rows.ts'
import type { Verdict } from '../rest/rules.ts'
import { Worlds } from '../rest/worlds.ts'
import type { Late } from './half-sent.ts'

/** They are open, and who calls stands in the body: nothing is decided before that is here. */
const toldInBody: ReadonlySet<string> = new Set<OperationId>([
  'issueToken',
  'redeemOpenId',
  'login',
  'loginWithCode',
  'refresh',
  'changePassword',
  'beginSecondFactor',
  'confirmSecondFactor',
  'disableSecondFactor',
  'renewRecoveryCodes',
  'forgotPassword',
  'resetPassword',
])
/** Asked for by a link that the caller has made. */
const byLink: OperationId = 'putLink'

/** Bodies of another kind, and those that a row leaves out where they are optional. */
const further: { readonly [Id in OperationId]?: (world: World) => Wanted } = {
  updateAsset: world => ({
    params: { id: world.id },
    form: { fields: { name: 'taken' }, files: 1 },
  }),
  rotateSecret: ({ made: { id = '' } }) => ({ params: { id }, json: { secret_days: 30 } }),
}

interface Question {
  readonly operation: string
  readonly route: Route
  readonly row: Row
  readonly ask: (world: World) => Wanted
}

export type Expected = 'unknown' | 'readonly' | 'denied' | 'let in'

/** Every route with a body, made from the route table: one without a rule is a failure. */
export class LateRest {
  readonly #lab: Lab
  readonly #worlds: Worlds
  readonly #questions: readonly Question[]
  readonly #kept = new Map<string, World>()

  private constructor(lab: Lab, worlds: Worlds, questions: readonly Question[]) {
    this.#lab = lab
    this.#worlds = worlds
    this.#questions = questions
  }

  static async open(lab: Lab, report: MatrixReport): Promise<LateRest> {
    const questions: Question[] = []
    for (const [operation, route] of Object.entries<Route>(routes)) {
      if (route.body === undefined) continue
      report.count('late routes')
      if (toldInBody.has(operation) || operation === byLink) continue
      const row: Row = rows[operation as OperationId]
      if (route.permission === 'open') report.fail(`${operation}: who says that it may come late?`)
      const asks = [row.ask, further[operation as OperationId]].filter(ask => ask !== undefined)
      for (const ask of asks) questions.push({ operation, route, row, ask })
    }
    return new LateRest(lab, await Worlds.open(lab), questions)
  }

  /** All that `who` may ask for at first and, for `readonly`, a READONLY user may not. */
  async requests(who: Caller, expected: Expected): Promise<Late[]> {
    const asked = this.#questions.map(question => this.#late(question, who, expected))
    return (await Promise.all(asked)).filter(late => late !== undefined)
  }

  /** The upload by the link of `who`. */
  async byLinkOf(who: Caller, bucket: string): Promise<Late> {
    const made = await this.#lab.rest.ask(
      requestOf(routes.presignUpload, { json: { bucket, key: 'late/link' } }, who.headers),
    )
    const token = String(JSON.parse(made.text).url).split('/').at(-1) ?? ''
    return {
      what: `${byLink} by ${who.name}`,
      action: byLink,
      wire: this.#lab.rest,
      asked: requestOf(routes[byLink], { params: { token }, bytes: 'by link' }, {}),
      problem: ({ status }) => (status === 403 ? undefined : 'expected 403'),
    }
  }

  async #late(question: Question, who: Caller, expected: Expected): Promise<Late | undefined> {
    const { operation, route, row, ask } = question
    const verdict = row.rule.foreign.readonly
    if (!isAsked(route, expected, verdict)) return undefined
    const world = await this.#world(question, who, expected === 'let in')
    const asked = requestOf(route, ask(world), who.headers)
    if (asked.body === undefined) return undefined
    return {
      what: `${operation} by ${who.name}`,
      action: operation,
      wire: this.#lab.rest,
      asked,
      problem: answer => {
        const status = statusIn(row, answer)
        if (expected === 'let in') {
          const good = (status >= 200 && status < 300) || row.also?.includes(status) === true
          return good ? undefined : 'but may'
        }
        const wanted = statusesOf(expected, verdict)
        return wanted.includes(status) ? undefined : `expected ${wanted.join(' or ')}`
      },
    }
  }

  /** What nobody may change serves all; who may gets something of its own. */
  async #world({ operation, row }: Question, who: Caller, fresh: boolean): Promise<World> {
    const kept = this.#kept.get(operation)
    if (kept !== undefined && !fresh) return { ...kept, who }
    const world = await this.#worlds.get(who, 'foreign', fresh || row.prepare !== undefined)
    const made = row.prepare === undefined ? {} : await row.prepare(world)
    const ready = { ...world, made }
    if (!fresh) this.#kept.set(operation, ready)
    return ready
  }
}

const OF_ASSETS = /^(assets|versions|metadata):/

function isAsked({ permission }: Route, expected: Expected, verdict: Verdict): boolean {
  if (expected === 'denied') return OF_ASSETS.test(permission)
  return expected !== 'readonly' || (verdict !== '+' && verdict !== '.')
}

function statusesOf(expected: Expected, verdict: Verdict): readonly number[] {
  if (expected === 'unknown') return [401]
  if (expected === 'denied' || verdict === '+' || verdict === '.') return [403, 404]
  return [statuses[verdict]]
}

/** Routes whose right can be granted in a part of a bucket. */
export function isGrantable({ action }: Late): boolean {
  const table: Readonly<Record<string, Route>> = routes
  return OF_ASSETS.test(table[action]?.permission ?? '')
}
