import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { User } from '@holdfast/core/identities.ts'
import { SmtpMailer } from '@holdfast/drivers/mail/smtp-mailer.ts'
import { openSmtpSink, type SinkOptions, type SmtpSink } from '@holdfast/testkit/smtp-sink.ts'
import { TOTP, URI } from 'otpauth'
import { rightsMoment } from '../../access/rights-now.ts'
import {
  openTestStore,
  refused,
  type TestStore,
  type TestStoreOptions,
} from '../../test-store.test.ts'
import {
  beginFactor,
  confirmFactor,
  disableFactor,
  removeFactor,
  renewRecoveryCodes,
} from '../factors/second-factor.ts'
import { type MailNews, MailQueue } from '../mail/mail-queue.ts'
import { authenticateToken } from '../sessions/authenticate-token.ts'
import { login } from '../sessions/login.ts'
import { loginWithCode } from '../sessions/login-with-code.ts'
import { changePassword, createUser, resetPassword, updateUser } from '../users/users.ts'
import { requestReset, resetByMail } from './resets.ts'

const password = 'Correct-Horse-7-Battery'
const newPassword = 'Another-Horse-8-Battery'
const origin = { ip: '127.0.0.1', agent: 'tests' }
const ip = '203.0.113.7'

interface Post extends AsyncDisposable {
  readonly opened: TestStore
  readonly sink: SmtpSink
  readonly news: MailNews[]
  readonly user: User
  /** Asks, lets the time of the background pass, and returns the token of the n-th mail. */
  token(n: number, name?: string): Promise<string>
  ask(name: string, from?: string): Promise<void>
}

async function openPost(sinkOptions: SinkOptions = {}, more: TestStoreOptions = {}): Promise<Post> {
  const sink = await openSmtpSink(sinkOptions)
  const news: MailNews[] = []
  const from = 'holdfast@example.org'
  const mailer = new SmtpMailer({ host: '127.0.0.1', port: sink.port, tls: 'none', from })
  const opened = await openTestStore({
    ...more,
    mails: clock => new MailQueue({ mailer, clock, tell: one => news.push(one) }),
  })
  const { engine, call, clock } = opened
  const email = 'Ann@example.org'
  const input = { username: 'ann', email, password, mustChangePassword: false }
  const user = await createUser(engine, call, input)
  const ask = async (name: string, address = ip) => {
    requestReset(engine, { name, ip: address })
    await clock.advance(1000)
  }
  return {
    opened,
    sink,
    news,
    user,
    ask,
    token: async (n, name = 'ann') => {
      await ask(name)
      const { text } = await sink.mail(n)
      return /^[\w-]{43}$/m.exec(text)?.[0] ?? assert.fail(text)
    },
    [Symbol.asyncDispose]: async () => {
      await engine.identity.mails?.close()
      await opened[Symbol.asyncDispose]()
      await sink[Symbol.asyncDispose]()
    },
  }
}

const enter = ({ opened }: Post, given = newPassword) =>
  login(opened.engine, { name: 'ann', password: given }, origin)
const choose = ({ opened }: Post, token: string, chosen = newPassword) =>
  resetByMail(opened.engine, opened.call, { token, newPassword: chosen })
const invalid = refused('RESET_INVALID')

test('a mailed token gives a new password once; sessions end and none begins', async () => {
  await using post = await openPost()
  const { engine } = post.opened
  const { tokens } = await enter(post, password)
  const token = await post.token(1, 'ANN@example.ORG')
  assert.deepEqual((await post.sink.mail(1)).to, ['Ann@example.org'])
  await authenticateToken(engine, tokens.accessToken)
  await choose(post, token)
  const acts = async () => await authenticateToken(engine, tokens.accessToken)
  await assert.rejects(acts, refused('UNAUTHENTICATED'))
  await assert.rejects(choose(post, token, 'Third-Horse-9-Battery'), invalid)
  await assert.rejects(enter(post, password), refused('UNAUTHENTICATED'))
  await enter(post)
  await post.opened.clock.advance(1000)
  const { text } = await post.sink.mail(2)
  assert.match(text, /password was reset by e-mail/)
  for (const secret of [password, newPassword, token]) assert.ok(!text.includes(secret))
})

test('of two who use a token at once one wins', async () => {
  await using post = await openPost()
  const token = await post.token(1)
  const tries = ['First-Try-1-xx', 'Second-Try-2-xx'].map(chosen => choose(post, token, chosen))
  const results = await Promise.allSettled(tries)
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

test('a token ends with its time, a newer one, and any change of password or address', async () => {
  await using post = await openPost({}, { identity: { resetsPerUser: 99 } })
  const { engine, call, clock } = post.opened
  const { id } = post.user
  const late = await post.token(1)
  clock.jump(15 * 60_000)
  await assert.rejects(choose(post, late), invalid)
  const replaced = await post.token(2)
  const newer = await post.token(3)
  await assert.rejects(choose(post, replaced), invalid)
  await resetPassword(engine, call, { id, password: 'Admin-Chose-5-This', mustChange: true })
  await assert.rejects(choose(post, newer), invalid)
  await clock.advance(1000)
  await post.sink.mail(4)
  const moved = await post.token(5)
  await updateUser(engine, call, { id, patch: { email: 'ann@elsewhere.org' } })
  await assert.rejects(choose(post, moved), invalid)
  for (const guess of ['', 'x', '*', moved.slice(1), `${moved} `]) {
    await assert.rejects(choose(post, guess), invalid)
  }
})

test('rules and history hold, leave the token good, and a forced change is done with', async () => {
  await using post = await openPost()
  const { engine, call, clock } = post.opened
  const { id } = post.user
  await resetPassword(engine, call, { id, password: 'Admin-Chose-5-This', mustChange: true })
  await clock.advance(1000)
  await post.sink.mail(1)
  const token = await post.token(2)
  for (const bad of ['short', password, 'Admin-Chose-5-This', 'With-ann-Inside-77']) {
    await assert.rejects(choose(post, token, bad), refused('VALIDATION_ERROR'))
  }
  await choose(post, token)
  await enter(post)
})

test('a mailbox is no way around a lock, the second factor or an administrator', async () => {
  await using post = await openPost({}, { identity: { resetsPerUser: 99 } })
  const { engine, call, clock } = post.opened
  const { id } = post.user
  for (let n = 0; n < 5; n += 1) await assert.rejects(enter(post, 'wrong'))
  await choose(post, await post.token(1))
  await assert.rejects(enter(post), refused('ACCOUNT_LOCKED'))
  // Guesses under the one name lock the account, so that it opens under no other, either.
  const byMail = { name: 'ann@example.org', password: newPassword }
  await assert.rejects(login(engine, byMail, origin), refused('UNAUTHENTICATED'))
  assert.equal((await engine.catalog.view.identities.byId('user', id))?.failures, 5)
  clock.jump(30 * 60_000)
  const credentials = { name: 'ann', password: newPassword }
  const totp = URI.parse((await beginFactor(engine, call, credentials)).uri)
  assert.ok(totp instanceof TOTP)
  const code = totp.generate({ timestamp: clock.now() })
  await confirmFactor(engine, call, { ...credentials, code })
  await clock.advance(1000)
  await post.sink.mail(3)
  await choose(post, await post.token(4), 'Third-Horse-9-Battery')
  await assert.rejects(enter(post, 'Third-Horse-9-Battery'), refused('SECOND_FACTOR_REQUIRED'))
  await clock.advance(1000)
  await post.sink.mail(5)
  const token = await post.token(6)
  await updateUser(engine, call, { id, patch: { status: 'INACTIVE' } })
  await assert.rejects(choose(post, token, 'Fourth-Horse-1-Battery'), invalid)
  await updateUser(engine, call, { id, patch: { status: 'ACTIVE' } })
  await assert.rejects(choose(post, token, 'Fourth-Horse-1-Battery'), invalid)
})

test('who has no account, no address or is shut out gets no mail, the asker no hint', async () => {
  await using post = await openPost()
  const { engine, call } = post.opened
  const plain = { password, mustChangePassword: false }
  await createUser(engine, call, { ...plain, username: 'nomail' })
  const out = await createUser(engine, call, {
    ...plain,
    username: 'out',
    email: 'out@example.org',
  })
  await updateUser(engine, call, { id: out.id, patch: { status: 'INACTIVE' } })
  for (const name of ['nobody', 'nomail', 'out', 'out@example.org']) {
    assert.equal(await post.ask(name), undefined)
  }
  await post.token(1)
  assert.deepEqual(
    post.sink.mails.map(({ to }) => to),
    [['Ann@example.org']],
  )
})

test('mails are bounded for each user, requests for each address, and nobody is told', async () => {
  await using post = await openPost()
  const { engine, clock } = post.opened
  for (let n = 0; n < 6; n += 1) await post.ask(n % 2 === 0 ? 'ann' : 'ann@example.org')
  await post.sink.mail(3)
  for (let n = 6; n < 30; n += 1) await post.ask(`nobody-${n}`)
  const again = () => requestReset(engine, { name: 'nobody', ip })
  assert.throws(again, refused('TOO_MANY_REQUESTS'))
  requestReset(engine, { name: 'nobody', ip: '203.0.113.8' })
  // One host has all addresses of its IPv6 network.
  for (let n = 1; n <= 30; n += 1) requestReset(engine, { name: 'nobody', ip: `2001:db8::${n}` })
  const fromAnother = () => requestReset(engine, { name: 'nobody', ip: '2001:db8::ffff:1' })
  assert.throws(fromAnother, refused('TOO_MANY_REQUESTS'))
  await clock.advance(3_600_000)
  again()
  assert.equal(post.sink.mails.length, 3)
  await post.token(4)
})

test('a network has as many as 32 addresses have, and a flood forgets nobody', async () => {
  await using post = await openPost()
  const { engine, clock } = post.opened
  const { resetsByAddress, resetsByUser } = engine.identity
  const nowMs = clock.monotonic()
  for (let n = 0; n < 30; n += 1) assert.equal(resetsByAddress.take(ip, nowMs), undefined)
  const asked = Array.from({ length: 1000 }, (_, n) => `2001:db8:7:${n.toString(16)}::1`)
  const taken = asked.filter(address => resetsByAddress.take(address, nowMs) === undefined)
  assert.equal(taken.length, 32 * 30)
  for (let n = 0; n < 3; n += 1) resetsByUser.take('ann', nowMs)
  for (let n = 0; n < 12_000; n += 1) {
    resetsByAddress.take(`10.1.${n >> 8}.${n & 255}`, nowMs)
    resetsByUser.take(`u${n}`, nowMs)
  }
  assert.notEqual(resetsByAddress.take(ip, nowMs), undefined)
  assert.equal(resetsByUser.take('ann', nowMs).allowed, false)
})

test('requests of strangers keep back no notice to an owner', async () => {
  await using post = await openPost()
  const { engine } = post.opened
  const flood = () => {
    for (let n = 0; n < 1100; n += 1) {
      requestReset(engine, { name: 'nobody', ip: `198.51.${n >> 8}.${n & 255}` })
    }
  }
  assert.throws(flood, refused('TOO_MANY_REQUESTS'))
  const change = { name: 'ann', password, newPassword }
  await changePassword(engine, post.opened.call, change)
  await post.opened.clock.advance(1000)
  const { text } = await post.sink.mail(1)
  assert.match(text, /The password was changed for the account ann/)
  for (const secret of [password, newPassword]) assert.ok(!text.includes(secret))
})

test('a mail server that fails is tried again for a while, and nobody waits for it', async () => {
  await using post = await openPost({ refuse: n => (n < 3 ? 451 : undefined) })
  await post.ask('ann')
  for (const waitMs of [10_000, 60_000]) {
    await until(() => post.opened.clock.sleeping > 0)
    await post.opened.clock.advance(waitMs)
  }
  await post.sink.mail(1)
  await until(() => post.news.length === 3)
  assert.deepEqual(
    post.news.map(({ outcome }) => outcome),
    ['failed', 'failed', 'sent'],
  )
  assert.deepEqual([post.news[0]?.about, post.news[0]?.userId], ['password reset', post.user.id])
})

test('a mail that is refused for good is given up at once', async () => {
  await using post = await openPost({ refuse: () => 550 })
  await post.ask('ann')
  await until(() => post.news.length === 1)
  assert.equal(post.news[0]?.outcome, 'given up')
})

test('a token is kept as a hash alone, and outlives a restart and a rebuild', async () => {
  const post = await openPost()
  const token = await post.token(1)
  let { opened } = post
  const [record] = await opened.engine.catalog.view.identities.list({
    kind: 'password_reset',
    limit: 10,
  })
  assert.ok(record && !JSON.stringify(record).includes(token))
  await opened.engine.identity.mails?.close()
  for (const how of [undefined, 'rebuild'] as const) opened = await opened.reopen(how)
  await choose({ ...post, opened }, token)
  await assert.rejects(choose({ ...post, opened }, token), invalid)
  opened = await opened.reopen('rebuild')
  await assert.rejects(choose({ ...post, opened }, token), invalid)
  await opened.engine.identity.mails?.close()
  await opened[Symbol.asyncDispose]()
  await post.sink[Symbol.asyncDispose]()
})

test('the address before hears of another one', async () => {
  await using post = await openPost()
  const { engine, call, clock } = post.opened
  const patch = { email: 'eve@example.org' }
  await updateUser(engine, call, { id: post.user.id, patch })
  await clock.advance(1000)
  const { to, text } = await post.sink.mail(1)
  assert.deepEqual(to, ['Ann@example.org'])
  assert.match(text, /address was changed/)
})

test('an address that changes beside something else is told once', async () => {
  await using post = await openPost()
  const { engine, call, clock } = post.opened
  const { id } = post.user
  const updates = [updateUser(engine, call, { id, patch: { email: 'eve@example.org' } })]
  // Some of them read the user before the address is another, and are done after that.
  for (let n = 0; n < 40; n += 1) {
    updates.push(updateUser(engine, call, { id, patch: { firstName: `Eve ${n}` } }))
    await Promise.resolve()
  }
  await Promise.all(updates)
  await clock.advance(1000)
  await post.sink.mail(1)
  await resetPassword(engine, call, { id, password: newPassword, mustChange: true })
  await clock.advance(1000)
  assert.match((await post.sink.mail(2)).text, /An administrator set another password/)
})

test('the owner hears of a password that an administrator set', async () => {
  await using post = await openPost()
  const { engine, call, clock } = post.opened
  const given = { id: post.user.id, password: newPassword, mustChange: true }
  await resetPassword(engine, call, given)
  await clock.advance(1000)
  const { to, text } = await post.sink.mail(1)
  assert.deepEqual(to, ['Ann@example.org'])
  assert.match(text, /An administrator set another password for the account ann/)
  assert.ok(!text.includes(newPassword))
})

test('the owner hears of a recovery code that changed password, address or factor', async () => {
  await using post = await openPost()
  const { engine, call, clock, user } = { ...post.opened, user: post.user }
  const own: Call = { ...call, principal: { ...call.principal, id: user.id } }
  const totp = URI.parse((await beginFactor(engine, call, { name: 'ann', password })).uri)
  assert.ok(totp instanceof TOTP)
  const first = { name: 'ann', password, code: totp.generate({ timestamp: clock.now() }) }
  const [one, two, three = ''] = await confirmFactor(engine, call, first)
  let heard = 1
  const hear = async (what: RegExp) => {
    await clock.advance(30_000)
    heard += 1
    assert.match((await post.sink.mail(heard)).text, what)
  }
  await changePassword(engine, call, { name: 'ann', password, newPassword, code: one })
  await hear(/The password was changed with a recovery code for the account ann/)
  const patch = { email: 'other@example.org' }
  await updateUser(engine, own, { id: user.id, patch, password: newPassword, code: two })
  await hear(/The e-mail address was changed with a recovery code for/)
  const ann = { name: 'ann', password: newPassword }
  await renewRecoveryCodes(engine, call, { ...ann, code: three })
  await hear(/New recovery codes were made with a recovery code for/)
})

test('the owner hears of every change of the second factor', async () => {
  await using post = await openPost()
  const { engine, call, clock } = post.opened
  const ann = { name: 'ann', password }
  let heard = 0
  const hear = async (what: RegExp) => {
    await clock.advance(30_000)
    heard += 1
    assert.match((await post.sink.mail(heard)).text, what)
  }
  const enrol = async () => {
    const totp = URI.parse((await beginFactor(engine, call, ann)).uri)
    assert.ok(totp instanceof TOTP)
    const code = () => totp.generate({ timestamp: clock.now() })
    await confirmFactor(engine, call, { ...ann, code: code() })
    await hear(/second factor was switched on/)
    return code
  }
  const code = await enrol()
  const codes = await renewRecoveryCodes(engine, call, { ...ann, code: code() })
  await hear(/New recovery codes were made/)
  const [first = '', second = ''] = codes
  const asked = await enter(post, password).catch(error => error)
  await loginWithCode(engine, { challenge: asked.details.challenge, code: first }, origin)
  await hear(/recovery code was used to log in/)
  await disableFactor(engine, call, { ...ann, code: second })
  await hear(/second factor was switched off/)
  await enrol()
  await removeFactor(engine, call, post.user.id)
  await hear(/administrator switched off the second factor/)
})

test('what could be a header of its own is no address', async () => {
  await using post = await openPost()
  const { engine, call } = post.opened
  for (const email of [
    'a@b.c\r\nBcc: eve@example.org',
    'a\u0000@b.c',
    'a\u2028b@b.c',
    'a,b@example.org',
    'a@b.c, eve@example.org',
    'group:a@b.c;',
    '<a@b.c>',
    'a(eve@example.org)@b.c',
    'a@b.c\n',
    'a\u202e@b.c',
  ]) {
    const patch = { id: post.user.id, patch: { email } }
    await assert.rejects(updateUser(engine, call, patch), refused('VALIDATION_ERROR'), email)
  }
})

async function until(isSo: () => boolean): Promise<void> {
  for (let n = 0; n < 2000; n += 1) {
    if (isSo()) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.fail('it did not come to pass')
}

test('a request has rights asked for anew, whoever has the name', async () => {
  await using post = await openPost()
  const { engine } = post.opened
  for (const name of ['ann', 'nobody', 'ann']) {
    const moment = rightsMoment(engine)
    await post.ask(name)
    assert.notEqual(rightsMoment(engine), moment, name)
  }
})
