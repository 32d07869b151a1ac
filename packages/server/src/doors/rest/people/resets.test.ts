import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSmtpSink, type SmtpSink } from '@holdfast/testkit/smtp-sink.ts'
import { refused, startServer, type TestServer, type Tree } from '../../../started-server.test.ts'

const password = 'Correct-Horse-7-Battery'
const newPassword = 'Another-Horse-8-Battery'
const smtpPassword = 'Mail-Server-Secret-1'

async function startPost(sink: SmtpSink, more = {}): Promise<TestServer> {
  const server = await startServer({
    env: {
      STORAGE_SMTP_HOST: '127.0.0.1',
      STORAGE_SMTP_PORT: String(sink.port),
      STORAGE_SMTP_TLS: 'none',
      STORAGE_SMTP_USERNAME: 'holdfast',
      STORAGE_SMTP_PASSWORD: smtpPassword,
      STORAGE_MAIL_FROM: 'holdfast@example.org',
      STORAGE_PASSWORD_RESET_URL: 'https://files.example.org/reset',
      STORAGE_LOG_LEVEL: 'info',
      ...more,
    },
  })
  const json = { username: 'ann', email: 'ann@example.org', password, must_change_password: false }
  assert.equal((await server.ask('POST /api/v2/users', { json })).status, 201)
  return server
}

function open(server: TestServer, path: string, json: unknown, headers = {}) {
  return server.ask(`POST /api/v2/auth/${path}`, { json, key: null, headers })
}

test('a forgotten password is replaced by the link of a mail, whatever host it asked', async () => {
  await using sink = await openSmtpSink({ login: { user: 'holdfast', pass: smtpPassword } })
  await using server = await startPost(sink)
  const asked = await open(
    server,
    'password/forgot',
    { username: 'ann' },
    {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example',
    },
  )
  assert.deepEqual([asked.status, asked.text], [202, ''])
  const { text, raw, to } = await sink.mail(1)
  assert.deepEqual(to, ['ann@example.org'])
  assert.doesNotMatch(raw, /evil/)
  const token = /^https:\/\/files\.example\.org\/reset#token=([\w-]{43})$/m.exec(text)?.[1] ?? ''
  assert.ok(token, text)
  const weak = await open(server, 'password/reset', { token, new_password: 'weak' })
  refused(weak, 422, 'VALIDATION_ERROR')
  const body = { token, new_password: newPassword }
  assert.equal((await open(server, 'password/reset', body)).status, 204)
  refused(await open(server, 'password/reset', body), 403, 'RESET_INVALID')
  const credentials = { username: 'ann', password: newPassword }
  assert.equal((await open(server, 'login', credentials)).status, 200)
  await sink.mail(2)
  await server.running.context.audit.flush()
  const rows: Tree[] = (await server.ask('GET /api/v2/audit?limit=50')).json.items
  const told = rows
    .filter(({ action }) => action === 'forgotPassword' || action === 'resetPassword')
    .map(({ action, outcome, detail }) => `${action} ${outcome} ${detail.username ?? ''}`)
  assert.ok(told.includes('forgotPassword success ann'), told.join())
  assert.ok(told.includes('resetPassword success ann'), told.join())
  assert.ok(told.includes('resetPassword refused '), told.join())
  const everything = JSON.stringify(rows) + server.logLines.join('\n')
  for (const secret of [token, newPassword, smtpPassword]) {
    assert.ok(!everything.includes(secret), `${secret} was told`)
  }
  assert.doesNotMatch(server.logLines.join('\n'), /ann@example/)
  assert.match(everything, /"mail":"password reset","user_id":"[\w-]+","outcome":"sent"/)
})

test('the answer is the same for everybody, and nothing is looked for before it', async () => {
  await using sink = await openSmtpSink({ login: { user: 'holdfast', pass: smtpPassword } })
  await using server = await startPost(sink)
  const { catalog } = server.running.context.engine
  const seqOf = async () => (await catalog.view.changes.after(0, 10_000)).length
  const tell = async (username: string) => {
    const answer = await open(server, 'password/forgot', { username })
    const { date: _, 'x-request-id': __, ...headers } = answer.headers
    return { status: answer.status, text: answer.text, headers }
  }
  const before = await seqOf()
  const known = await tell('ann')
  assert.equal(await seqOf(), before)
  for (const name of ['nobody', 'ANN@example.org', "x' OR 1=1 --", 'a\r\nBcc: b@c.d', '*']) {
    assert.deepEqual(await tell(name), known)
  }
  await sink.mail(2)
})

test('who asks for many has a row for some, and one that counts the others', async () => {
  await using sink = await openSmtpSink({ login: { user: 'holdfast', pass: smtpPassword } })
  await using server = await startPost(sink, { STORAGE_RATE_LIMIT_AUDIT: '5/10m' })
  for (let n = 0; n < 20; n += 1) {
    assert.equal((await open(server, 'password/forgot', { username: `x${n}` })).status, 202)
  }
  await server.running.context.audit.flush()
  const rows: Tree[] = (await server.ask('GET /api/v2/audit?limit=100')).json.items
  assert.equal(rows.filter(({ action }) => action === 'forgotPassword').length, 5)
})

test('without a mail server it is refused for everybody alike', async () => {
  await using server = await startServer()
  for (const username of ['nobody', 'administrator']) {
    const answer = await open(server, 'password/forgot', { username })
    refused(answer, 503, 'RESET_UNAVAILABLE')
  }
})

test('a mail server that is down holds neither a request nor the stop', async () => {
  const sink = await openSmtpSink()
  await sink[Symbol.asyncDispose]()
  const server = await startPost(sink)
  assert.equal((await open(server, 'password/forgot', { username: 'ann' })).status, 202)
  const isTold = () => server.logLines.some(line => /"outcome":"failed"/.test(line))
  for (let n = 0; n < 500 && !isTold(); n += 1) {
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  assert.ok(isTold())
  await server[Symbol.asyncDispose]()
})
