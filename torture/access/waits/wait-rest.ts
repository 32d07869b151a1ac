import type { Route } from '@holdfast/contract/route.ts'
import { type OperationId, routes } from '@holdfast/contract/routes.ts'
import { type Caller, password } from '../people.ts'
import { type MatrixReport, statuses, statusIn } from '../rest/matrix.ts'
import { requestOf } from '../rest/requests.ts'
import type { Row, Wanted, World } from '../rest/row.ts'
import { rows } from '../rest/rows/all-rows.ts'
import type { Worlds } from '../rest/worlds.ts'
import { type Answer, jsonOf, type Wire } from '../wire.ts'
import { learn, type Waiter } from './wait-cases.ts'
import type { Waits } from './waits.ts'

export type Lost = 'shut out' | 'made a reader'

/** Everybody may ask, and nothing is told of the store: there is no right to lose. */
const everybodys: ReadonlySet<string> = new Set<OperationId>([
  ...(['getService', 'getHealth', 'getLiveness', 'getReadiness', 'getStartup'] as const),
  ...(['getOpenApi', 'getDocs', 'getDocsFile', 'listErrors', 'getJwks', 'getLoginWays'] as const),
])
/** What they come with stands in body or path; `byCredential` and `byLink` hold them. */
const otherwise: ReadonlySet<string> = new Set<OperationId>([
  ...(['login', 'loginWithCode', 'refresh', 'changePassword', 'issueToken'] as const),
  ...(['beginSecondFactor', 'confirmSecondFactor', 'disableSecondFactor'] as const),
  ...(['renewRecoveryCodes', 'forgotPassword', 'resetPassword'] as const),
  ...(['beginOpenId', 'finishOpenId', 'redeemOpenId'] as const),
  ...(['describeShare', 'openShare', 'headShare', 'openSharedFile', 'headSharedFile'] as const),
  ...(['openLink', 'headLink', 'putLink'] as const),
])
/** Asked of things that are not there to be found for anybody. */
const ofNobody: ReadonlySet<string> = new Set<OperationId>(['endSession'])

const MANY = 60
const manyIds = (id: string): string[] => {
  const none = (_: unknown, at: number) => `0199a7e2-7a55-7c54-b6f4-${String(at).padStart(12, '0')}`
  return [...Array.from({ length: MANY }, none), id]
}
/** What waits only where it is more, or said otherwise. */
const further: { readonly [Id in OperationId]?: (world: World) => Wanted } = {
  batchDelete: ({ id }) => ({ json: { ids: manyIds(id) } }),
  batchDownload: ({ id }) => ({ json: { ids: manyIds(id), partial: true, format: 'tar' } }),
  createShare: ({ id }) => ({ json: { asset_id: id, password } }),
  listAudits: () => ({ query: { outcome: 'success' } }),
  actOnUsers: ({ made: { id = '' } }) => ({ json: { action: 'unlock', ids: manyIds(id) } }),
  rotateSecret: ({ made: { id = '' } }) => ({ params: { id }, json: { secret_days: 30 } }),
  updateBucket: ({ made: { name = '' }, who }) => ({
    params: { bucket: name },
    json: { owner_id: who.id },
  }),
  updateUser: ({ who: { id, name } }) => ({
    params: { id },
    json: { email: `${name}@example.org`, current_password: password },
  }),
  updateAsset: world => ({
    params: { id: world.id },
    form: { fields: { name: 'taken' }, files: 1 },
  }),
}

interface Question {
  readonly operation: string
  readonly route: Route
  readonly row: Row
  readonly ask: (world: World) => Wanted
  readonly how: string
}

/** Every route with a valid request, made from the route table. */
export class WaitRest {
  readonly #wire: Wire
  readonly #worlds: Worlds
  readonly #waits: Waits
  readonly #report: MatrixReport
  readonly questions: readonly Question[]

  constructor({ wire, waits, report }: Asking, worlds: Worlds) {
    this.#wire = wire
    this.#worlds = worlds
    this.#waits = waits
    this.#report = report
    this.questions = questionsOf(report)
  }

  /** Asked once by `who`, who is let in, and then ready to be asked by others at each wait. */
  async learn(question: Question, who: Caller): Promise<Learned> {
    const { operation, route, row, ask, how } = question
    const world = await this.#world(question, who)
    const asked = requestOf(route, ask(world), who.headers)
    const what = `${operation}${how}`
    const about = { what, wire: this.#wire, asked }
    const problem = (answer: Answer) => letInProblem(row, answer)
    const waits = await learn(this.#waits, about, { report: this.#report, problem })
    const changes = route.method !== 'GET' && route.method !== 'HEAD'
    const left = changes || row.prepare !== undefined ? await this.#world(question, who) : world
    return { question, what, waits, world: left }
  }

  waiter({ question, what, waits, world }: Learned, who: Caller, lost: Lost): Waiter | undefined {
    const { operation, route, row, ask, how } = question
    const verdict = row.rule.foreign.readonly
    if (lost === 'made a reader' && (verdict === '+' || verdict === '.')) return undefined
    const isOut = verdict === '+' || verdict === '.' || lost === 'shut out'
    // Who proves who it is hears that the account is closed.
    const alone = isOut ? [401, 403] : [statuses[verdict]]
    // Then all that it had asked for is missing.
    const expected = operation === 'batchDownload' && how !== '' ? [...alone, 200] : alone
    return {
      ...{ what, wire: this.#wire, waits: waits.length },
      isOfSeveral: row.inner !== undefined,
      asked: requestOf(route, ask({ ...world, who }), who.headers),
      problem: answer => {
        const status = statusOfLast(row, answer)
        return expected.includes(status) ? undefined : `expected ${expected.join(' or ')}`
      },
    }
  }

  async #world({ row }: Question, who: Caller): Promise<World> {
    const world = await this.#worlds.get(who, 'foreign', true)
    return row.prepare === undefined ? world : { ...world, made: await row.prepare(world) }
  }
}

interface Asking {
  readonly wire: Wire
  readonly waits: Waits
  readonly report: MatrixReport
}

interface Learned {
  readonly question: Question
  readonly what: string
  readonly waits: readonly string[]
  readonly world: World
}

function questionsOf(report: MatrixReport): readonly Question[] {
  const questions: Question[] = []
  for (const [operation, route] of Object.entries<Route>(routes)) {
    report.count('wait routes')
    if (everybodys.has(operation) || otherwise.has(operation) || ofNobody.has(operation)) continue
    if (route.permission === 'open') report.fail(`${operation}: who may lose a right to it?`)
    const row: Row = rows[operation as OperationId]
    const about = { operation, route, row }
    questions.push({ ...about, ask: row.ask, how: '' })
    const more = further[operation as OperationId]
    if (more !== undefined) questions.push({ ...about, ask: more, how: ' (more)' })
    if (route.query?.properties.limit === undefined) continue
    for (const limit of ['50', '1000']) {
      const ask = (world: World) => {
        const wanted = row.ask(world)
        return { ...wanted, query: { ...wanted.query, limit } }
      }
      questions.push({ ...about, ask, how: ` (${limit})` })
    }
  }
  return questions
}

/** Of those that were judged one after the other, the last. */
function statusOfLast(row: Row, answer: Answer): number {
  const results: unknown = row.inner === undefined ? undefined : jsonOf(answer)?.results
  return Array.isArray(results) ? results.at(-1)?.status : statusIn(row, answer)
}

function letInProblem(row: Row, answer: Answer): string | undefined {
  const status = statusOfLast(row, answer)
  const good = (status >= 200 && status < 300) || row.also?.includes(status) === true
  return good ? undefined : 'but may'
}
