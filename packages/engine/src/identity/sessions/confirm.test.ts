import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { SmtpMailer } from '@holdfast/drivers/mail/smtp-mailer.ts'
import { openSmtpSink } from '@holdfast/testkit/smtp-sink.ts'
import { TOTP, URI } from 'otpauth'
import { createAccessKey } from '../../access/keys/access-keys.ts'
import { createKey } from '../../access/keys/keys.ts'
import { principalNow } from '../../access/rights-now.ts'
import { createBucket } from '../../buckets/buckets.ts'
import { createShare } from '../../sharing/shares.ts'
import { callOf, openTestStore, refused, type TestStore } from '../../test-store.test.ts'
import { createAccount, updateAccount } from '../accounts/accounts.ts'
import { beginFactor, confirmFactor } from '../factors/second-factor.ts'
import { MailQueue } from '../mail/mail-queue.ts'
import { createUser, getUser, resetPassword, updateUser } from '../users/users.ts'
import { authenticateToken } from './authenticate-token.ts'
import { confirmSession } from './confirm.ts'
import { login, refresh } from './login.ts'
import { loginWithCode } from './login-with-code.ts'

const password = 'Correct-Horse-7-Battery'
const origin = { ip: '192.0.2.1', agent: 'tests' }
const MINUTE = 60_000
const due = refused('CONFIRMATION_REQUIRED', { max_age_seconds: 900 })
const key = { name: 'mine', permissions: ['*'] }

async function person({ engine, call }: TestStore, username: string, roles = ['ADMIN']) {
  const input = { username, password, roles, mustChangePassword: false }
  return await createUser(engine, call, input)
}

/** What the token of a login is at the moment at which it is asked. */
async function enter({ engine, call }: TestStore, name: string) {
  const { tokens } = await login(engine, { name, password }, origin)
  return { tokens, act: () => acting(engine, call, tokens.accessToken) }
}

async function acting(engine: TestStore['engine'], call: Call, token: string): Promise<Call> {
  return { ...call, principal: await authenticateToken(engine, token) }
}

test('a session makes what outlives it only soon after a login or another proof', async () => {
  await using opened = await openTestStore({ identity: { accessSeconds: 7200 } })
  const { engine, clock } = opened
  const { id } = await person(opened, 'bob', ['USER'])
  await person(opened, 'chief')
  const { act } = await enter(opened, 'chief')
  await createKey(engine, await act(), key)
  clock.jump(15 * MINUTE)
  await createKey(engine, await act(), key)
  clock.jump(1)
  await assert.rejects(createKey(engine, await act(), key), due)
  await assert.rejects(createAccessKey(engine, await act(), { name: 'mine' }), due)
  await assert.rejects(updateUser(engine, await act(), { id, patch: { roles: ['ADMIN'] } }), due)
  const reset = { id, password: `${password}-2`, mustChange: false }
  await assert.rejects(resetPassword(engine, await act(), reset), due)
  // What takes rights away, or gives none, must not have to wait.
  await updateUser(engine, await act(), { id, patch: { firstName: 'Bob', status: 'INACTIVE' } })
  await assert.rejects(updateUser(engine, await act(), { id, patch: { status: 'ACTIVE' } }), due)
  assert.equal((await getUser(engine, await act(), id)).status, 'INACTIVE')

  const until = await confirmSession(engine, await act(), { password, code: undefined })
  assert.equal(Date.parse(until), clock.now() + 15 * MINUTE)
  await updateUser(engine, await act(), { id, patch: { status: 'ACTIVE', roles: ['ADMIN'] } })
  await resetPassword(engine, await act(), reset)
  clock.jump(15 * MINUTE - 1)
  const { principal } = await act()
  const late = { ...(await act()), principal: await principalNow(engine, principal) }
  await createKey(engine, late, key)
})

test('links that last, and clocks that went back, take a proof, too', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  await createBucket(engine, call, { name: 'open' })
  await person(opened, 'chief')
  const { act } = await enter(opened, 'chief')
  const target = { bucket: 'open', prefix: '' }
  const week = 7 * 86_400
  await createShare(engine, await act(), { target, expiresInS: week + 1 })
  clock.jump(16 * MINUTE)
  await createShare(engine, await act(), { target, expiresInS: week })
  await createShare(engine, await act(), { target })
  await assert.rejects(createShare(engine, await act(), { target, expiresInS: week + 1 }), due)
  await confirmSession(engine, await act(), { password, code: undefined })
  await createKey(engine, await act(), key)
  const ahead = { ...(await act()) }
  clock.jump(-2 * MINUTE)
  await assert.rejects(createKey(engine, ahead, key), due)
})

test('a refresh proves nothing, and a proof counts for its own session alone', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  await person(opened, 'chief')
  const one = await enter(opened, 'chief')
  const two = await enter(opened, 'chief')
  clock.jump(16 * MINUTE)
  const { tokens } = await refresh(engine, one.tokens.refreshToken, origin)
  const renewed = () => acting(engine, call, tokens.accessToken)
  await assert.rejects(createKey(engine, await renewed(), key), due)
  await confirmSession(engine, await renewed(), { password, code: undefined })
  await createKey(engine, await renewed(), key)
  await assert.rejects(createKey(engine, await two.act(), key), due)
  const again = await refresh(engine, tokens.refreshToken, origin)
  await createKey(engine, await acting(engine, call, again.tokens.accessToken), key)
})

test('programs are not asked, and the setting switches it off', async () => {
  await using opened = await openTestStore()
  const { engine, clock } = opened
  const { account } = await createAccount(engine, opened.call, { name: 'app', roles: ['ADMIN'] })
  const program = { permissions: ['*'] }
  clock.jump(16 * MINUTE)
  await createKey(engine, callOf({ ...program, kind: 'api_key' }), key)
  const app = callOf({ ...program, kind: 'service_account', id: account.id, sessionId: 'any' })
  await updateAccount(engine, app, { id: account.id, patch: { permissions: ['keys:admin'] } })
  // A session of a person that tells of no proof had none.
  const person = callOf({ ...program, kind: 'user', sessionId: 'any' })
  await assert.rejects(createKey(engine, person, key), due)
  await using off = await openTestStore({ identity: { confirmSeconds: 0 } })
  await createKey(off.engine, person, key)
})

test('wrong passwords are counted, and only sessions of people are confirmed', async () => {
  await using opened = await openTestStore()
  const { engine, clock } = opened
  await person(opened, 'chief')
  const { act } = await enter(opened, 'chief')
  for (const kind of ['api_key', 'service_account', 'external'] as const) {
    const program = callOf({ kind, sessionId: 'any' })
    const confirm = confirmSession(engine, program, { password, code: undefined })
    await assert.rejects(confirm, refused('FORBIDDEN'))
  }
  clock.jump(16 * MINUTE)
  const held = await act()
  const guess = () => confirmSession(engine, held, { password: 'wrong', code: undefined })
  for (let n = 0; n < 5; n += 1) await assert.rejects(guess, refused('UNAUTHENTICATED'))
  const right = confirmSession(engine, held, { password, code: undefined })
  await assert.rejects(right, refused('ACCOUNT_LOCKED'))
  await assert.rejects(act, refused('ACCOUNT_LOCKED'))
  clock.jump(30 * MINUTE)
  await assert.rejects(createKey(engine, held, key), due)
})

test('who has a second factor proves it, too, with a code that is good once', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  await person(opened, 'chief')
  const credentials = { name: 'chief', password }
  const totp = URI.parse((await beginFactor(engine, call, credentials)).uri)
  assert.ok(totp instanceof TOTP)
  const next = () => {
    clock.jump(30_000)
    return totp.generate({ timestamp: clock.now() })
  }
  await confirmFactor(engine, call, { ...credentials, code: next() })
  const challenge = await login(engine, credentials, origin).catch(error => error.details.challenge)
  const { tokens } = await loginWithCode(engine, { challenge, code: next() }, origin)
  const act = () => acting(engine, call, tokens.accessToken)
  clock.jump(16 * MINUTE)
  const confirm = async (code?: string) => {
    return await confirmSession(engine, await act(), { password, code })
  }
  await assert.rejects(confirm(), refused('SECOND_FACTOR_REQUIRED'))
  await assert.rejects(confirm('000000'), refused('UNAUTHENTICATED'))
  const code = next()
  await confirm(code)
  await assert.rejects(confirm(code), refused('UNAUTHENTICATED'))
  await createKey(engine, await act(), key)
  // The proof is in the packs with the rest of the session.
  await using again = await opened.reopen('rebuild')
  const after = await acting(again.engine, call, tokens.accessToken)
  await createKey(again.engine, after, key)
  again.clock.jump(16 * MINUTE)
  await assert.rejects(createKey(again.engine, after, key), due)
})

test('a proof forgets the failures before it as a login does, also under the name', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  await person(opened, 'chief')
  const { act } = await enter(opened, 'chief')
  const confirm = async (given: string) => {
    return await confirmSession(engine, await act(), { password: given, code: undefined })
  }
  for (let round = 0; round < 2; round += 1) {
    for (let n = 0; n < 4; n += 1)
      await assert.rejects(confirm('wrong'), refused('UNAUTHENTICATED'))
    await confirm(password)
  }
  await enter(opened, 'chief')
})

test('the owner is told of a recovery code that proved a session', async () => {
  await using sink = await openSmtpSink()
  const how = { host: '127.0.0.1', port: sink.port, tls: 'none', from: 'a@example.org' } as const
  const mailer = new SmtpMailer(how)
  await using opened = await openTestStore({
    mails: clock => new MailQueue({ mailer, clock, tell: () => {} }),
  })
  const { engine, call, clock } = opened
  const email = 'chief@example.org'
  await createUser(engine, call, { username: 'chief', email, password, mustChangePassword: false })
  const credentials = { name: 'chief', password }
  const totp = URI.parse((await beginFactor(engine, call, credentials)).uri)
  assert.ok(totp instanceof TOTP)
  const code = totp.generate({ timestamp: clock.now() })
  const [used = '', spare = ''] = await confirmFactor(engine, call, { ...credentials, code })
  const challenge = await login(engine, credentials, origin).catch(error => error.details.challenge)
  const { tokens } = await loginWithCode(engine, { challenge, code: used }, origin)
  const session = await acting(engine, call, tokens.accessToken)
  await confirmSession(engine, session, { password, code: spare })
  await clock.advance(1000)
  const told = await Promise.all([1, 2, 3].map(async n => (await sink.mail(n)).text))
  assert.ok(told.some(text => text.includes('A recovery code was used to prove a session')))
  await engine.identity.mails?.close()
})
