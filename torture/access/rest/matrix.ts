import type { Route } from '@holdfast/contract/route.ts'
import { type OperationId, routes } from '@holdfast/contract/routes.ts'
import type { Lab } from '../open-lab.ts'
import { type Caller, canary, type Living, living, type People, password } from '../people.ts'
import { RefusalsAudited } from '../refusals-audited.ts'
import { type Answer, jsonOf } from '../wire.ts'
import { requestOf } from './requests.ts'
import type { Row, World } from './row.ts'
import { rows } from './rows/all-rows.ts'
import { type Kind, kinds, mayKnow, rules, type Verdict } from './rules.ts'
import { Worlds } from './worlds.ts'

export interface MatrixReport {
  count(name: string, by?: number): void
  pass(cases?: number): void
  fail(what: string): void
}

/** Answered by the request listener itself where the request is plain: a second way to guard. */
const direct: ReadonlySet<string> = new Set<OperationId>([
  'getByKey',
  'headByKey',
  'downloadAsset',
  'headDownload',
  'putByKey',
])
export const statuses: Readonly<Record<Exclude<Verdict, '+' | '.'>, number>> = {
  1: 401,
  3: 403,
  4: 404,
}

/**
 * Every route, asked by everybody, about things of their own, of others and public ones. Denied
 * answers must tell nothing and change nothing; who may not know of a thing must get the answer
 * for one that is not there.
 */
export async function runMatrix(
  lab: Lab,
  people: People,
  report: MatrixReport,
  only?: readonly string[],
): Promise<void> {
  const worlds = await Worlds.open(lab)
  const matrix = new Matrix(lab, worlds, report)
  for (const [operation, route] of Object.entries<Route>(routes)) {
    const row: Row | undefined = Object.hasOwn(rows, operation)
      ? rows[operation as OperationId]
      : undefined
    if (row === undefined) {
      report.fail(`${operation} has no row`)
      continue
    }
    if (only?.includes(operation) === false) continue
    await matrix.askAll({ operation, route, row }, people)
    report.count('operations')
  }
  await matrix.refusals.check(lab, report)
}

function isChange({ method }: Route): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

interface Question {
  readonly operation: string
  readonly route: Route
  readonly row: Row
}

class Matrix {
  readonly #lab: Lab
  readonly #worlds: Worlds
  readonly #report: MatrixReport
  readonly #prepareds = new Map<string, World>()
  readonly refusals = new RefusalsAudited()

  constructor(lab: Lab, worlds: Worlds, report: MatrixReport) {
    this.#lab = lab
    this.#worlds = worlds
    this.#report = report
  }

  async askAll(question: Question, people: People): Promise<void> {
    for (const name of living) {
      for (const kind of question.row.once === true ? (['foreign'] as const) : kinds) {
        const verdict = question.row.rule[kind][name]
        if (verdict === '.') continue
        const who =
          question.row.spends === true ? await this.#again(people, name) : people.living[name]
        await this.#askOne(question, { who, name, kind, verdict })
      }
    }
    const isOpen = question.row.rule === rules.open
    // Nothing changes for the dead, so that one thing is enough for all of them.
    const { row } = question
    const fresh = row.prepare !== undefined
    const world = await this.#prepared(row, await this.#worlds.get(people.locked, 'public', fresh))
    const ask = async (who: Caller, expected: number) => {
      await this.#askDead(question, { who, world, expected: isOpen ? undefined : expected })
    }
    for (const who of people.dead) await ask(who, 401)
    if (isChange(question.route) && row.rule.public.anonymous === '1') {
      await ask(people.page, 401)
      this.#report.count('forged refused')
    }
    await ask(people.locked, 423)
  }

  async #askOne(question: Question, by: Asker): Promise<void> {
    const { row, route, operation } = question
    const { who, kind } = by
    const world = await this.#worldFor(question, by)
    const ways = direct.has(operation) ? ['', '?'] : ['']
    for (const way of ways) {
      const asked = requestOf(route, row.ask(world), who.headers)
      const before = await this.#lab.changes()
      const answer = await this.#lab.rest.ask({ ...asked, path: `${asked.path}${way}` })
      const after = await this.#lab.changes()
      const what = `${operation}${way} by ${by.name}, ${kind}`
      this.refusals.note(answer, { what, action: operation, isThere: by.verdict === '4' })
      this.#judge({ what, question, by, world, answer, changed: after !== before })
      if (isHidden(row, by)) {
        await this.#compare({ what, question, world, answer, way })
      }
    }
  }

  /** Who is let in and changes it gets one of its own; the others find it as it was. */
  async #worldFor({ row, route, operation }: Question, by: Asker): Promise<World> {
    const { who, kind, verdict } = by
    if (verdict === '+' && (isChange(route) || row.prepare !== undefined)) {
      return await this.#prepared(row, await this.#worlds.get(who, kind, true))
    }
    if (row.prepare === undefined) return await this.#worlds.get(who, kind, false)
    const name = `${operation} ${kind} ${kind === 'own' ? who.name : ''}`
    const kept = this.#prepareds.get(name)
    if (kept !== undefined) return { ...kept, who }
    const world = await this.#prepared(row, await this.#worlds.get(who, kind, true))
    this.#prepareds.set(name, world)
    return world
  }

  async #prepared(row: Row, world: World): Promise<World> {
    if (row.prepare === undefined) return world
    return { ...world, made: await row.prepare(world) }
  }

  #judge(judged: Judged): void {
    const { what, question, by, answer } = judged
    const problem = by.verdict === '+' ? letInProblem(judged) : refusalProblem(judged)
    if (problem !== undefined) {
      this.#report.fail(`${what}: ${answer.status} ${answer.text.slice(0, 200)}: ${problem}`)
      return
    }
    this.#report.count(by.verdict === '+' ? 'let in' : 'refused')
    if (direct.has(question.operation) && isDirect(answer)) this.#report.count('direct answers')
    this.#report.pass()
  }

  /** Whoever may not know of a thing must not learn of it from how it is refused. */
  async #compare(seen: Compared): Promise<void> {
    const { what, question, world, answer, way } = seen
    const twin = this.#worlds.missing(world)
    const asked = requestOf(question.route, question.row.ask(twin), world.who.headers)
    const other = await this.#lab.rest.ask({ ...asked, path: `${asked.path}${way}` })
    const one = shapeOf(answer, world)
    const two = shapeOf(other, twin)
    this.#report.count('compared')
    if (one === two) this.#report.pass()
    else this.#report.fail(`${what}: tells that it is there\n    ${one}\n    ${two}`)
  }

  async #askDead({ operation, route, row }: Question, dead: Dead): Promise<void> {
    const { who, world, expected } = dead
    const ways = direct.has(operation) ? ['', '?'] : ['']
    for (const way of ways) {
      const asked = requestOf(route, row.ask(world), who.headers)
      const before = await this.#lab.changes()
      const answer = await this.#lab.rest.ask({ ...asked, path: `${asked.path}${way}` })
      const what = `${operation}${way} by ${who.name}`
      this.refusals.note(answer, { what, action: operation })
      if (expected === undefined) {
        const isKnown = row.also?.includes(answer.status) === true
        if (answer.status >= 500 && !isKnown) this.#report.fail(`${what}: ${answer.status}`)
        continue
      }
      if (answer.status !== expected) {
        this.#report.fail(`${what}: ${answer.status} ${answer.text.slice(0, 200)}`)
      } else if ((await this.#lab.changes()) !== before) {
        this.#report.fail(`${what}: refused, but something changed`)
      } else if (tells(answer)) this.#report.fail(`${what}: the answer tells a secret`)
      else {
        this.#report.count('dead refused')
        this.#report.pass()
      }
    }
  }

  async #again(people: People, name: Living): Promise<Caller> {
    const who = people.living[name]
    if (who.headers.authorization === undefined) return who
    const login = { username: `mx-${name}`, password }
    const { access_token: token } = await this.#lab.must('POST', '/api/v2/auth/login', login)
    return { ...who, headers: { authorization: `Bearer ${token}` } }
  }
}

interface Asker {
  readonly who: Caller
  readonly name: Living
  readonly kind: Kind
  readonly verdict: Verdict
}

interface Dead {
  readonly who: Caller
  readonly world: World
  /** Undefined where nobody is asked who they are. */
  readonly expected: number | undefined
}

interface Judged {
  readonly what: string
  readonly question: Question
  readonly by: Asker
  readonly world: World
  readonly answer: Answer
  readonly changed: boolean
}

interface Compared extends Pick<Judged, 'what' | 'question' | 'world' | 'answer'> {
  readonly way: string
}

function isHidden(row: Row, { name, kind, verdict }: Asker): boolean {
  if (verdict === '+' || row.once === true || mayKnow(name, kind)) return false
  return row.creates !== true || rules.create.own[name] !== '+'
}

export function statusIn(row: Row, answer: Answer): number {
  if (row.inner === undefined || answer.status >= 300) return answer.status
  return row.inner(jsonOf(answer)) ?? answer.status
}

function letInProblem(judged: Judged): string | undefined {
  const { row } = judged.question
  const { answer } = judged
  const status = statusIn(row, answer)
  const good = (status >= 200 && status < 300) || row.also?.includes(status) === true
  return good ? wrongSight(judged) : `${status}, but may`
}

function refusalProblem({ question, by, answer, changed }: Judged): string | undefined {
  const status = statusIn(question.row, answer)
  const expected = by.verdict === '+' || by.verdict === '.' ? 0 : statuses[by.verdict]
  if (status !== expected) return `${status}, expected ${expected}`
  if (changed) return 'refused, but something changed'
  return tells(answer) ? 'tells a secret' : undefined
}

function wrongSight({ question: { row }, by, world, answer }: Judged): string | undefined {
  if (row.shows === undefined) return undefined
  const may = row.shows.to[by.kind][by.name] === '+'
  if (row.shows.as === 'total') {
    const { total_assets: total } = jsonOf(answer)
    return total === (may ? 1 : 0)
      ? undefined
      : `counts ${total} where it ${may ? 'may' : 'may not'}`
  }
  const shown = answer.text.includes(world.id)
  const { total } = jsonOf(answer)
  if (shown === may && total === (may ? 1 : 0)) return undefined
  const told = `${shown ? 'shows' : 'does not show'} it, total ${total}`
  return `${told}, where it ${may ? 'may' : 'may not'}`
}

/** The framework sets the request id first, a direct answer last. */
function isDirect({ names }: Answer): boolean {
  return names.indexOf('x-request-id') > names.indexOf('etag')
}

function tells({ text, headers }: Answer): boolean {
  return text.includes(canary) || JSON.stringify(headers).includes(canary)
}

/** All of an answer but what stands for the thing that was asked for, and for the request. */
function shapeOf(answer: Answer, { id, key, bucket }: World): string {
  const {
    date: _,
    'x-request-id': requestId = '',
    'content-length': __,
    // Whether the body was there before the refusal, which the network decides.
    connection: ___,
    'keep-alive': ____,
    ...headers
  } = answer.headers
  let text = `${answer.status} ${JSON.stringify(headers)} ${answer.text}`
  for (const one of [requestId, id, key, encodeURIComponent(key), bucket]) {
    if (one !== '') text = text.replaceAll(one, '…')
  }
  return text
}
