import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { TOTP, URI } from 'otpauth'
import {
  callOf,
  openTestStore,
  refused,
  type TestStore,
  type TestStoreOptions,
} from '../../test-store.test.ts'
import { authenticateToken } from '../sessions/authenticate-token.ts'
import { login, refresh } from '../sessions/login.ts'
import { loginWithCode } from '../sessions/login-with-code.ts'
import { changePassword, createUser, resetPassword, updateUser } from '../users/users.ts'
import { proofOf, stepOf } from './check-code.ts'
import { recoveryHash } from './recovery-codes.ts'
import {
  beginFactor,
  confirmFactor,
  disableFactor,
  removeFactor,
  renewRecoveryCodes,
} from './second-factor.ts'
import { spendProof } from './spend-proof.ts'

const password = 'Correct-Horse-7-Battery'
const origin = { ip: '127.0.0.1', agent: 'tests' }
const STEP = 30_000
const ann = { name: 'ann', password }

async function person(opened: TestStore, username = 'ann', roles = ['USER']): Promise<User> {
  const input = { username, password, roles, mustChangePassword: false }
  return await createUser(opened.engine, opened.call, input)
}

interface Enrolled {
  readonly totp: TOTP
  readonly recovery: readonly string[]
}

/** With an authenticator that only knows the address it was shown. */
async function enrol(opened: TestStore, credentials = ann): Promise<Enrolled> {
  const { engine, call, clock } = opened
  const { uri, secret } = await beginFactor(engine, call, credentials)
  const totp = URI.parse(uri)
  assert.ok(totp instanceof TOTP)
  assert.equal(totp.secret.base32, secret)
  assert.equal(secret.length, 32)
  const code = totp.generate({ timestamp: clock.now() })
  const recovery = await confirmFactor(engine, call, { ...credentials, code })
  clock.jump(STEP)
  return { totp, recovery }
}

async function challenged(opened: TestStore, credentials = ann): Promise<string> {
  try {
    await login(opened.engine, credentials, origin)
  } catch (error) {
    if (!isHoldfastError(error) || error.code !== 'SECOND_FACTOR_REQUIRED') throw error
    assert.equal(error.details.expires_in, 300)
    return String(error.details.challenge)
  }
  return assert.fail('a password alone opened a session')
}

function codeAt({ totp }: Enrolled, opened: TestStore, steps = 0): string {
  return totp.generate({ timestamp: opened.clock.now() + steps * STEP })
}

async function enter(opened: TestStore, code: string) {
  const challenge = await challenged(opened)
  return await loginWithCode(opened.engine, { challenge, code }, origin)
}

async function started(options: TestStoreOptions = {}) {
  const opened = await openTestStore(options)
  const user = await person(opened)
  return { opened, user, enrolled: await enrol(opened) }
}

test('a login takes password and code; neither alone is worth anything', async () => {
  const { opened, user, enrolled } = await started()
  await using _ = opened
  const { engine } = opened
  const challenge = await challenged(opened)
  for (const use of [
    async () => await authenticateToken(engine, challenge),
    async () => await refresh(engine, challenge, origin),
  ]) {
    await assert.rejects(use, refused('UNAUTHENTICATED'))
  }
  const code = codeAt(enrolled, opened)
  const { tokens } = await loginWithCode(engine, { challenge, code }, origin)
  assert.equal((await authenticateToken(engine, tokens.accessToken)).id, user.id)
  for (const token of [tokens.accessToken, tokens.refreshToken, '', 'x', challenge.slice(1)]) {
    await assert.rejects(
      loginWithCode(engine, { challenge: token, code }, origin),
      refused('UNAUTHENTICATED'),
    )
  }
})

test('the address for the app names issuer, user and parameters', async () => {
  await using opened = await openTestStore({ identity: { issuer: 'https://files.example.org' } })
  await person(opened, 'a+b@c.d')
  const { uri } = await beginFactor(opened.engine, opened.call, { name: 'a+b@c.d', password })
  const totp = URI.parse(uri)
  assert.ok(totp instanceof TOTP)
  const { issuer, label, algorithm, digits, period } = totp
  assert.deepEqual(
    [issuer, label, algorithm, digits, period],
    ['https files.example.org', 'a+b@c.d', 'SHA1', 6, 30],
  )
})

test('a secret counts only after its first code, and another one makes it void', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  await person(opened)
  const first = URI.parse((await beginFactor(engine, call, ann)).uri)
  await login(engine, ann, origin)
  const second = URI.parse((await beginFactor(engine, call, ann)).uri)
  assert.ok(first instanceof TOTP && second instanceof TOTP)
  const timestamp = clock.now()
  const old = { ...ann, code: first.generate({ timestamp }) }
  await assert.rejects(confirmFactor(engine, call, old), refused('UNAUTHENTICATED'))
  const { tokens } = await login(engine, ann, origin)
  await confirmFactor(engine, call, { ...ann, code: second.generate({ timestamp }) })
  const acts = async () => await authenticateToken(engine, tokens.accessToken)
  await assert.rejects(acts, refused('UNAUTHENTICATED'))
  await assert.rejects(beginFactor(engine, call, ann), refused('SECOND_FACTOR_EXISTS'))
  // The code that confirmed is spent, too.
  const challenge = await challenged(opened)
  const again = { challenge, code: second.generate({ timestamp }) }
  await assert.rejects(loginWithCode(engine, again, origin), refused('UNAUTHENTICATED'))
})

test('a code is good once: later, in parallel, after a restart and after a rebuild', async () => {
  const { enrolled, ...rest } = await started({ thread: true })
  let { opened } = rest
  const code = codeAt(enrolled, opened)
  const challenges = await Promise.all([challenged(opened), challenged(opened)])
  const tries = challenges.map(challenge =>
    loginWithCode(opened.engine, { challenge, code }, origin),
  )
  const results = await Promise.allSettled(tries)
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  for (const how of [undefined, 'rebuild'] as const) {
    opened = await opened.reopen(how)
    await assert.rejects(enter(opened, code), refused('UNAUTHENTICATED'))
  }
  opened.clock.jump(STEP)
  await enter(opened, codeAt(enrolled, opened, 1))
  // Never used and in the window, but older than one that was: it could have been looked at.
  await assert.rejects(enter(opened, codeAt(enrolled, opened)), refused('UNAUTHENTICATED'))
  await opened[Symbol.asyncDispose]()
})

test('what was proved with a code that another request spent first is worth nothing', async () => {
  const { opened, enrolled, user } = await started()
  await using _ = opened
  const { engine } = opened
  const [recovery = ''] = enrolled.recovery
  const before = await engine.catalog.view.identities.byId('user', user.id)
  assert.ok(before)
  const proofs = [codeAt(enrolled, opened), recovery].map(code => proofOf(engine, before, code))
  assert.deepEqual(
    proofs.map(proof => proof?.kind),
    ['code', 'recovery'],
  )
  for (const proof of proofs) {
    assert.ok(proof)
    const after = spendProof(before, proof)
    assert.throws(() => spendProof(after, proof), refused('UNAUTHENTICATED'))
    assert.throws(() => spendProof(before, null), refused('UNAUTHENTICATED'))
  }
})

test('a challenge ends with its time, a login, a change of password, and the factor', async () => {
  const { opened, user, enrolled } = await started()
  await using _ = opened
  const { engine, call, clock } = opened
  const attempt = (challenge: string) =>
    loginWithCode(engine, { challenge, code: codeAt(enrolled, opened) }, origin)
  const used = await challenged(opened)
  await attempt(used)
  clock.jump(STEP)
  await assert.rejects(attempt(used), refused('UNAUTHENTICATED'))
  const late = await challenged(opened)
  clock.jump(300_000)
  await assert.rejects(attempt(late), refused('CREDENTIAL_EXPIRED'))
  const early = await challenged(opened)
  await updateUser(engine, call, { id: user.id, patch: { status: 'INACTIVE' } })
  await assert.rejects(attempt(early), refused('ACCOUNT_DISABLED'))
  await updateUser(engine, call, { id: user.id, patch: { status: 'ACTIVE' } })
  const other = 'Another-Horse-8-Battery'
  await resetPassword(engine, call, { id: user.id, password: other, mustChange: false })
  await assert.rejects(attempt(early), refused('UNAUTHENTICATED'))
  const last = await challenged(opened, { name: 'ann', password: other })
  await removeFactor(engine, call, user.id)
  await assert.rejects(attempt(last), refused('UNAUTHENTICATED'))
  await login(engine, { name: 'ann', password: other }, origin)
})

test('wrong codes lock like wrong passwords, however many come at once', async () => {
  const { opened, enrolled } = await started()
  await using _ = opened
  const { engine } = opened
  await assert.rejects(login(engine, { ...ann, password: 'wrong' }, origin))
  const challenge = await challenged(opened)
  const guesses = Array.from({ length: 12 }, (_, n) => {
    const code = n % 2 === 0 ? String(n).repeat(6).slice(0, 6) : `abcd-${'efgh-'.repeat(4)}ijkl`
    return loginWithCode(engine, { challenge, code }, origin)
  })
  const codes = (await Promise.allSettled(guesses)).map(result =>
    result.status === 'rejected' ? result.reason.code : 'in',
  )
  assert.equal(codes.filter(code => code === 'UNAUTHENTICATED').length, 4)
  assert.equal(codes.filter(code => code === 'ACCOUNT_LOCKED').length, 8)
  const right = { challenge, code: codeAt(enrolled, opened) }
  await assert.rejects(loginWithCode(engine, right, origin), refused('ACCOUNT_LOCKED'))
  await assert.rejects(login(engine, ann, origin), refused('ACCOUNT_LOCKED'))
  opened.clock.jump(30 * 60_000)
  await enter(opened, codeAt(enrolled, opened))
})

test('a right password alone does not forget wrong codes', async () => {
  const { opened, enrolled } = await started()
  await using _ = opened
  for (let n = 0; n < 5; n += 1) {
    await assert.rejects(enter(opened, '000000'), refused('UNAUTHENTICATED'))
  }
  await assert.rejects(enter(opened, codeAt(enrolled, opened)), refused('ACCOUNT_LOCKED'))
})

test('a recovery code opens once, in any spelling, and only for its user', async () => {
  const { opened, enrolled } = await started({ thread: true })
  await using _ = opened
  const { recovery } = enrolled
  assert.equal(new Set(recovery).size, 10)
  for (const code of recovery) assert.match(code, /^([a-z2-7]{4}-){5}[a-z2-7]{4}$/)
  // All 120 bits are drawn.
  const parts = [0, 1, 2, 3, 4, 5].map(at => new Set(recovery.map(code => code.split('-')[at])))
  for (const part of parts) assert.ok(part.size > 5)
  const [first = '', second = '', third = ''] = recovery
  assert.equal((await enter(opened, first)).by, 'recovery')
  await assert.rejects(enter(opened, first), refused('UNAUTHENTICATED'))
  await enter(opened, ` ${second.toUpperCase().replaceAll('-', ' ')}`)
  await person(opened, 'bob')
  const bob = { name: 'bob', password }
  await enrol(opened, bob)
  const challenge = await challenged(opened, bob)
  // Nor do the hashes tell who has the same code.
  assert.notEqual(recoveryHash('ann', third), recoveryHash('bob', third))
  const foreign = { challenge, code: third }
  await assert.rejects(loginWithCode(opened.engine, foreign, origin), refused('UNAUTHENTICATED'))
  const both = await Promise.allSettled([enter(opened, third), enter(opened, third)])
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

test('new recovery codes need a code and end the ones before', async () => {
  const { opened, enrolled } = await started()
  await using _ = opened
  const { engine, call } = opened
  const wrong = { ...ann, code: '000000' }
  await assert.rejects(renewRecoveryCodes(engine, call, wrong), refused('UNAUTHENTICATED'))
  const code = codeAt(enrolled, opened)
  const fresh = await renewRecoveryCodes(engine, call, { ...ann, code })
  await assert.rejects(enter(opened, enrolled.recovery[0] ?? ''), refused('UNAUTHENTICATED'))
  await assert.rejects(enter(opened, code), refused('UNAUTHENTICATED'))
  await enter(opened, fresh[9] ?? '')
})

test('who knows the password but not the code changes nothing', async () => {
  const { opened, enrolled } = await started()
  await using _ = opened
  const { engine, call } = opened
  const change = { ...ann, newPassword: 'Another-Horse-8-Battery' }
  await assert.rejects(changePassword(engine, call, change), refused('SECOND_FACTOR_REQUIRED'))
  const wrong = { ...ann, code: '000000' }
  await assert.rejects(changePassword(engine, call, { ...change, ...wrong }))
  await assert.rejects(disableFactor(engine, call, wrong), refused('UNAUTHENTICATED'))
  await assert.rejects(beginFactor(engine, call, ann), refused('SECOND_FACTOR_EXISTS'))
  const code = codeAt(enrolled, opened)
  await changePassword(engine, call, { ...change, code })
  const after = { name: 'ann', password: change.newPassword }
  await assert.rejects(disableFactor(engine, call, { ...after, code }), refused('UNAUTHENTICATED'))
  opened.clock.jump(STEP)
  await disableFactor(engine, call, { ...after, code: codeAt(enrolled, opened) })
  await login(engine, after, origin)
})

test('who has the code but not the password changes nothing', async () => {
  const { opened, enrolled } = await started()
  await using _ = opened
  const { engine, call } = opened
  const code = codeAt(enrolled, opened)
  const wrong = { name: 'ann', password: 'Wrong-Horse-7-Battery', code }
  for (const act of [disableFactor, renewRecoveryCodes, confirmFactor, beginFactor]) {
    await assert.rejects(act(engine, call, wrong), refused('UNAUTHENTICATED'), act.name)
  }
  await enter(opened, code)
})

test('an administrator takes it off others, not off themselves', async () => {
  const { opened, user, enrolled } = await started()
  await using _ = opened
  const { engine } = opened
  const { tokens } = await enter(opened, codeAt(enrolled, opened))
  const as = (id: string, permissions: string[]) => callOf({ kind: 'user', id, permissions })
  await assert.rejects(removeFactor(engine, as('x', ['assets:*']), user.id), refused('FORBIDDEN'))
  await assert.rejects(removeFactor(engine, as(user.id, ['*']), user.id), refused('FORBIDDEN'))
  await removeFactor(engine, as('x', ['*']), user.id)
  const before = async () => await authenticateToken(engine, tokens.accessToken)
  await assert.rejects(before(), refused('UNAUTHENTICATED'))
  const { tokens: kept } = await login(engine, ann, origin)
  const missing = async () => await removeFactor(engine, as('x', ['*']), user.id)
  await assert.rejects(missing(), refused('SECOND_FACTOR_MISSING'))
  // One that was only begun is none: nothing is said to have been on, and no session ends.
  await beginFactor(engine, opened.call, ann)
  await assert.rejects(missing(), refused('SECOND_FACTOR_MISSING'))
  await authenticateToken(engine, kept.accessToken)
})

test('where it is required, an administrator without one can do nothing but enrol', async () => {
  await using opened = await openTestStore({ identity: { secondFactorFor: 'administrators' } })
  const { engine, call } = opened
  await person(opened)
  const plain = (await login(engine, ann, origin)).tokens
  for (const [name, role] of [
    ['root', 'ADMIN'],
    ['otto', 'OPERATOR'],
  ] as const) {
    await person(opened, name, [role])
    const credentials = { name, password }
    await assert.rejects(
      login(engine, credentials, origin),
      refused('SECOND_FACTOR_ENROLMENT_REQUIRED'),
    )
    const enrolled = await enrol(opened, credentials)
    const challenge = await challenged(opened, credentials)
    const code = codeAt(enrolled, opened)
    await loginWithCode(engine, { challenge, code }, origin)
  }
  // Who becomes one is asked at the next request, with a token from before.
  await authenticateToken(engine, plain.accessToken)
  const { identities } = engine.catalog.view
  const user = await identities.byName('user', 'ann')
  await updateUser(engine, call, { id: user?.id ?? '', patch: { roles: ['ADMIN'] } })
  for (const use of [
    async () => await authenticateToken(engine, plain.accessToken),
    async () => await refresh(engine, plain.refreshToken, origin),
  ]) {
    await assert.rejects(use, refused('SECOND_FACTOR_ENROLMENT_REQUIRED'))
  }
})

test('no secret lies open in the catalog, and a sealed one opens for its user only', async () => {
  const { opened, user, enrolled } = await started()
  await using _ = opened
  const { engine } = opened
  const record = await engine.catalog.view.identities.byId('user', user.id)
  const text = JSON.stringify(record)
  const { base32, hex } = enrolled.totp.secret
  const secrets = [base32, hex.toLowerCase(), ...enrolled.recovery]
  const plain = enrolled.recovery.map(code => code.replaceAll('-', '').toUpperCase())
  for (const secret of [...secrets, ...plain]) assert.ok(!text.includes(secret))
  const bob = await person(opened, 'bob')
  await enrol(opened, { name: 'bob', password })
  const mallory = await engine.catalog.view.identities.byId('user', bob.id)
  assert.ok(mallory?.secondFactor && record?.secondFactor)
  const moved = { user: mallory, factor: record.secondFactor }
  assert.throws(() => stepOf(engine, moved, '000000'), refused('INTERNAL'))
})
