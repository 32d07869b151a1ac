import type { Lab } from '../access/open-lab.ts'
import { password } from '../access/people.ts'
import { type Answer, jsonOf, type Tree } from '../access/wire.ts'
import type { Run } from '../runner/program.ts'

/** Written down here once more: what the code believes is not what is asked. */
const all = [
  ...['assets:read', 'assets:write', 'versions:read', 'versions:write', 'metadata:read'],
  ...['metadata:write', 'buckets:read', 'buckets:admin', 'quotas:admin', 'keys:admin'],
  ...['store:admin', 'metrics:read', 'backups:admin', 'lifecycle:admin', 'policy:admin'],
  ...['admin:users', 'audit:view', 'audit:export', 'buckets:create'],
]
const readAll = ['assets:read', 'versions:read', 'metadata:read', 'buckets:read']
const roles: Readonly<Record<string, readonly string[]>> = {
  ADMIN: all,
  OPERATOR: [
    ...[...readAll, 'buckets:admin', 'quotas:admin', 'store:admin', 'metrics:read'],
    ...['backups:admin', 'lifecycle:admin'],
  ],
  USER: ['buckets:read', 'buckets:create', ...all.slice(0, 6)],
  AUDITOR: [...readAll, 'audit:view', 'audit:export'],
  READONLY: readAll,
}
const scopes = [...all, 'assets:*', 'versions:*', '*:read', '*:write', '*:admin', '*']
const buckets = ['sub-a', 'sub-b']
const rounds = { short: 120, long: 5000 }

function covers(scope: string, one: string): boolean {
  const [resource, action] = one.split(':')
  if (scope === 'buckets:admin' && one === 'buckets:create') return true
  return ['*', '*:*', one, `${resource}:*`, `*:${action}`].includes(scope)
}

const rightsOf = (held: readonly string[]) =>
  new Set(all.filter(one => held.some(scope => covers(scope, one))))

interface Parent {
  readonly headers: Readonly<Record<string, string>>
  readonly rights: ReadonlySet<string>
  readonly buckets: readonly string[] | null
  readonly expiresAt: string | null
}

/** Whoever makes keys, users, groups and grants makes none that may more than the maker. */
export async function subRights(run: Run, lab: Lab): Promise<void> {
  for (const name of buckets) await lab.must('POST', '/api/v2/buckets', { name })
  const targets = await makeTargets(lab)
  for (let round = 0; round < rounds[run.length] && !run.signal.aborted; round += 1) {
    const parent = await makeParent(run, lab)
    await childKey(run, lab, parent)
    if (round % 4 === 0) await childUser(run, lab, { parent, round })
    await childGrant(run, lab, { parent, holder: run.random.pick(targets).id })
    await takeover(run, lab, { parent, target: run.random.pick(targets) })
  }
}

/** May it be given, or taken over, by who holds that much? Confined makers give nothing. */
function mayGive(parent: Parent, needed: string, given: ReadonlySet<string>): boolean {
  return parent.rights.has(needed) && parent.buckets === null && within(given, parent.rights)
}

function within(child: ReadonlySet<string>, parent: ReadonlySet<string>): boolean {
  return [...child].every(one => parent.has(one))
}

async function makeParent(run: Run, lab: Lab): Promise<Parent> {
  const { random } = run
  const held = ['keys:admin', 'admin:users'].filter(() => random.chance(0.8))
  for (let n = random.below(6); n >= 0; n -= 1) held.push(random.pick(scopes))
  const confined = random.chance(0.2) ? [random.pick(buckets)] : null
  const expiresAt = random.chance(0.3) ? new Date(lab.now() + 3_600_000).toISOString() : null
  const input = { name: 'parent', permissions: held, buckets: confined, expires_at: expiresAt }
  const { key } = await lab.must('POST', '/api/v2/keys', input)
  const headers = { 'x-api-key': key, 'content-type': 'application/json' }
  return { headers, rights: rightsOf(held), buckets: confined, expiresAt }
}

async function childKey(run: Run, lab: Lab, parent: Parent): Promise<void> {
  const permissions = Array.from({ length: 1 + run.random.below(3) }, () => run.random.pick(scopes))
  const later = new Date(lab.now() + 7_200_000).toISOString()
  const expires = run.random.pick([undefined, null, later])
  const body = { name: 'child', permissions, expires_at: expires }
  const answer = await send(lab, parent, { method: 'POST', path: '/api/v2/keys', body })
  const outlives = parent.expiresAt !== null && expires === later
  const may = mayGive(parent, 'keys:admin', rightsOf(permissions)) && !outlives
  judge(run, { what: `a key of ${permissions}`, parent, answer, may })
  if (answer.status !== 201) return
  const child = jsonOf(answer)
  const whoAmI = { method: 'GET', path: '/api/v2/auth/me', headers: { 'x-api-key': child.key } }
  const me = jsonOf(await lab.rest.ask(whoAmI))
  if (!within(rightsOf(me.permissions), parent.rights)) run.fail(`the child may ${me.permissions}`)
  if (parent.expiresAt !== null && !(child.expires_at <= parent.expiresAt)) {
    run.fail(`the child lives until ${child.expires_at}, its maker until ${parent.expiresAt}`)
  }
}

async function childUser(
  run: Run,
  lab: Lab,
  { parent, round }: { readonly parent: Parent; readonly round: number },
): Promise<void> {
  const role = run.random.pick(Object.keys(roles))
  const body = { username: `sub-${run.seed}-${round}`, password, roles: [role] }
  const answer = await send(lab, parent, { method: 'POST', path: '/api/v2/users', body })
  const may = mayGive(parent, 'admin:users', new Set(roles[role]))
  judge(run, { what: `a user with ${role}`, parent, answer, may })
}

const grantable = ['assets:read', 'assets:write', 'assets:*', 'versions:write', 'metadata:read']

async function childGrant(
  run: Run,
  lab: Lab,
  { parent, holder }: { readonly parent: Parent; readonly holder: string },
): Promise<void> {
  const permissions = [run.random.pick(grantable)]
  const body = { principal_id: holder, bucket: 'sub-a', prefix: 'x/', permissions }
  const answer = await send(lab, parent, { method: 'POST', path: '/api/v2/grants', body })
  const may = mayGive(parent, 'admin:users', rightsOf(permissions))
  judge(run, { what: `a grant of ${permissions}`, parent, answer, may })
  if (answer.status === 201) await lab.must('DELETE', `/api/v2/grants/${jsonOf(answer).id}`)
}

interface Target {
  readonly id: string
  readonly rights: ReadonlySet<string>
}

/** Whoever can set the password of a user has the roles, grants and groups of that user. */
async function takeover(
  run: Run,
  lab: Lab,
  { parent, target }: { readonly parent: Parent; readonly target: Target },
): Promise<void> {
  const path = `/api/v2/users/${target.id}`
  const body = { first_name: 'taken' }
  const answer = await send(lab, parent, { method: 'PUT', path, body })
  const may = mayGive(parent, 'admin:users', target.rights)
  judge(run, { what: `a change of who may ${[...target.rights]}`, parent, answer, may })
}

async function makeTargets(lab: Lab): Promise<Target[]> {
  const targets: Target[] = []
  for (const [role, rights] of Object.entries(roles)) {
    targets.push({ id: await newUser(lab, `target-${role}`, [role]), rights: new Set(rights) })
  }
  for (const [at, scope] of grantable.entries()) {
    const holder = await newUser(lab, `target-${at}`, [])
    const members = { name: `sub-${at}`, members: at % 2 === 0 ? [holder] : [] }
    const group = await lab.must('POST', '/api/v2/groups', members)
    const principal = at % 2 === 0 ? group.id : holder
    const grant = { principal_id: principal, bucket: 'sub-b', permissions: [scope] }
    await lab.must('POST', '/api/v2/grants', grant)
    targets.push({ id: holder, rights: rightsOf([scope]) })
  }
  return targets
}

async function newUser(lab: Lab, username: string, given: readonly string[]): Promise<string> {
  return (await lab.must('POST', '/api/v2/users', { username, password, roles: given })).id
}

async function send(
  lab: Lab,
  { headers }: Parent,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body: Tree },
): Promise<Answer> {
  return await lab.rest.ask({ method, path, headers, body: Buffer.from(JSON.stringify(body)) })
}

function judge(
  run: Run,
  seen: {
    readonly what: string
    readonly parent: Parent
    readonly answer: Answer
    readonly may: boolean
  },
): void {
  const { what, parent, answer, may } = seen
  run.count(may ? 'given' : 'withheld')
  const good = may ? answer.status < 300 : answer.status === 403
  if (good) run.pass()
  else run.fail(`${what} by who may ${[...parent.rights]} in ${parent.buckets}: ${answer.text}`)
}
