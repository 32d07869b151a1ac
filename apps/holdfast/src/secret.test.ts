import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { S3Signature } from '@holdfast/load/s3-signature.ts'
import { TOTP, URI } from 'otpauth'
import {
  adminKey,
  run,
  type ServerUnderTest,
  scratch,
  startServer,
  succeeded,
  until,
} from './running-program.test.ts'

const password = 'First-Quince-71!'
const factor = '/api/v2/auth/second-factor'

async function ask({ url }: ServerUnderTest, path: string, body: object) {
  const headers = { 'content-type': 'application/json', 'x-api-key': adminKey }
  return await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function made(server: ServerUnderTest, path: string, body: object) {
  const answer = await ask(server, path, body)
  const text = await answer.text()
  assert.ok(answer.ok, text)
  return JSON.parse(text)
}

/** The status of a list of buckets that the key pair signs. */
async function s3Status(
  { running }: ServerUnderTest,
  [accessKeyId = '', secret = '']: readonly string[],
): Promise<number> {
  const url = await until(() => /S3 on (http:\S+),/.exec(running.output().stderr)?.[1])
  const signer = { accessKeyId, secret, region: 'us-east-1' }
  const headers = new S3Signature(signer, new URL(url).host).headersOf('GET', '/')
  return (await fetch(`${url}/`, { headers })).status
}

/** A server with a key pair, a second factor, a session and a link. */
async function inUse(server: ServerUnderTest) {
  const { stdout } = succeeded(await server.holdfast('keys', 's3', 'create', 'p', '-p', '*'))
  const pair = stdout.trim().split('\n')
  await made(server, '/api/v2/users', { username: 'ann', password, must_change_password: false })
  const credentials = { username: 'ann', password }
  const { access_token: token } = await made(server, '/api/v2/auth/login', credentials)
  const app = URI.parse((await made(server, factor, credentials)).otpauth_uri)
  assert.ok(app instanceof TOTP)
  const code = app.generate({ timestamp: Date.now() - 30_000 })
  await made(server, `${factor}/confirm`, { ...credentials, code })
  const bucket = `${server.url}/api/v2/buckets/holdfast/assets/a.txt`
  await fetch(bucket, { method: 'PUT', body: 'hello', headers: { 'x-api-key': adminKey } })
  const link = new URL(succeeded(await server.holdfast('link', 'a.txt')).stdout.trim())
  return { pair, app, token, link: link.pathname + link.search }
}

test('after a copy leaked, the secret is changed and all that is kept goes on', async t => {
  const dir = join(scratch(t), 'data')
  const env = { STORAGE_S3_PORT: '0' }
  let server = await startServer(t, dir, { env })
  const { pair, app, token, link } = await inUse(server)
  const linkStatus = async () => (await fetch(server.url + link)).status
  assert.deepEqual([await linkStatus(), await s3Status(server, pair)], [200, 200])
  const change = ['secret', 'change', '--data-dir', dir]
  const beside = await run(change)
  assert.equal(beside.code, 1)
  assert.match(beside.stderr, /STORE_LOCKED/)
  await server.stop()

  const marker = join(dir, 'holdfast.json')
  const before = JSON.parse(readFileSync(marker, 'utf8'))
  const { mode } = statSync(marker)
  const { stdout, stderr } = succeeded(await run(change))
  assert.match(stdout, /^Sealed anew: 1 S3 secret, 1 second factor\.$/m)
  assert.match(stdout, /^Signing keys: \d replaced; every session ended/m)
  assert.match(stdout, /^- the secrets of S3 access keys, 1 of them in use/m)
  assert.match(stdout, /signing-keys rotate --distrust-former/)
  assert.match(stderr, /run it again/)
  const after = JSON.parse(readFileSync(marker, 'utf8'))
  assert.deepEqual(after, { ...before, format: 2, sealing: after.sealing })
  assert.equal(after.sealing.length, 1)
  assert.equal(statSync(marker).mode, mode)
  for (const secret of [before.secret, after.sealing[0]]) {
    assert.ok(!stdout.includes(secret) && !stderr.includes(secret))
  }
  succeeded(await run(['verify', '--data-dir', dir]))
  succeeded(await run(['rebuild', '--data-dir', dir]))
  succeeded(await run(['audit', 'verify', '--data-dir', dir]))

  server = await startServer(t, dir, { env })
  assert.equal(await s3Status(server, pair), 200)
  assert.notEqual(await linkStatus(), 200)
  const mine = { headers: { authorization: `Bearer ${token}` } }
  assert.equal((await fetch(`${server.url}/api/v2/auth/me`, mine)).status, 401)
  const credentials = { username: 'ann', password }
  const login = await (await ask(server, '/api/v2/auth/login', credentials)).json()
  const { challenge } = login.details
  const { access_token: fresh } = await made(server, '/api/v2/auth/login/code', {
    challenge,
    code: app.generate(),
  })
  const ways = await run(['signing-keys', 'rotate', '--distrust-former'], {
    env: { HOLDFAST_URL: server.url, HOLDFAST_API_KEY: adminKey },
  })
  assert.match(succeeded(ways).stdout, /^KEY +STATE .*\n\S+ +signing .*\n$/)
  const hers = { headers: { authorization: `Bearer ${fresh}` } }
  assert.equal((await fetch(`${server.url}/api/v2/auth/me`, hers)).status, 401)
  await server.stop()
  const again = JSON.parse(succeeded(await run([...change, '--revoke-s3-keys', '--json'])).stdout)
  assert.deepEqual([again.revokedKeys, again.openKeys, again.factors], [1, 0, 1])
  server = await startServer(t, dir, { env })
  assert.equal(await s3Status(server, pair), 403)
  await server.stop()
})

test('no other directory becomes a store by it, and a start changes no secret', async t => {
  const dir = scratch(t)
  const change = await run(['secret', 'change', '--data-dir', dir])
  assert.equal(change.code, 1)
  assert.match(change.stderr, /is not a data directory of Holdfast/)
  assert.deepEqual(readdirSync(dir), [])
  const data = join(dir, 'data')
  for (const _ of [1, 2]) await (await startServer(t, data)).stop()
  const { format, sealing } = JSON.parse(readFileSync(join(data, 'holdfast.json'), 'utf8'))
  assert.deepEqual([format, sealing], [1, undefined])
})
