import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adminKey } from '../../started-server.test.ts'
import { type S3Answer, startS3 } from './started-s3.test.ts'

function slowedDown(answer: S3Answer, policy: string): void {
  assert.equal(answer.status, 503, answer.text)
  if (answer.text !== '') assert.equal(answer.code, 'SlowDown')
  assert.ok(Number(answer.headers['retry-after']) >= 1)
  assert.ok(String(answer.headers['ratelimit-policy']).includes(`"${policy}";q=`))
}

test('an address and a key that ask too often are told to slow down', async () => {
  for (const subject of ['ADDRESS', 'PRINCIPAL']) {
    await using s3 = await startS3({ env: { [`STORAGE_RATE_LIMIT_${subject}`]: '4/1h' } })
    const policy = subject.toLowerCase()
    assert.equal((await s3.send('PUT /shop')).status, 200)
    assert.equal((await s3.send('PUT /shop/k', { body: 'x' })).status, 200)
    const got = await s3.send('GET /shop/k')
    assert.equal(got.text, 'x')
    assert.equal(got.headers['ratelimit-policy'], `"${policy}";q=4;w=3600`)
    assert.equal(got.headers.ratelimit, `"${policy}";r=1;t=900`)
    assert.equal((await s3.send('GET /shop/absent')).status, 404)
    slowedDown(await s3.send('GET /shop/k'), policy)
    slowedDown(await s3.send('PUT /shop/k', { body: 'x'.repeat(500_000) }), policy)
    const anonymous = await s3.send('GET /shop/k', { auth: 'none' })
    assert.equal(anonymous.status, subject === 'ADDRESS' ? 503 : 403)
  }
})

test('both doors count together, for addresses and for buckets', async () => {
  await using s3 = await startS3({ env: { STORAGE_RATE_LIMIT_BUCKET: '3/1h' } })
  assert.equal((await s3.send('PUT /shop')).status, 200)
  const path = '/api/v2/buckets/shop/assets/k'
  assert.equal((await s3.server.ask(`PUT ${path}`, { body: 'x' })).status, 201)
  for (let n = 0; n < 10; n += 1) {
    // Who is kept out uses up nothing, and neither does a name that nobody has.
    assert.equal((await s3.send('GET /shop/k', { auth: 'none' })).status, 403)
    assert.equal((await s3.send('GET /none/k')).status, 404)
  }
  assert.equal((await s3.send('GET /shop/k')).text, 'x')
  assert.equal((await s3.server.ask(`GET ${path}`)).text, 'x')
  slowedDown(await s3.send('GET /shop/k'), 'bucket')
  assert.equal((await s3.server.ask(`GET ${path}`)).status, 429)
  assert.equal((await s3.send('PUT /other')).status, 200)
  assert.equal((await s3.send('GET /other')).status, 200)
})

test('strangers use up nothing of a bucket at this door either', async () => {
  await using s3 = await startS3({ env: { STORAGE_RATE_LIMIT_BUCKET: '100/1h' } })
  for (const line of ['PUT /shop', 'PUT /other']) assert.equal((await s3.send(line)).status, 200)
  for (const line of ['PUT /shop/k', 'PUT /other/k']) {
    assert.equal((await s3.send(line, { body: 'x' })).status, 200)
  }
  const left = async () => {
    const { headers } = await s3.send('GET /shop/k')
    return Number(/"bucket";r=(\d+)/.exec(String(headers.ratelimit))?.[1])
  }
  const json = { name: 'k', permissions: ['assets:*', 'versions:*'], buckets: ['other'] }
  const pair = (await s3.server.ask('POST /api/v2/s3/keys', { json })).json
  const key = { id: String(pair.id), secret: String(pair.secret) }
  const body = '<Delete><Object><Key>k</Key></Object></Delete>'
  const md5 = createHash('md5').update(body).digest('base64')
  const headers = { 'x-amz-copy-source': '/shop/k' }
  const before = await left()
  for (const [status, line, options] of [
    [403, 'GET /shop/k', { auth: 'none' }],
    [400, 'GET /shop?list-type=2&max-keys=abc', { auth: 'none' }],
    [400, 'GET /shop?list-type=2&continuation-token=abc', { auth: 'none' }],
    [400, 'GET /shop/k?versionId=abc', { auth: 'none' }],
    [200, 'POST /shop?delete', { auth: 'none', body, headers: { 'content-md5': md5 } }],
    [200, 'GET /other/k', { key, headers }],
    [404, 'PUT /other/k', { key, headers }],
  ] as const) {
    for (let n = 0; n < 3; n += 1) {
      assert.equal((await s3.send(line, options)).status, status, line)
    }
  }
  assert.equal(await left(), before - 1)
})

test('what a list opens to strangers counts for its bucket', async () => {
  await using s3 = await startS3({ env: { STORAGE_RATE_LIMIT_BUCKET: '100/1h' } })
  for (const line of ['PUT /shop', 'PUT /shop/k']) {
    assert.equal((await s3.send(line, { body: line.endsWith('k') ? 'x' : '' })).status, 200)
  }
  const acl = { headers: { 'x-amz-acl': 'public-read' } }
  assert.equal((await s3.send('PUT /shop/k?acl', acl)).status, 200)
  const left = async () => {
    const { headers } = await s3.send('GET /shop/k')
    return Number(/"bucket";r=(\d+)/.exec(String(headers.ratelimit))?.[1])
  }
  const before = await left()
  for (let n = 1; n <= 3; n += 1) {
    assert.equal((await s3.send('GET /shop/k', { auth: 'none' })).text, 'x')
  }
  // It is taken when the server is told that all was sent.
  for (let asked = 1; (await left()) !== before - 3 - asked; asked += 1) {
    assert.ok(asked < 50)
    await delay(5)
  }
})

test('a copy counts for the bucket of its source, too', async () => {
  await using s3 = await startS3({ env: { STORAGE_RATE_LIMIT_BUCKET: '3/1h' } })
  for (const name of ['shop', 'other']) assert.equal((await s3.send(`PUT /${name}`)).status, 200)
  assert.equal((await s3.send('PUT /shop/k', { body: 'x' })).status, 200)
  const headers = { 'x-amz-copy-source': '/shop/k' }
  assert.equal((await s3.send('PUT /other/k', { headers })).status, 200)
  assert.equal((await s3.send('PUT /shop/again', { headers })).status, 200, 'once for one bucket')
  slowedDown(await s3.send('PUT /other/k', { headers }), 'bucket')
  assert.equal((await s3.send('GET /other/k')).text, 'x')
})

test('after too many wrong signatures only keys that were good are looked at', async () => {
  await using s3 = await startS3({ env: { STORAGE_RATE_LIMIT_CREDENTIALS: '5/1h' } })
  assert.equal((await s3.send('PUT /shop')).status, 200)
  const wrong = { id: 'NOBODYSKEY0000000000', secret: 'x'.repeat(40) }
  for (let n = 0; n < 5; n += 1) {
    const answer = await s3.send('GET /shop', { key: wrong })
    assert.deepEqual([answer.status, answer.code], [403, 'InvalidAccessKeyId'])
  }
  slowedDown(await s3.send('GET /shop', { key: wrong }), 'credentials')
  assert.equal((await s3.send('GET /shop')).status, 200)
  // The doors know of each other's wrong credentials.
  const key = 'hf_wrong-key-0123456789'
  assert.equal((await s3.server.ask('GET /api/v2/assets', { key })).status, 429)
  assert.equal((await s3.server.ask('GET /api/v2/assets', { key: adminKey })).status, 429)
})

test('wrong signatures of pages of others keep out those of pages, and nobody else', async () => {
  await using s3 = await startS3({ env: { STORAGE_RATE_LIMIT_CREDENTIALS: '5/1h' } })
  assert.equal((await s3.send('PUT /shop')).status, 200)
  const wrong = { id: 'NOBODYSKEY0000000000', secret: 'x'.repeat(40) }
  const picture = async () => await s3.send('GET /shop/k', { key: wrong, auth: 'query' })
  for (let n = 0; n < 5; n += 1) assert.equal((await picture()).code, 'InvalidAccessKeyId')
  slowedDown(await picture(), 'credentials')
  // Where a bucket lets pages of others send headers, browsers tell of the page.
  const unsigned = { origin: 'https://evil.example.org' }
  slowedDown(await s3.send('GET /shop/k', { key: wrong, unsigned }), 'credentials')
  const form = { 'content-type': 'multipart/form-data; boundary=b' }
  const until = { expiration: '2099-01-01T00:00:00Z', conditions: [{ bucket: 'shop' }] }
  const policy = Buffer.from(JSON.stringify(until)).toString('base64')
  const fields = { key: 'k', 'x-amz-algorithm': 'AWS4-HMAC-SHA256', policy }
  const signed = { 'x-amz-credential': `${wrong.id}/20260101/us-east-1/s3/aws4_request` }
  const all = {
    ...fields,
    ...signed,
    'x-amz-date': '20260101T000000Z',
    'x-amz-signature': '0'.repeat(64),
  }
  const parts = Object.entries(all).map(([name, value]) => {
    return `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  })
  const file =
    '--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--b--\r\n'
  const body = parts.join('') + file
  slowedDown(await s3.send('POST /shop', { auth: 'none', headers: form, body }), 'credentials')
  // Who shares the address works on, also with what was never seen there.
  const fresh = async (path: string, name: string) => {
    const made = await s3.server.ask(`POST /api/v2/${path}`, {
      json: { name, permissions: ['*'] },
    })
    assert.equal(made.status, 201, made.text)
    return made.json
  }
  const { id, secret } = await fresh('s3/keys', 'pair')
  assert.equal((await s3.send('GET /shop', { key: { id, secret } })).status, 200)
  const made = await fresh('keys', 'key')
  const key = String(made.key ?? made.secret)
  assert.equal((await s3.server.ask('GET /api/v2/assets', { key })).status, 200)
  assert.equal((await s3.send('GET /shop', { auth: 'query' })).status, 200)
})

test('limits and policies ask for the address of the caller, not of a proxy of ours', async () => {
  await using s3 = await startS3({ env: { STORAGE_TRUSTED_PROXIES: '127.0.0.1' } })
  assert.equal((await s3.send('PUT /shop')).status, 200)
  assert.equal((await s3.send('PUT /shop/k', { body: 'x' })).status, 200)
  const statement = {
    ...{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject' },
    Resource: 'arn:aws:s3:::shop/*',
    Condition: { IpAddress: { 'aws:SourceIp': '198.51.100.0/24' } },
  }
  const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  const set = await s3.send('PUT /shop?policy', { body })
  assert.ok(set.status < 300, set.text)
  const status = async (ip: string) => {
    const headers = { 'x-forwarded-for': ip }
    return (await s3.send('GET /shop/k', { auth: 'none', unsigned: headers })).status
  }
  assert.equal(await status('198.51.100.7'), 200)
  assert.equal(await status('203.0.113.7'), 403)
  assert.equal(await status('198.51.100.7, 203.0.113.7'), 403)
})

test('an account that has a limit has it here too, with all its keys, by every way', async () => {
  await using s3 = await startS3()
  assert.equal((await s3.send('PUT /shop')).status, 200)
  assert.equal((await s3.send('PUT /shop/k', { body: 'x' })).status, 200)
  const made = async (path: string, json: object, headers?: Record<string, string>) => {
    const as = headers === undefined ? {} : { key: null, headers }
    return (await s3.server.ask(`POST /api/v2/${path}`, { json, ...as })).json
  }
  const permissions = ['assets:*', 'versions:*', 'keys:admin']
  const account = await made('service-accounts', { name: 'runner', permissions, rate_limit: 0 })
  const { client_id, client_secret } = account
  const { access_token } = await made('auth/token', { client_id, client_secret })
  const bearer = { authorization: `Bearer ${access_token}` }
  const given = { name: 'pair', permissions: ['assets:*'] }
  const key = await made('s3/keys', given, bearer)
  const path = `PUT /api/v2/service-accounts/${account.id}`
  // Asked before there is a limit, so that it lies in memory and is answered at once.
  for (let n = 0; n < 3; n += 1) {
    const { text, headers } = await s3.send('GET /shop/k', { key })
    assert.deepEqual([text, headers['x-ratelimit-limit']], ['x', undefined])
  }
  await s3.server.ask(path, { json: { rate_limit: 2 } })
  for (const left of ['1', '0']) {
    const { text, headers } = await s3.send('GET /shop/k', { key })
    assert.equal(text, 'x')
    assert.deepEqual([headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']], ['2', left])
    assert.ok(Number(headers['x-ratelimit-reset']) > 1e9)
  }
  slowedDown(await s3.send('GET /shop/k', { key }), 'account')
  slowedDown(await s3.send('HEAD /shop/k', { key }), 'account')
  slowedDown(await s3.send('GET /shop/k', { key, auth: 'query' }), 'account')
  slowedDown(await s3.send('PUT /shop/k', { key, body: 'y' }), 'account')
  const rest = await s3.server.ask('GET /api/v2/buckets/shop/assets/k', {
    ...{ key: null, headers: bearer },
  })
  assert.equal(rest.status, 429)
  assert.equal((await s3.send('GET /shop/k')).text, 'x')
})
