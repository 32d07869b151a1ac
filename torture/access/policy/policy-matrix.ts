import { type OperationId, routes } from '@holdfast/contract/routes.ts'
import { type Action, actionPermissions } from '@holdfast/engine/access/actions.ts'
import { setBucketDocument } from '@holdfast/engine/buckets/documents.ts'
import { systemCall } from '@holdfast/engine/engine.ts'
import type { Lab } from '../open-lab.ts'
import { type Caller, password } from '../people.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import { requestOf } from '../rest/requests.ts'
import type { Row, World } from '../rest/row.ts'
import { rows } from '../rest/rows/all-rows.ts'
import { putThing, somebody } from '../rest/worlds.ts'
import { type Answer, jsonOf } from '../wire.ts'
import { type Words, words } from './words.ts'

/** One question: what a route does, with what it needs in the words of policies. */
interface Case {
  readonly name: string
  readonly operation: OperationId
  readonly needs: readonly Action[]
  readonly scopeOnly: boolean
  readonly ask: Row['ask']
  readonly prepare: Row['prepare']
  readonly inner: Row['inner']
  /** An answer that shows nothing lets nobody in. */
  readonly shows: 'list' | 'total' | undefined
  /** What nothing changes can be asked by all. */
  readonly looks: boolean
}

interface Place {
  readonly bucket: string
  readonly who: Caller
  readonly lab: Lab
}

const direct: ReadonlySet<string> = new Set<OperationId>([
  ...(['getByKey', 'headByKey', 'downloadAsset', 'headDownload', 'putByKey'] as const),
])
/** Of the account: policies of buckets cannot name it. */
const ofAccount: Action = 's3:ListAllMyBuckets'

/**
 * Every route against every action of the policy language: who may everything is refused exactly
 * what a Deny of the action means, and who may nothing is let into exactly what an Allow means.
 */
export async function runPolicyMatrix(lab: Lab, report: MatrixReport): Promise<void> {
  const cases = Object.keys(routes).flatMap(name => casesOf(name as OperationId, report))
  const alike = Map.groupBy(
    Object.keys(actionPermissions).filter(action => action !== ofAccount) as Action[],
    action => cases.flatMap((one, at) => (one.needs.includes(action) ? [at] : [])).join(),
  )
  const single = [...alike.values()]
  const together = new Map(cases.map(({ needs }) => [needs.toSorted().join(), needs]))
  const more = [...together.values()].filter(needs => needs.length > 1)
  const runs = [
    ...single.map(actions => ({ effect: 'Deny' as const, actions })),
    ...[...single, ...more].map(actions => ({ effect: 'Allow' as const, actions })),
  ]
  const nobody = await newUser(lab, 'mx-policy-nobody', [])
  const holder = await newUser(lab, 'mx-policy-holder', ['OPERATOR'])
  const queue = runs.map((run, at) => ({ ...run, bucket: `mx-policy-${at}` }))
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const who = next.effect === 'Deny' ? holder : nobody
      await runOne(report, cases, { ...next, place: { bucket: next.bucket, who, lab } })
    }
  }
  await Promise.all([work(), work(), work(), work(), work(), work()])
  report.count('policy actions', single.flat().length)
}

function casesOf(operation: OperationId, report: MatrixReport): Case[] {
  const said: Words | undefined = Object.hasOwn(words, operation) ? words[operation] : undefined
  if (said === undefined) {
    report.fail(`${operation} has no words of policies`)
    return []
  }
  report.count('policy operations')
  const row: Row = rows[operation]
  const looks = /^(GET|HEAD)$/.test(routes[operation].method)
  const { needs, scopeOnly = false, more = [], ask = row.ask } = said
  if (needs.length === 0) return []
  const prepare = said.ask === undefined ? row.prepare : undefined
  const about = { operation, scopeOnly, looks, inner: row.inner, shows: row.shows?.as }
  return [
    { ...about, name: operation, needs, ask, prepare },
    ...more.map(({ name, ...variant }) => ({
      ...{ ...about, shows: undefined, prepare: undefined },
      ...variant,
      name: `${operation} ${name}`,
    })),
  ]
}

interface Run {
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly Action[]
  readonly place: Place
}

async function runOne(report: MatrixReport, cases: readonly Case[], run: Run): Promise<void> {
  const { place, effect, actions } = run
  const { lab, bucket, who } = place
  for (const name of [bucket, `${bucket}-empty`]) {
    await lab.must('POST', '/api/v2/buckets', { name })
    if (effect === 'Allow') await setPolicy(place, name, { effect, actions: ['s3:*'] })
    else await grantAll(lab, who, name)
  }
  const kept = await worldOf(place)
  const questions = await Promise.all(
    cases.flatMap(one => {
      const expected = isLetIn(one, run)
      return expected === undefined ? [] : [questionOf(place, { one, expected, kept })]
    }),
  )
  for (const name of [bucket, `${bucket}-empty`]) await setPolicy(place, name, { effect, actions })
  for (const { one, world, expected } of questions) {
    for (const way of direct.has(one.operation) ? ['?', ''] : ['']) {
      const asked = requestOf(routes[one.operation], one.ask(world), who.headers)
      const path = asked.path.includes('?') ? asked.path : `${asked.path}${way}`
      const answer = await lab.rest.ask({ ...asked, path })
      const problem = problemOf(one, { answer, expected, id: world.id })
      report.count(expected ? 'policy let in' : 'policy refused')
      if (problem === undefined) report.pass()
      else report.fail(`${effect} ${short(actions)}: ${one.name}${way}: ${problem}`)
    }
  }
}

/** Undefined where nothing new would be asked. */
function isLetIn({ needs, scopeOnly }: Case, { effect, actions }: Run): boolean | undefined {
  if (effect === 'Allow') return !scopeOnly && needs.every(action => actions.includes(action))
  if (needs.some(action => actions.includes(action))) return false
  // That a route needs nothing more is seen where it is allowed that alone.
  return scopeOnly || actions.length > 1 ? true : undefined
}

/** Who is let in and changes it gets one of its own; what is made ahead is made for each. */
async function questionOf(
  place: Place,
  { one, expected, kept }: { one: Case; expected: boolean; kept: World },
): Promise<{ one: Case; expected: boolean; world: World }> {
  const { prepare, looks } = one
  if (prepare === undefined) {
    return { one, expected, world: expected && !looks ? await worldOf(place) : kept }
  }
  const world = await worldOf(place)
  return { one, expected, world: { ...world, made: await prepare(world) } }
}

function short(actions: readonly Action[]): string {
  return actions.length > 4 ? `${actions.length} others` : actions.join()
}

function problemOf(
  { inner, shows }: Case,
  { answer, expected, id }: { answer: Answer; expected: boolean; id: string },
): string | undefined {
  const whole = answer.status < 300 && inner !== undefined ? inner(jsonOf(answer)) : undefined
  const status = whole ?? answer.status
  const shown = status < 300 && showsAny(shows, answer, id)
  if (shown === expected && (shown || shows !== undefined || [401, 403, 404].includes(status)))
    return undefined
  if (!expected) return `${status}, but should be refused`
  return `${status}, but should be let in: ${answer.text.slice(0, 160)}`
}

function showsAny(shows: Case['shows'], answer: Answer, id: string): boolean {
  if (shows === undefined) return true
  if (shows === 'list') return answer.text.includes(id)
  const { total, total_assets: assets } = jsonOf(answer)
  return (total ?? assets) > 0
}

let things = 0

async function worldOf({ bucket, who, lab }: Place): Promise<World> {
  things += 1
  const [key, service] = [`things/${things}`, `mx-policy-${things}`]
  const id = await putThing(lab, { bucket, key, ownerId: somebody, service })
  const own = { ...lab, must: asOne(lab, who) }
  return {
    // What a policy lets somebody make is theirs.
    ...{ lab: own, who, bucket, key, id, ownerId: who.id, service },
    kind: 'foreign',
    made: {},
  }
}

/** What is made ahead is made by who asks later, so that links are theirs. */
function asOne(lab: Lab, who: Caller): Lab['must'] {
  return async (method, path, body) => {
    const raw = body instanceof Uint8Array
    const type = body === undefined || raw ? {} : { 'content-type': 'application/json' }
    const bytes = body === undefined || raw ? body : Buffer.from(JSON.stringify(body))
    const headers = { ...who.headers, ...type }
    const answer = await lab.rest.ask({ method, path, headers, body: bytes })
    if (answer.status < 300) return jsonOf(answer)
    throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  }
}

async function setPolicy(
  { lab, who, bucket }: Place,
  name: string,
  { effect, actions }: { effect: 'Allow' | 'Deny'; actions: readonly string[] },
): Promise<void> {
  const arn = `arn:aws:s3:::${name}`
  const about = { Principal: { AWS: who.id }, Action: [...actions], Resource: [arn, `${arn}/*`] }
  const document = { Version: '2012-10-17', Statement: [{ Effect: effect, ...about }] }
  const call = systemCall(`policy of ${bucket}`)
  await setBucketDocument(lab.context.engine, call, { bucket: name, name: 'policy', document })
}

async function grantAll(lab: Lab, who: Caller, bucket: string): Promise<void> {
  const permissions = ['assets:*', 'versions:*', 'metadata:*']
  await lab.must('POST', '/api/v2/grants', { principal_id: who.id, bucket, permissions })
}

async function newUser(lab: Lab, username: string, roles: string[]): Promise<Caller> {
  const input = { username, password, roles, must_change_password: false }
  const { id } = await lab.must('POST', '/api/v2/users', input)
  const { access_token: token } = await lab.must('POST', '/api/v2/auth/login', {
    username,
    password,
  })
  return { name: username, id, headers: { authorization: `Bearer ${token}` } }
}
