import assert from 'node:assert/strict'
import { existsSync, renameSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { accessKey, type S3TestServer, startS3 } from '../doors/s3/started-s3.test.ts'
import type { AskOptions } from '../started-server.test.ts'

const base = '/api/v2/buckets/holdfast/assets'
const canary = (name: string) => `Canary-${name}-7f3a91c2-Zq`

/** Secrets by what they are; those that the server makes are added as they come. */
const secrets = new Map([
  ['bootstrap key', canary('bootstrap')],
  ['secret access key', canary('s3secret')],
  ['password of the settings', canary('initial')],
  ['client secret of the settings', `${canary('account')}-${'a1b2c3d4'.repeat(4)}`],
  ['wrong password', canary('wrong')],
  ['next password', canary('next')],
  ['password of a user', canary('user')],
  ['key nobody has', `hf_${canary('guess')}`],
  ['token nobody has', `eyJ${canary('token')}.e30.c2ln`],
  ['secret in a query', canary('query')],
  ['secret in broken JSON', canary('json')],
  ['secret in a cookie', canary('cookie')],
  ['secret in bytes that are no HTTP', canary('raw')],
  ['secret in the path of a link', canary('link')],
  ['secret in a form', canary('form')],
])
const of = (name: string) => secrets.get(name) ?? assert.fail(name)

async function open(): Promise<S3TestServer> {
  return await startS3({
    env: {
      STORAGE_LOG_LEVEL: 'trace',
      STORAGE_DEBUG: 'on',
      STORAGE_AUDIT_DATA_CHANGES: 'on',
      STORAGE_BOOTSTRAP_API_KEY: of('bootstrap key'),
      STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: of('secret access key'),
      STORAGE_INITIAL_ADMIN_USERNAME: 'root',
      STORAGE_INITIAL_ADMIN_PASSWORD: of('password of the settings'),
      STORAGE_INITIAL_ACCOUNT_NAME: 'first',
      STORAGE_INITIAL_ACCOUNT_CLIENT_ID: 'sa_default_first_0123456789ab',
      STORAGE_INITIAL_ACCOUNT_SECRET: of('client secret of the settings'),
      STORAGE_RATE_LIMIT_LOGIN: '6/1h',
      STORAGE_RATE_LIMIT_CREDENTIALS: '6/1h',
    },
  })
}

/** Every way on which a secret arrives, with every kind of answer it can get. */
async function everyWay(s3: S3TestServer): Promise<string[]> {
  const { server } = s3
  const bodies: string[] = []
  const ask = async (line: string, options: AskOptions = {}) => {
    const answer = await server.ask(line, { key: of('bootstrap key'), ...options })
    if (answer.status >= 400) bodies.push(answer.text)
    return answer
  }
  const login = (password: string) => ({ json: { username: 'root', password }, key: null })
  const entered = await ask('POST /api/v2/auth/login', login(of('password of the settings')))
  const { access_token: access, refresh_token: refresh } = entered.json
  for (const client_id of ['sa_default_first_0123456789ab', 'sa_default_last_0123456789ab']) {
    const json = { client_id, client_secret: of('client secret of the settings') }
    await ask('POST /api/v2/auth/token', { json, key: null })
  }
  secrets.set('access token', access).set('refresh token', refresh)
  await ask('GET /api/v2/auth/me', { key: null, headers: { authorization: `Bearer ${access}` } })
  await ask('GET /api/v2/auth/me', { key: null, headers: { authorization: `Bearer ${refresh}` } })
  await ask('GET /api/v2/auth/me', { key: of('token nobody has') })
  await ask('GET /api/v2/auth/me', { headers: { authorization: `Bearer ${access}` } })
  await ask('GET /api/v2/auth/me', { key: null, headers: { authorization: `Basic ${access}` } })
  const next = (await ask('POST /api/v2/auth/refresh', { json: { refresh_token: refresh } })).json
  secrets.set('next refresh token', next.refresh_token).set('next access token', next.access_token)
  await ask('POST /api/v2/auth/refresh', { json: { refresh_token: refresh } })
  await ask('POST /api/v2/auth/login', login(of('wrong password')))
  const user = { username: 'ulla', password: of('password of a user'), roles: ['USER'] }
  await ask('POST /api/v2/users', { json: { ...user, roles: ['NOBODY'] } })
  await ask('POST /api/v2/users', { json: { ...user, password: canary('x').toLowerCase() } })
  await ask('POST /api/v2/users', { json: user })
  const change = { username: 'root', password: of('wrong password') }
  await ask('POST /api/v2/auth/password', {
    json: { ...change, new_password: of('next password') },
  })
  const made = (await ask('POST /api/v2/keys', { json: { name: 'k', permissions: ['*'] } })).json
  secrets.set('new key', made.key ?? made.secret)
  await ask('GET /api/v2/users', { key: made.key ?? made.secret })
  const asset = (await ask(`PUT ${base}/told`, { body: 'content' })).json
  const link = (await ask(`GET /api/v2/assets/${asset.id}/presigned-url`)).json.url
  secrets.set('presigned link', new URL(link).pathname.split('/').at(-1) ?? '')
  await ask(`GET ${new URL(link).pathname}`, { key: null })
  await ask(`POST ${new URL(link).pathname}`, { key: null })
  await ask(`GET /api/v2/presigned/${of('secret in the path of a link')}`, { key: null })
  await ask(`GET /api/v2/assets?api_key=${of('secret in a query')}`)
  await ask(`GET /nowhere?token=${of('secret in a query')}`)
  const json = { headers: { 'content-type': 'application/json' } }
  const broken = `{"password":"${of('secret in broken JSON')}",}`
  await ask('POST /api/v2/auth/login', { ...json, body: broken, key: null })
  await ask('POST /api/v2/users', { ...json, body: broken })
  await ask('POST /api/v2/users', { json: { ...user, password: [of('secret in broken JSON')] } })
  await ask(`GET ${base}/absent`, { headers: { cookie: `s=${of('secret in a cookie')}` } })
  const form = new FormData()
  form.append('password', of('secret in a form'))
  form.append('file', new Blob(['x']), 'a.txt')
  await ask('POST /api/v2/assets/upload', { body: form })
  const raw = of('secret in bytes that are no HTTP')
  bodies.push(await server.raw(`GET / HTTP/9.9\r\nX-API-Key: ${raw}\r\n\r\n`))
  bodies.push(await server.raw(`GET / HTTP/1.1\r\nHost: x\r\nX-API-Key : ${raw}\r\n\r\n`))
  bodies.push(await server.raw(`GET / HTTP/1.1\r\nX-API-Key: ${raw}\r\n\r\n`, 50, 'FIN'))
  bodies.push(await server.raw(`${raw}\r\n\r\n`))
  for (let n = 0; n < 8; n += 1) {
    await ask('POST /api/v2/auth/login', login(of('wrong password')))
    await ask('GET /api/v2/users', { key: of('key nobody has') })
  }
  const wrong = { id: accessKey, secret: of('wrong password') }
  for (const auth of ['header', 'query'] as const) {
    await s3.send('PUT /canaries', { auth })
    await s3.send('PUT /canaries/k', { auth, body: 'x' })
    await s3.send('GET /canaries/absent', { auth })
    await s3.send('GET /canaries/k', { auth, key: wrong })
    await s3.send(`GET /canaries/k?unknown=${of('secret in a query')}`, { auth })
  }
  return bodies
}

test('no secret is in a log line, an audit row, a metric or a refusal', async () => {
  await using s3 = await open()
  const { server } = s3
  const bodies = await everyWay(s3)
  const audit = server.running.context.audit
  await audit.flush()
  const key = { key: of('bootstrap key') }
  const rows = (await server.ask('GET /api/v2/audit?limit=1000', key)).text
  const metrics = (await server.ask('GET /metrics', key)).text
  // The disk goes away: what fails inside is logged with its cause.
  renameSync(server.dir, `${server.dir}.away`)
  for (let n = 0; n < 3; n += 1) {
    bodies.push((await server.ask(`GET ${base}/told?`, key)).text)
    const body = 'x'.repeat(300_000)
    bodies.push((await server.ask(`PUT ${base}/failing`, { ...key, body })).text)
  }
  renameSync(`${server.dir}.away`, server.dir)
  assert.ok(existsSync(server.dir))
  await delay(100)
  const lines = server.logLines.join('')
  const { settings, auditKeys } = server.running.context.engine
  for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) {
    const secret = Buffer.from(settings.linkSecret).toString(encoding)
    secrets.set(`secret of the store, ${encoding}`, secret)
    const key = Buffer.from(auditKeys.ring[0].secret).toString(encoding)
    secrets.set(`key of the audit log, ${encoding}`, key)
  }
  for (const [where, text] of Object.entries({ lines, rows, metrics, bodies: bodies.join('\n') })) {
    assert.ok(text.length > 1000, where)
    for (const [name, secret] of secrets) {
      assert.ok(secret.length > 10, name)
      const at = text.indexOf(secret)
      assert.equal(at, -1, `${name} in ${where}: ${text.slice(Math.max(0, at - 300), at + 20)}`)
    }
    assert.doesNotMatch(
      text,
      /X-Amz-Signature=|Signature=[\da-f]{64}|PRIVATE KEY|\$2[aby]\$/i,
      where,
    )
  }
  // The lines that could have told are there.
  for (const told of [
    'UNAUTHENTICATED',
    'RATE_LIMITED',
    'INVALID_JSON',
    '(hidden)',
    's3.PutObject',
  ]) {
    assert.ok(lines.includes(told), told)
  }
  assert.ok(lines.includes('not an HTTP request'))
  assert.ok(lines.includes('request failed'))
})
