import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { type OpenIdAttempt, OpenIdFault } from '@holdfast/core/ports/openid.ts'
import { openTestStore, refused, type TestStore } from '../../../test-store.test.ts'
import { loginOpenId } from '../../sessions/login.ts'
import { endSessions } from '../../sessions/sessions.ts'
import { rotateSigningKey } from '../../sessions/signing-keys.ts'
import { createUser, updateUser } from '../../users/users.ts'
import { standingOf } from '../mapping.ts'
import { subjectId } from '../subject-id.ts'
import { beginOpenId, finishOpenId, redeemOpenId } from './openid-login.ts'

const returnTo = 'https://files.example.org/console/'

const nobody = 'nobody comes back here'
const openId = {
  provider: {
    place: 'https://idp.example.org',
    addressFor: async ({ state }: OpenIdAttempt) => await Promise.resolve(state),
    finish: () => Promise.reject(new Error(nobody)),
  },
  claims: { name: ['name'], email: ['email'] },
  ...{ maps: [], always: { roles: [], permissions: [], groups: [] } },
  ...{ returnUrls: [returnTo], sessionSeconds: 60, keySeconds: 60 },
}

test('one address cannot begin so many logins that those of others are forgotten', async () => {
  await using opened = await openTestStore({ outside: { openId } })
  const { engine, clock } = opened
  const begin = async (ip: string) => {
    return await beginOpenId(engine, { returnTo, challenge: 'x'.repeat(43), ip })
  }
  for (let n = 0; n < 200; n += 1) await begin(`2001:db8::${n}`)
  const retry = refused('TOO_MANY_REQUESTS', { retry_after: 3 })
  // The next address of the same /64, which is one caller.
  await assert.rejects(begin('2001:db8::ffff'), retry)
  await begin('192.0.2.1')
  await clock.advance(600_000)
  await begin('2001:db8::ffff')
})

test('a login under way is there after many networks have begun as many as they may', async () => {
  await using opened = await openTestStore({ outside: { openId } })
  const { engine } = opened
  const begin = (ip: string) => beginOpenId(engine, { returnTo, challenge: 'x'.repeat(43), ip })
  const ours = [await begin('192.0.2.1'), await begin('2001:db8:1::1')]
  for (let net = 0; net < 60; net += 1) {
    const address = (n: number) => (net % 2 === 0 ? `10.0.${net}.${n}` : `2001:db9:${net}:${n}::`)
    // Each of its addresses begins no more than one alone may.
    for (let n = 0; n < 200; n += 1) await begin(address(n))
  }
  for (const { address: state, binding } of ours) {
    const back = finishOpenId(engine, { query: `state=${state}`, binding })
    await assert.rejects(back, { message: nobody })
  }
})

const verifier = 'v'.repeat(43)

/** A store whose provider says of everybody who comes back what was said last. */
async function storeWith(said: { claims: object }): Promise<TestStore> {
  const provider = { ...openId.provider, finish: async () => await Promise.resolve(said.claims) }
  const mapping = new Map([['bosses', standingOf(['ADMIN', 'group:Night Shift'])]])
  const maps = [{ claim: ['teams'], mapping }]
  return await openTestStore({ outside: { openId: { ...openId, provider, maps } } })
}

async function begun({ engine }: TestStore) {
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const { address, binding } = await beginOpenId(engine, { returnTo, challenge, ip: '192.0.2.1' })
  return { query: `state=${address}`, binding }
}

async function codeOf(opened: TestStore): Promise<string> {
  const address = await finishOpenId(opened.engine, await begun(opened))
  return address.slice(`${returnTo}#code=`.length)
}

test('who comes in is known by issuer and subject; names and addresses lead nowhere', async () => {
  const said = { claims: {} }
  await using opened = await storeWith(said)
  const { engine, call } = opened
  const ann = { name: 'ann', email: 'ann@example.org' }
  const account = { username: ann.name, email: ann.email, roles: ['ADMIN'] }
  const local = await createUser(engine, call, { ...account, password: 'Correct-Horse-7-Battery' })
  const enter = async (claims: object) => {
    said.claims = claims
    return (await redeemOpenId(engine, { code: await codeOf(opened), verifier })).user
  }
  const first = await enter({ sub: 'one', ...ann })
  assert.equal(first.id, subjectId('openid https://idp.example.org', 'one'))
  assert.notEqual(first.id, local.id)
  assert.deepEqual([first.username, first.email, first.roles], ['ann', ann.email, []])
  const other = await enter({ sub: 'two', ...ann })
  assert.ok(![local.id, first.id].includes(other.id))
  const renamed = await enter({ sub: 'one', name: 'bob', email: 'bob@example.org' })
  assert.deepEqual([renamed.id, renamed.username], [first.id, 'bob'])
  // Nor can anybody be found here by what the provider said.
  const { identities } = engine.catalog.view
  assert.equal((await identities.byName('user', 'ann'))?.id, local.id)
  assert.equal((await identities.byName('user', ann.email))?.id, local.id)
  for (const name of ['bob', 'bob@example.org', 'one', 'two']) {
    assert.equal(await identities.byName('user', name), undefined, name)
  }
})

test('why a login failed is told, but not what any browser can cause', async () => {
  const failing = { fault: new OpenIdFault('the secret is wrong') }
  const finish = () => {
    return Promise.reject(new HoldfastError('UNAUTHENTICATED', {}, { cause: failing.fault }))
  }
  const told: string[] = []
  const onProblem = (place: string, error: unknown) => told.push(`${place} ${error}`)
  const provider = { ...openId.provider, finish }
  await using opened = await openTestStore({
    outside: { openId: { ...openId, provider }, onProblem },
  })
  const enter = async (binding?: string) => {
    const { query, ...own } = await begun(opened)
    const back = { query, binding: binding ?? own.binding }
    await assert.rejects(finishOpenId(opened.engine, back), refused('UNAUTHENTICATED'))
  }
  await enter()
  assert.deepEqual(told.splice(0), ['https://idp.example.org Error: the secret is wrong'])
  await enter('another browser')
  failing.fault = new OpenIdFault('the code is wrong', { isOfBrowser: true })
  await enter()
  assert.deepEqual(told, [])
})

test('rights that claims give or take are told, and nothing where they are as before', async () => {
  const said = { claims: {} }
  await using opened = await storeWith(said)
  const told: unknown[] = []
  opened.engine.identity.counts.onRights = ({ user, before, after }) => {
    told.push([user.outside?.subject, before, after])
  }
  const none = { status: 'ACTIVE', roles: [], permissions: [], groups: [] }
  const boss = { ...none, roles: ['ADMIN'], groups: ['night shift'] }
  for (const [claims, ...news] of [
    [{ sub: 'one', name: 'ann' }],
    [{ sub: 'one', name: 'ann', teams: ['bosses'] }, ['one', none, boss]],
    [{ sub: 'one', name: 'anna', teams: ['bosses', 'others'] }],
    [{ sub: 'one' }, ['one', boss, none]],
    [{ sub: 'two', teams: ['bosses'] }, ['two', null, boss]],
  ]) {
    said.claims = claims ?? {}
    await codeOf(opened)
    assert.deepEqual(told.splice(0), news, JSON.stringify(claims))
  }
})

test('a login may take ten minutes, and its code is good once, for one', async () => {
  await using opened = await storeWith({ claims: { sub: 'one' } })
  const { engine, clock } = opened
  const [late, intime] = [await begun(opened), await begun(opened)]
  await clock.advance(599_000)
  await finishOpenId(engine, intime)
  await clock.advance(1000)
  await assert.rejects(finishOpenId(engine, late), refused('UNAUTHENTICATED'))
  const [old, good] = [await codeOf(opened), await codeOf(opened)]
  await clock.advance(59_000)
  await redeemOpenId(engine, { code: good, verifier })
  await assert.rejects(redeemOpenId(engine, { code: good, verifier }), refused('UNAUTHENTICATED'))
  await clock.advance(1000)
  await assert.rejects(redeemOpenId(engine, { code: old, verifier }), refused('UNAUTHENTICATED'))
})

test('a code from before all sessions were ended opens none', async () => {
  await using opened = await storeWith({ claims: { sub: 'one' } })
  const { engine, call } = opened
  const origin = { ip: '192.0.2.1', agent: 'a test' }
  const enter = (code: string) => loginOpenId(engine, { code, verifier }, origin)
  const { user } = await enter(await codeOf(opened))
  const end = () => endSessions(engine, call, { userId: user.id, keepCurrent: false })
  for (const open of [1, 0]) {
    const code = await codeOf(opened)
    assert.equal(await end(), open)
    await assert.rejects(enter(code), refused('UNAUTHENTICATED'))
  }
  const code = await codeOf(opened)
  for (const status of ['INACTIVE', 'ACTIVE'] as const) {
    await updateUser(engine, call, { id: user.id, patch: { status } })
  }
  await assert.rejects(enter(code), refused('UNAUTHENTICATED'))
  assert.equal((await enter(await codeOf(opened))).user.id, user.id)
})

test('a code from before the former signing keys were distrusted opens none', async () => {
  await using opened = await storeWith({ claims: { sub: 'one' } })
  const { engine, call } = opened
  const origin = { ip: '192.0.2.1', agent: 'a test' }
  const enter = (code: string) => loginOpenId(engine, { code, verifier }, origin)
  const [kept, old] = [await codeOf(opened), await codeOf(opened)]
  await rotateSigningKey(engine, call)
  await enter(kept)
  await rotateSigningKey(engine, call, { distrustFormer: true })
  await assert.rejects(enter(old), refused('UNAUTHENTICATED'))
  await enter(await codeOf(opened))
})
