import type { Route } from '@holdfast/contract/route.ts'
import { type OperationId, routes } from '@holdfast/contract/routes.ts'
import { password } from '../people.ts'
import { requestOf } from '../rest/requests.ts'
import type { Wanted } from '../rest/row.ts'
import { codeNow } from './factor-scene.ts'
import type { Act, Scene } from './race.ts'

export const newPassword = `${password}-new`
const thirdPassword = `${password}-third`

type Who = 'owner' | 'guest' | 'admin' | 'nobody'
interface Asks {
  readonly who?: Who
  readonly how?: string
  readonly prepare?: (scene: Scene) => Promise<Readonly<Record<string, string>>>
  /** Beside what tells who asks. */
  readonly headers?: Readonly<Record<string, string>>
  readonly ask: (scene: Scene, made: Readonly<Record<string, string>>) => Wanted
}

const user = ({ owner }: Scene) => ({ params: { id: owner.id } })
const name = ({ mark }: Scene) => ({ username: `${mark}-u` })
const of = (what: string) => (scene: Scene) => ({ params: { id: scene.ids[what] ?? '' } })
const patch = (how: string, json: object): Asks => ({
  how: ` (${how})`,
  ask: scene => ({ ...user(scene), json }),
})
const action = (how: string): Asks => ({
  how: ` (${how})`,
  ask: ({ owner }) => ({ json: { action: how, ids: [owner.id] } }),
})
const accountPatch = (how: string, json: object): Asks => ({
  how: ` (${how})`,
  ask: scene => ({ ...of('account')(scene), json }),
})

/** Nothing of people is asked for by them, or what they change is not theirs. */
export const asks: { readonly [Id in OperationId]?: readonly Asks[] } = {
  login: [
    { who: 'nobody', ask: scene => ({ json: { ...name(scene), password } }) },
    {
      who: 'nobody',
      how: ' (new)',
      ask: of5 => ({ json: { ...name(of5), password: newPassword } }),
    },
    { who: 'nobody', how: ' (wrong)', ask: one => ({ json: { ...name(one), password: 'wrong' } }) },
  ],
  refresh: [
    {
      who: 'nobody',
      ask: ({ made }) => ({ json: { refresh_token: made.get('people')?.refresh ?? '' } }),
    },
  ],
  logout: [{ who: 'owner', ask: () => ({}) }],
  changePassword: [
    {
      who: 'nobody',
      ask: scene => ({ json: { ...name(scene), password, new_password: newPassword } }),
    },
  ],
  resetPassword: [
    {
      who: 'nobody',
      ask: ({ made }) => ({
        json: { token: made.get('people')?.token ?? '', new_password: newPassword },
      }),
    },
  ],
  confirmSecondFactor: [
    {
      who: 'nobody',
      prepare: async ({ lab, mark }) => {
        const who = { username: `${mark}-u`, password }
        const { secret } = await lab.must('POST', '/api/v2/auth/second-factor', who)
        return { secret }
      },
      ask: (scene, { secret = '' }) => ({
        json: { ...name(scene), password, code: codeNow(scene.lab, secret) },
      }),
    },
  ],
  beginSecondFactor: [{ who: 'nobody', ask: scene => ({ json: { ...name(scene), password } }) }],
  confirmSession: [{ who: 'owner', ask: () => ({ json: { password } }) }],
  endSession: [{ who: 'owner', ask: ({ ids }) => ({ params: { session_id: ids.session ?? '' } }) }],
  endSessions: [{ who: 'owner', ask: () => ({ query: { keep_current: 'true' } }) }],
  endUserSessions: [{ ask: user }],
  endUserSession: [
    {
      ask: ({ owner, ids }) => ({ params: { id: owner.id, session_id: ids.session ?? '' } }),
    },
  ],
  createUser: [
    {
      ask: ({ mark }) => ({
        json: { username: `${mark}-new`, password, email: `${mark}-2@example.org` },
      }),
    },
  ],
  updateUser: [
    patch('auditor', { roles: ['AUDITOR'] }),
    patch('operator', { roles: ['OPERATOR'] }),
    patch('off', { status: 'INACTIVE' }),
    patch('on', { status: 'ACTIVE' }),
    patch('confined', { buckets: [] }),
    {
      how: ' (address)',
      ask: scene => ({ ...user(scene), json: { email: `${scene.mark}-2@example.org` } }),
    },
  ],
  removeUser: [{ ask: user }],
  resetUserPassword: [{ ask: scene => ({ ...user(scene), json: { password: thirdPassword } }) }],
  unlockUser: [{ ask: user }],
  removeUserSecondFactor: [{ ask: user }],
  actOnUsers: [
    action('activate'),
    action('deactivate'),
    action('delete'),
    action('unlock'),
    action('end_sessions'),
    action('require_password_change'),
  ],
  createKey: [
    { ask: ({ mark }) => ({ json: { name: mark, permissions: ['assets:read'] } }) },
    {
      how: ' (confined)',
      ask: ({ mark, bucket }) => ({
        json: { name: mark, permissions: ['assets:read'], buckets: [bucket] },
      }),
    },
  ],
  revokeKey: [{ ask: of('key') }],
  createS3Key: [
    { who: 'owner', ask: () => ({ json: { name: 'own' } }) },
    { how: ' (for)', ask: ({ owner }) => ({ json: { name: 'for', user_id: owner.id } }) },
  ],
  revokeS3Key: [{ ask: ({ owner }) => ({ params: { id: owner.pair.id } }) }],
  createShare: [
    { who: 'owner', ask: ({ ids }) => ({ json: { asset_id: ids.k } }) },
    { who: 'owner', how: ' (part)', ask: ({ bucket }) => ({ json: { bucket, prefix: '' } }) },
  ],
  openShare: [
    {
      who: 'nobody',
      prepare: async scene => await share(scene),
      ask: (_, { token = '' }) => ({ params: { token } }),
    },
    { ...withSharePassword(password), prepare: async scene => await share(scene, { password }) },
  ],
  revokeShare: [
    {
      who: 'owner',
      prepare: async scene => await share(scene),
      ask: (_, { id = '' }) => ({ params: { id } }),
    },
  ],
  createGroup: [
    {
      ask: ({ mark, owner }) => ({ json: { name: `${mark}-more`, members: [owner.id] } }),
    },
  ],
  updateGroup: [
    {
      how: ' (all)',
      ask: scene => ({ ...of('group')(scene), json: { members: [scene.guest.id] } }),
    },
    {
      how: ' (add)',
      ask: scene => ({ ...of('group')(scene), json: { add_members: [scene.guest.id] } }),
    },
    {
      how: ' (take)',
      ask: scene => ({ ...of('group')(scene), json: { remove_members: [scene.owner.id] } }),
    },
    { how: ' (told)', ask: scene => ({ ...of('group')(scene), json: { description: 'told' } }) },
  ],
  removeGroup: [{ ask: of('group') }],
  addGrant: [
    {
      ask: ({ owner, bucket }) => ({
        json: { principal_id: owner.id, bucket, permissions: ['assets:write'] },
      }),
    },
    {
      how: ' (group)',
      ask: ({ ids, bucket }) => ({
        json: { principal_id: ids.group, bucket, permissions: ['assets:write'] },
      }),
    },
  ],
  removeGrant: [{ ask: of('grant') }],
  removeBucket: [
    {
      who: 'owner',
      prepare: async ({ lab, ids }) => {
        await lab.must('DELETE', `/api/v2/assets/${ids.k}?hard_delete=true`)
        return {}
      },
      ask: ({ bucket }) => ({ params: { bucket } }),
    },
  ],
  createBucket: [{ who: 'owner', ask: ({ mark }) => ({ json: { name: `${mark}-more` } }) }],
  updateBucket: [
    {
      how: ' (give)',
      ask: ({ bucket, guest }) => ({ params: { bucket }, json: { owner_id: guest.id } }),
    },
  ],
  putByKey: [
    {
      who: 'owner',
      ask: ({ bucket }) => ({ params: { bucket, key: 'k' }, bytes: 'by the owner' }),
    },
  ],
  createAccount: [{ ask: ({ mark }) => ({ json: { name: mark, roles: ['READONLY'] } }) }],
  updateAccount: [
    accountPatch('off', { status: 'SUSPENDED' }),
    accountPatch('on', { status: 'ACTIVE' }),
    accountPatch('auditor', { roles: ['AUDITOR'] }),
    accountPatch('told', { description: 'told' }),
  ],
  removeAccount: [{ ask: of('account') }],
  rotateSecret: [{ ask: of('account') }],
  removeSecret: [
    {
      ask: ({ ids }) => ({ params: { id: ids.account ?? '', secret_id: ids.secret ?? '' } }),
    },
  ],
  issueToken: [
    {
      who: 'nobody',
      ask: ({ made }) => {
        const { client: client_id, secret: client_secret } = made.get('account') ?? {}
        return { json: { grant_type: 'client_credentials', client_id, client_secret } }
      },
    },
  ],
}

/** With the same recovery code, which is good once; the challenge is that of a login before. */
const factorAsks: { readonly [Id in OperationId]?: readonly Asks[] } = {
  loginWithCode: [
    {
      who: 'nobody',
      ask: ({ made }) => {
        const { challenge, code } = made.get('factor') ?? {}
        return { json: { challenge, code } }
      },
    },
  ],
  disableSecondFactor: [{ who: 'nobody', ask: withCode }],
  renewRecoveryCodes: [{ who: 'nobody', ask: withCode }],
  changePassword: [
    {
      ...{ who: 'nobody', how: ' (code)' },
      ask: scene => ({ json: { ...withCode(scene).json, new_password: newPassword } }),
    },
  ],
}

function withCode(scene: Scene) {
  const { code } = scene.made.get('factor') ?? {}
  return { json: { ...name(scene), password, code } }
}

/** Of somebody with a second factor, with what else is done to accounts. */
export function factorActs(): readonly Act[] {
  const own = actsOf(factorAsks)
  const others = /User|login|Password|refresh|SecondFactor|locked out|off and on|changed/
  // That begins with one that is not confirmed.
  const isOther = ({ name }: Act) => others.test(name) && name !== 'confirmSecondFactor'
  return [...own, ...peopleActs().filter(isOther)]
}

export function isFactorAct({ name }: Act): boolean {
  return Object.hasOwn(factorAsks, name) || name === 'changePassword (code)'
}

/** Of the link that only this act has; also the wrong one. */
function withSharePassword(given: string): Asks {
  const authorization = `Basic ${Buffer.from(`:${given}`).toString('base64')}`
  return {
    ...{ who: 'nobody', how: ' (password)', headers: { authorization } },
    ask: (_, { token = '' }) => ({ params: { token } }),
  }
}

/** Good for one download, unless told otherwise. */
async function share(
  { lab, owner, ids }: Scene,
  limits: object = { uses_max: 1 },
): Promise<Record<string, string>> {
  const answer = await lab.rest.ask({
    ...{ method: 'POST', path: '/api/v2/shares' },
    headers: { ...owner.headers, 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ asset_id: ids.k, ...limits })),
  })
  const { id, url } = JSON.parse(answer.text)
  return { id, token: new URL(url).pathname.split('/').at(-1) ?? '' }
}

export function peopleActs(): readonly Act[] {
  return [...actsOf(asks), ...composed]
}

function actsOf(given: typeof asks): Act[] {
  return Object.entries(given).flatMap(([operation, some]) =>
    some.map(one => actOf(operation as OperationId, one)),
  )
}

function actOf(operation: OperationId, given: Asks): Act {
  const { who = 'admin', how = '', prepare, headers: more, ask } = given
  const route: Route = routes[operation]
  const called = `${operation}${how}`
  return {
    ...{ name: called, isOne: true, isWide: false },
    ...(prepare === undefined ? {} : { prepare }),
    run: async (scene, send) => {
      const headers = { ...(who === 'nobody' ? {} : scene[who].headers), ...more }
      const wanted = ask(scene, scene.made.get(called) ?? {})
      await send('rest', requestOf(route, wanted, headers))
    },
  }
}

const inTurn = (called: string, ...steps: readonly (readonly [OperationId, Asks])[]): Act => ({
  ...{ name: called, isOne: false, isWide: false },
  run: async (scene, send) => {
    for (const [operation, one] of steps) await actOf(operation, one).run(scene, send)
  },
})
const wrong: readonly [OperationId, Asks] = [
  'login',
  { who: 'nobody', ask: scene => ({ json: { ...name(scene), password: 'wrong' } }) },
]

const guess: readonly [OperationId, Asks] = ['openShare', withSharePassword('wrong')]

const composed: readonly Act[] = [
  inTurn('locked out', wrong, wrong, wrong, wrong, wrong),
  inTurn('link locked', guess, guess, guess, guess, guess),
  inTurn(
    'off and on',
    ['updateUser', patch('', { status: 'INACTIVE' })],
    ['updateUser', patch('', { status: 'ACTIVE' })],
  ),
  inTurn(
    'password changed and back',
    ['resetUserPassword', { ask: scene => ({ ...user(scene), json: { password: newPassword } }) }],
    [
      'resetUserPassword',
      { ask: scene => ({ ...user(scene), json: { password: thirdPassword } }) },
    ],
  ),
]
