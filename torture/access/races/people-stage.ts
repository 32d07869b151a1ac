import { createHash } from 'node:crypto'
import { commit } from '@holdfast/engine/commit.ts'
import { systemCall } from '@holdfast/engine/engine.ts'
import { adminKey, type Lab } from '../open-lab.ts'
import { password } from '../people.ts'
import { sign } from '../s3/sign.ts'
import { jsonOf, type Tree } from '../wire.ts'
import { enrol } from './factor-scene.ts'
import { factorActs, isFactorAct, newPassword, peopleActs } from './people-acts.ts'
import { codeOf, type Person, type Scene, type Stage } from './race.ts'
import { mustS3, newPair } from './thing-stage.ts'

/** Somebody with all that belongs to people: sessions, keys, groups, grants, shares, an account. */
export async function openPeopleStage(lab: Lab): Promise<Stage> {
  const pair = await newPair(lab, null)
  const admin: Person = { name: 'admin', id: 'nobody', headers: { 'x-api-key': adminKey }, pair }
  return {
    name: 'people',
    acts: peopleActs(),
    meet: () => true,
    open: async mark => await openScene(lab, mark, admin),
    state: stateOf,
  }
}

/** The same, where the owner has a second factor. */
export async function openFactorStage(lab: Lab): Promise<Stage> {
  const people = await openPeopleStage(lab)
  return {
    ...people,
    name: 'factors',
    acts: factorActs(),
    meet: (one, other) => isFactorAct(one) || isFactorAct(other),
    open: async mark => {
      const scene = await people.open(mark)
      scene.made.set('factor', await enrol(lab, scene.owner.name))
      return scene
    },
  }
}

/** Hashing takes no time here, and is not what is looked at. Before any user is made. */
export function hashAtOnce({ context }: Lab): void {
  const { hasher } = context.engine.identity
  const hashOf = (text: string) => `$2b$12$${createHash('sha512').update(text).digest('hex')}`
  hasher.hash = async text => hashOf(text).slice(0, 60)
  hasher.verify = async (text, known) => known === hashOf(text).slice(0, 60)
}

async function openScene(lab: Lab, mark: string, admin: Person): Promise<Scene> {
  const owner = await person(lab, `${mark}-u`)
  const guest = await person(lab, `${mark}-v`)
  const must = lab.must
  const bucket = `${mark}-b`
  await mustS3(lab, owner, { method: 'PUT', path: `/${bucket}` })
  await mustS3(lab, owner, { method: 'PUT', path: `/${bucket}/k`, body: 'first' })
  const { view } = lab.context.engine.catalog
  const { id: bucketId = '' } = (await view.buckets.byName(bucket)) ?? {}
  const asset = await view.assets.byKey(bucketId, 'k')
  const group = await must('POST', '/api/v2/groups', { name: `${mark}-g`, members: [owner.id] })
  const grant = await must('POST', '/api/v2/grants', {
    ...{ principal_id: group.id, bucket, permissions: ['assets:read'] },
  })
  const account = await must('POST', '/api/v2/service-accounts', { name: mark, roles: ['USER'] })
  const key = await must('POST', '/api/v2/keys', { name: mark, permissions: ['assets:read'] })
  const { id: own } = (await sessionsOf(lab, owner.id))[0] ?? { id: '' }
  const token = createHash('sha256').update(mark).digest('base64url')
  await commit(lab.context.engine, systemCall('races'), {
    name: 'resets.begin',
    args: { userId: owner.id, hash: tokenHash(token), expiresAt: '2999-01-01T00:00:00.000Z' },
  })
  const made = new Map([
    ['people', { token, refresh: owner.refresh, session: own, key: key.key }],
    ['account', { client: account.client_id, secret: account.client_secret }],
  ])
  return {
    ...{ lab, mark, owner, guest, admin, bucket, bucketId, beganMs: lab.now(), made },
    ids: {
      ...{ k: asset?.id ?? '', group: group.id, grant: grant.id, account: account.id, key: key.id },
      secret: account.secrets[0].id,
      session: own,
    },
  }
}

function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

async function person(lab: Lab, username: string): Promise<Person & { readonly refresh: string }> {
  const input = { username, password, roles: ['USER'], email: `${username}@example.org` }
  const { id } = await lab.must('POST', '/api/v2/users', { ...input, must_change_password: false })
  const tokens = await lab.must('POST', '/api/v2/auth/login', { username, password })
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  const refresh: string = tokens.refresh_token
  return { name: username, id, headers, refresh, pair: await newPair(lab, id) }
}

async function sessionsOf({ context }: Lab, belongsTo: string) {
  const query = { kind: 'session', belongsTo, limit: 100 } as const
  return await context.engine.catalog.view.identities.list(query)
}

async function stateOf(scene: Scene): Promise<Tree> {
  const { lab, owner, guest, mark, ids } = scene
  const { view } = lab.context.engine.catalog
  const { identities } = view
  const of = async (belongsTo: string) => ({
    grants: await identities.list({ kind: 'grant', belongsTo, limit: 100 }),
    sessions: (await sessionsOf(lab, belongsTo)).map(({ names: _, ...session }) => session),
    shares: (await identities.list({ kind: 'share', belongsTo, limit: 100 })).map(untokened),
    resets: (await identities.list({ kind: 'password_reset', belongsTo, limit: 100 })).length,
  })
  const account = ids.account ?? ''
  const keys = [...(await view.keys.list()), ...(await view.accessKeys.list())]
  const people = [owner.id, guest.id]
  const records: Tree = {}
  for (const id of people) records[id] = (await identities.byId('user', id)) ?? null
  const named = [await identities.byName('user', `${mark}-new`)]
  return {
    ...{ records, named, owner: await of(owner.id), guest: await of(guest.id) },
    account: (await identities.byId('service_account', account)) ?? null,
    ofAccount: await of(account),
    group: (await identities.byId('group', ids.group ?? '')) ?? null,
    ofGroup: await of(ids.group ?? ''),
    keys: keys
      .filter(one => one.name === mark || ('userId' in one && people.includes(one.userId ?? '')))
      .map(({ name, permissions, buckets, ...key }) => ({
        ...{ name, permissions, buckets, makerId: key.makerId, revokedAt: key.revokedAt },
        userId: 'userId' in key ? key.userId : null,
      }))
      .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)),
    works: await worksOf(scene),
  }
}

function untokened<Share extends { readonly names: readonly string[] }>({
  names: _,
  ...it
}: Share) {
  return it
}

/** Which credentials open what, by now. Passwords come last: they change what is remembered. */
async function worksOf({ lab, owner, guest, made, mark }: Scene): Promise<Tree> {
  const works: Record<string, string> = {}
  const key = { 'x-api-key': made.get('people')?.key ?? '' }
  for (const [name, headers] of [
    ['session', owner.headers],
    ['session of the guest', guest.headers],
    ['key', key],
  ] as const) {
    const answer = await lab.rest.ask({ method: 'GET', path: '/api/v2/auth/me', headers })
    const { permissions, buckets } = jsonOf(answer) ?? {}
    works[name] = `${codeOf(answer)} ${permissions} ${buckets}`
  }
  const signing = { pair: owner.pair, mode: 'header', host: lab.s3.host, nowMs: lab.now() } as const
  works.pair = codeOf(await lab.s3.ask(sign({ method: 'GET', path: '/' }, signing)))
  for (const secret of [password, newPassword]) {
    const body = { username: `${mark}-u`, password: secret }
    works[secret === password ? 'password' : 'new password'] = codeOf(
      await post(lab, 'login', body),
    )
  }
  const { client: client_id, secret: client_secret } = made.get('account') ?? {}
  const asked = { grant_type: 'client_credentials', client_id, client_secret }
  works['client secret'] = codeOf(await post(lab, 'token', asked))
  return works
}

async function post(lab: Lab, path: string, body: object) {
  return await lab.rest.ask({
    ...{ method: 'POST', path: `/api/v2/auth/${path}` },
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  })
}
