import type { Route } from '@holdfast/contract/route.ts'
import { type OperationId, routes } from '@holdfast/contract/routes.ts'
import type { Lab } from '../open-lab.ts'
import { type Caller, canary, elsewhere } from '../people.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import { requestOf } from '../rest/requests.ts'
import type { Row, World } from '../rest/row.ts'
import { rows } from '../rest/rows/all-rows.ts'
import { type Kind, kinds, rules } from '../rest/rules.ts'
import { Worlds } from '../rest/worlds.ts'
import { type Answer, jsonOf } from '../wire.ts'
import { type Confined, confine, misuse } from './confined.ts'

/** Answered without the framework where the request is plain: a second way to guard. */
const direct: ReadonlySet<string> = new Set<OperationId>([
  ...(['getByKey', 'headByKey', 'downloadAsset', 'headDownload', 'putByKey'] as const),
])

interface Question {
  readonly operation: string
  readonly route: Route
  readonly row: Row
}

/**
 * Every route, asked from within bounds about what lies outside of them, and with what is no
 * credential there: nobody is let in, told or shown anything, and nothing changes.
 */
export async function runConfinement(lab: Lab, report: MatrixReport): Promise<void> {
  await lab.must('POST', '/api/v2/buckets', { name: elsewhere })
  const worlds = await Worlds.open(lab)
  const [confined, misused] = [await confine(lab), await misuse(lab)]
  const matrix = new Confinement(lab, worlds, report)
  for (const [turn, [operation, route]] of Object.entries<Route>(routes).entries()) {
    const question = { operation, route, row: rows[operation as OperationId] }
    for (const one of confined) await matrix.askConfined(question, one)
    if (question.row.rule === rules.open) continue
    // Whom to ask is decided before the route is looked at: every other one by turns is enough.
    const asking = misused.filter((_, at) => at % 2 === turn % 2)
    for (const who of asking) await matrix.askMisused(question, who)
    report.count('operations')
  }
}

class Confinement {
  readonly #lab: Lab
  readonly #worlds: Worlds
  readonly #report: MatrixReport
  readonly #prepared = new Map<string, World>()

  constructor(lab: Lab, worlds: Worlds, report: MatrixReport) {
    this.#lab = lab
    this.#worlds = worlds
    this.#report = report
  }

  async askConfined(question: Question, { who, isOutside }: Confined): Promise<void> {
    const { row, route } = question
    for (const kind of row.once === true ? (['foreign'] as const) : kinds) {
      const outside = isOutside({ route, row, kind })
      // Lists let in whom they show nothing.
      if (!outside && (row.shows === undefined || kind === 'public')) continue
      const world = await this.#worldOf(question, who, kind)
      await this.#ask({ ...question, who, world, kind }, answer =>
        outsideProblem(row, answer, world),
      )
    }
  }

  async askMisused(question: Question, who: Caller): Promise<void> {
    const world = await this.#worldOf(question, who, 'public')
    await this.#ask({ ...question, who, world, kind: 'public' }, ({ status }) =>
      status === 401 ? undefined : 'is taken as a credential',
    )
  }

  async #ask(asked: Asked, problemOf: (answer: Answer) => string | undefined): Promise<void> {
    const { operation, route, row, who, world, kind } = asked
    for (const way of direct.has(operation) ? ['', '?'] : ['']) {
      const request = requestOf(route, row.ask(world), who.headers)
      const before = await this.#lab.changes()
      const answer = await this.#lab.rest.ask({ ...request, path: `${request.path}${way}` })
      const changed = (await this.#lab.changes()) !== before
      const told = `${answer.text}${JSON.stringify(answer.headers)}`.includes(canary)
      const problem =
        problemOf(answer) ?? (changed ? 'changed something' : told ? 'tells a secret' : undefined)
      this.#report.count('refused')
      if (problem === undefined) this.#report.pass()
      else {
        const what = `${operation}${way} by ${who.name}, ${kind}`
        this.#report.fail(`${what}: ${answer.status} ${answer.text.slice(0, 160)}: ${problem}`)
      }
    }
  }

  /** Nobody may change it, so one is enough. */
  async #worldOf({ operation, row }: Question, who: Caller, kind: Kind): Promise<World> {
    const name = row.prepare === undefined ? '' : operation
    const id = `${name} ${kind} ${kind === 'own' ? who.name : ''}`
    const kept = this.#prepared.get(id)
    if (kept !== undefined) return { ...kept, who }
    const made = await this.#worlds.get(who, kind, true)
    const world = row.prepare === undefined ? made : { ...made, made: await row.prepare(made) }
    this.#prepared.set(id, world)
    return world
  }
}

interface Asked extends Question {
  readonly who: Caller
  readonly world: World
  readonly kind: Kind
}

function outsideProblem(row: Row, answer: Answer, { id }: World): string | undefined {
  const whole =
    answer.status < 300 && row.inner !== undefined ? row.inner(jsonOf(answer)) : undefined
  const status = whole ?? answer.status
  if (status === 401 || status === 403 || status === 404) return undefined
  if (row.shows === undefined || status >= 300) return 'is let out of its bounds'
  const { total, total_assets: assets } = jsonOf(answer)
  return answer.text.includes(id) || (total ?? assets) !== 0 ? 'is shown it' : undefined
}
