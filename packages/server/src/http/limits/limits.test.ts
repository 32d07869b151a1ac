import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { TOTP } from 'otpauth'
import {
  type Answer,
  adminKey,
  refused,
  startServer,
  type TestServer,
  type Tree,
  upload,
  uploadForm,
} from '../../started-server.test.ts'

const base = '/api/v2/buckets/holdfast/assets'
/** The tests are a proxy, so that they can come from any address. */
const behind = { STORAGE_TRUSTED_PROXIES: '127.0.0.1' }

function start(env: Record<string, string>): Promise<TestServer> {
  return startServer({ env: { ...behind, ...env } })
}

function from(ip: string) {
  return { headers: { 'x-forwarded-for': ip } }
}

function limited(answer: Answer, policy: string, code = 'RATE_LIMITED'): void {
  refused(answer, 429, code)
  assert.deepEqual(answer.json.details.policies, [policy])
  const wait = Number(answer.headers['retry-after'])
  assert.ok(wait >= 1)
  assert.equal(answer.json.details.retry_after, wait)
  assert.ok(String(answer.headers['ratelimit-policy']).includes(`"${policy}";q=`))
}

async function newKey(server: TestServer, permissions = ['assets:*']): Promise<string> {
  const made = await server.ask('POST /api/v2/keys', {
    json: { name: 'k', permissions },
    ...from('192.0.2.250'),
  })
  assert.equal(made.status, 201, made.text)
  return made.json.key ?? made.json.secret
}

test('without limits answers tell of none', async () => {
  await using server = await startServer()
  await server.ask(`PUT ${base}/k`, { body: 'x' })
  const answer = await server.ask(`GET ${base}/k?`)
  assert.equal(answer.headers.ratelimit, undefined)
  assert.equal(answer.headers['ratelimit-policy'], undefined)
})

test('an address gets so many requests, by every way, and is told of what is left', async () => {
  await using server = await start({ STORAGE_RATE_LIMIT_ADDRESS: '6/1h' })
  const seen: unknown[] = []
  for (const line of [
    `PUT ${base}/direct`,
    `GET ${base}/direct`,
    `HEAD ${base}/direct`,
    `GET ${base}/direct?`,
    'GET /api/v2/assets',
    'GET /%zz',
  ]) {
    const body = line.startsWith('PUT') ? { body: 'x' } : {}
    const answer = await server.ask(line, { ...body, ...from('192.0.2.1') })
    assert.ok([200, 201, 400].includes(answer.status), `${line} ${answer.text}`)
    assert.equal(answer.headers['ratelimit-policy'], '"address";q=6;w=3600')
    seen.push(answer.headers.ratelimit)
  }
  assert.deepEqual(seen.slice(0, 2), ['"address";r=5;t=3000', '"address";r=4;t=2400'])
  assert.match(String(seen[5]), /^"address";r=0;t=(599|600)$/)
  for (const line of [`GET ${base}/direct`, `PUT ${base}/direct`, 'GET /nowhere', 'GET /%zz']) {
    const answer = await server.ask(line, from('192.0.2.1'))
    limited(answer, 'address')
    assert.match(String(answer.headers.ratelimit), /^"address";r=0;t=(599|600)$/)
  }
  assert.equal((await server.ask('GET /health/ready', from('192.0.2.1'))).status, 200)
  assert.equal((await server.ask(`GET ${base}/direct`, from('192.0.2.2'))).status, 200)
  const metrics = await server.ask('GET /metrics', from('192.0.2.3'))
  assert.match(metrics.text, /storage_limited_total\{policy="address"\} 4\n/)
})

test('all addresses of an IPv6 network are one caller', async () => {
  await using server = await start({ STORAGE_RATE_LIMIT_ADDRESS: '2/1h' })
  const status = async (ip: string) => (await server.ask('GET /api/v2/assets', from(ip))).status
  assert.equal(await status('2001:db8:0:1::1'), 200)
  assert.equal(await status('2001:db8:0:1:ffff::2'), 200)
  assert.equal(await status('2001:0db8::1:3:4:5:6'), 429)
  assert.equal(await status('2001:db8:0:2::1'), 200)
})

test('nobody becomes another by a header, and a proxy that is not known is told of', async () => {
  await using server = await startServer({ env: { STORAGE_RATE_LIMIT_ADDRESS: '2/1h' } })
  const statuses = []
  for (const ip of ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']) {
    statuses.push((await server.ask('GET /api/v2/assets', from(ip))).status)
  }
  assert.deepEqual(statuses, [200, 200, 429, 429])
  const told = server.logLines.filter(line => line.includes('STORAGE_TRUSTED_PROXIES'))
  assert.equal(told.length, 1)
})

test('a principal has its requests wherever it comes from, nobody is no principal', async () => {
  await using server = await start({ STORAGE_RATE_LIMIT_PRINCIPAL: '3/1h' })
  const [one, other] = [await newKey(server), await newKey(server)]
  const ask = (key: string | null, n: number) =>
    server.ask(`GET ${base}/none`, { key, ...from(`192.0.2.${n}`) })
  const of = async (key: string | null) => {
    const statuses = []
    for (let n = 1; n <= 4; n += 1) statuses.push((await ask(key, n)).status)
    return statuses
  }
  assert.deepEqual(await of(one), [404, 404, 404, 429])
  assert.deepEqual(await of(other), [404, 404, 404, 429])
  limited(await ask(one, 9), 'principal')
  assert.deepEqual(await of(null), [401, 401, 401, 401])
})

test('the assets of a bucket are asked for so often, whichever way they are named', async () => {
  await using server = await start({ STORAGE_RATE_LIMIT_BUCKET: '9/1h' })
  await server.ask('POST /api/v2/buckets', { json: { name: 'other' } })
  const asset = await upload(server, 'by form')
  const link = (await server.ask(`GET /api/v2/assets/${asset.id}/presigned-url`)).json.url
  const batch = new FormData()
  const files = [{ filename: 'b.txt', content_type: 'text/plain' }]
  const request = { service: 'tests', owner_id: asset.owner_id, files }
  batch.append('request', JSON.stringify(request))
  batch.append('files', new Blob(['in a batch']), 'b.txt')
  const left: string[] = []
  const check = async (line: string, options: object = {}) => {
    const answer = await server.ask(line, options)
    assert.ok(answer.status < 300, `${line} ${answer.text}`)
    left.push(/"bucket";r=(\d)/.exec(String(answer.headers.ratelimit))?.[1] ?? line)
  }
  await check(`PUT ${base}/k`, { body: 'x' })
  await check(`GET ${base}/k`)
  await check('POST /api/v2/assets/batch-upload', { body: batch })
  await check(`GET ${new URL(link).pathname}`, { key: null })
  await check('GET /api/v2/assets?bucket=holdfast')
  await check('POST /api/v2/assets/batch-download', { json: { ids: [asset.id] } })
  await check(`GET /api/v2/assets/${asset.id}/download`)
  assert.deepEqual(left, ['6', '5', '4', '3', '2', '1', '0'])
  limited(await server.ask(`GET ${base}/k`), 'bucket')
  limited(await server.ask(`GET /api/v2/assets/${asset.id.toUpperCase()}`), 'bucket')
  limited(await server.ask('POST /api/v2/assets/upload', { body: uploadForm('y') }), 'bucket')
  limited(await server.ask(`GET ${new URL(link).pathname}`, { key: null }), 'bucket')
  const other = await server.ask('PUT /api/v2/buckets/other/assets/k', { body: 'x' })
  assert.equal(other.status, 201)
  // Who has to look after the bucket can do so.
  assert.equal((await server.ask('GET /api/v2/buckets/holdfast')).status, 200)
})

test('a share link is no way around the limits of the bucket or of who made it', async () => {
  for (const subject of ['BUCKET', 'PRINCIPAL'] as const) {
    await using server = await start({ [`STORAGE_RATE_LIMIT_${subject}`]: '6/1h' })
    const key = await newKey(server)
    const { id } = (await server.ask(`PUT ${base}/in/k`, { key, body: 'x' })).json
    const share = async (json: object) => {
      const { url } = (await server.ask('POST /api/v2/shares', { key, json })).json
      return new URL(url).pathname
    }
    const one = await share({ asset_id: id })
    const all = await share({ bucket: 'holdfast', prefix: 'in/' })
    const lines = [`GET ${one}`, `GET ${all}`, `GET ${all}/k`, `HEAD ${one}`]
    lines.push(`GET ${one.replace('/s/', '/api/v2/shared/')}`)
    const statuses = []
    for (const line of [...lines, ...lines]) {
      statuses.push((await server.ask(line, { key: null, ...from('192.0.2.1') })).status)
    }
    const spent = subject === 'BUCKET' ? 5 : 6
    const expected = Array.from({ length: 10 }, (_, n) => (n < spent ? 200 : 429))
    assert.deepEqual(statuses, expected, subject)
  }
})

test('who may read nothing but metadata has the limits of the bucket, too', async () => {
  await using server = await start({ STORAGE_RATE_LIMIT_BUCKET: '3/1h' })
  const { id } = (await server.ask(`PUT ${base}/k`, { body: 'x' })).json
  const key = await newKey(server, ['versions:read'])
  const statuses = []
  for (let n = 0; n < 4; n += 1) {
    statuses.push((await server.ask(`GET /api/v2/assets/${id}/versions`, { key })).status)
  }
  assert.deepEqual(statuses, [200, 200, 429, 429])
})

test('who is kept out of a bucket uses up nothing of it, and hears nothing of it', async () => {
  await using server = await start({ STORAGE_RATE_LIMIT_BUCKET: '3/1h' })
  const { id } = (await server.ask(`PUT ${base}/k`, { body: 'x' })).json
  const stranger = await newKey(server, ['metrics:read'])
  await server.ask('POST /api/v2/buckets', { json: { name: 'other' } })
  const permissions = ['assets:*']
  const elsewhere = { json: { name: 'k', permissions, buckets: ['other'] } }
  const confined = (await server.ask('POST /api/v2/keys', elsewhere)).json
  const keys = [null, stranger, confined.key ?? confined.secret]
  const absent = id.replace(/.{4}$/, '0000')
  const strangers = async (n: number) => {
    for (const [there, nowhere] of [
      [`GET ${base}/k`, 'GET /api/v2/buckets/absent/assets/k'],
      [`PUT ${base}/k`, 'PUT /api/v2/buckets/absent/assets/k'],
      [`GET /api/v2/assets/${id}`, `GET /api/v2/assets/${absent}`],
      ['GET /api/v2/assets?bucket=holdfast', 'GET /api/v2/assets?bucket=absent'],
    ] as const) {
      for (const key of keys) {
        const one = await server.ask(there, { key, ...from(`192.0.2.${n}`) })
        const other = await server.ask(nowhere, { key, ...from(`192.0.2.${n}`) })
        assert.deepEqual([one.status, one.json.code], [other.status, other.json.code], there)
        assert.equal(one.headers.ratelimit, undefined, there)
        assert.ok(one.status !== 429)
      }
    }
  }
  await strangers(1)
  assert.equal((await server.ask(`GET ${base}/k`)).status, 200)
  assert.equal((await server.ask(`GET ${base}/k`)).status, 200)
  limited(await server.ask(`GET ${base}/k`), 'bucket')
  await strangers(2)
})

test('only so many requests are at work at once, and a place is free when one ends', async () => {
  for (const subject of ['ADDRESS', 'PRINCIPAL', 'BUCKET']) {
    await using server = await start({ [`STORAGE_CONCURRENCY_LIMIT_${subject}`]: '1' })
    const slow = connect(server.port, '127.0.0.1')
    // 100 comes once the body is wanted: whoever sends it has a place by then.
    const head = ['Host: x', `X-API-Key: ${adminKey}`, 'X-Forwarded-For: 192.0.2.1']
    const lines = [`PUT ${base}/slow HTTP/1.1`, ...head, 'Content-Length: 9']
    const begin = async () => {
      slow.write([...lines, 'Expect: 100-continue', '', ''].join('\r\n'))
      await said(slow, 'HTTP/1.1 100 Continue')
      slow.write('1234')
    }
    await begin()
    const policy = `${subject.toLowerCase()}-places`
    const answer = await server.ask(`GET ${base}/slow`, from('192.0.2.1'))
    limited(answer, policy, 'TOO_MANY_REQUESTS')
    const told = `"${policy}";q=1;qu="concurrent-requests"`
    assert.equal(answer.headers['ratelimit-policy'], told)
    assert.equal(answer.headers.ratelimit, `"${policy}";r=0`)
    slow.write('56789')
    await said(slow, 'HTTP/1.1 201 Created')
    assert.equal((await onceFree(server)).text, '123456789')
    // One that breaks off frees its place too.
    await begin()
    limited(await server.ask(`GET ${base}/slow`, from('192.0.2.1')), policy, 'TOO_MANY_REQUESTS')
    slow.destroy()
    assert.equal((await onceFree(server)).status, 200)
  }
})

/** Reads until a text has come. */
async function said(socket: Socket, text: string): Promise<void> {
  let all = ''
  while (!all.includes(text)) {
    const [chunk] = await once(socket, 'data', { signal: AbortSignal.timeout(30_000) })
    all += chunk
  }
}

/** The answer once a place is free: it is given back when the server is told that all was sent. */
async function onceFree(server: TestServer): Promise<Answer> {
  for (let tries = 0; ; tries += 1) {
    const answer = await server.ask(`GET ${base}/slow`, from('192.0.2.1'))
    if (answer.status !== 429 || tries === 1000) return answer
    await delay(10)
  }
}

const root = { username: 'root', password: 'Chief-Password-2026' }
const people = {
  STORAGE_INITIAL_ADMIN_USERNAME: root.username,
  STORAGE_INITIAL_ADMIN_PASSWORD: root.password,
}

function enter(server: TestServer, json: object, ip: string): Promise<Answer> {
  return server.ask('POST /api/v2/auth/login', { json, key: null, ...from(ip) })
}

test('wrong guesses of passwords are few for an address, right ones are free', async () => {
  await using server = await start({ ...people, STORAGE_RATE_LIMIT_LOGIN: '5/1h' })
  for (let n = 0; n < 8; n += 1) {
    const answer = await enter(server, root, '192.0.2.1')
    assert.equal(answer.status, 200)
    // How many guesses are left is nobody's business.
    assert.equal(answer.headers.ratelimit, undefined)
  }
  const malformed = await enter(server, { username: 'root' }, '192.0.2.1')
  assert.equal(malformed.status, 422)
  await delay(50)
  const guess = (n: number) => ({ username: `name${n}`, password: 'Wrong-Password-2026' })
  for (let n = 0; n < 5; n += 1) {
    refused(await enter(server, guess(n), '192.0.2.1'), 401, 'UNAUTHENTICATED')
  }
  limited(await enter(server, guess(6), '192.0.2.1'), 'login')
  limited(await enter(server, root, '192.0.2.1'), 'login')
  const change = { ...root, new_password: 'Another-Password-2026' }
  const changing = { json: change, key: null, ...from('192.0.2.1') }
  limited(await server.ask('POST /api/v2/auth/password', changing), 'login')
  const refreshing = { json: { refresh_token: 'x' }, key: null, ...from('192.0.2.1') }
  limited(await server.ask('POST /api/v2/auth/refresh', refreshing), 'login')
  assert.equal((await enter(server, root, '192.0.2.2')).status, 200)
})

test('wrong passwords of who has a session count for the address, right ones not', async () => {
  await using server = await start({ ...people, STORAGE_RATE_LIMIT_LOGIN: '3/1h' })
  const { access_token: token } = (await enter(server, root, '192.0.2.8')).json
  const headers = { ...from('192.0.2.9').headers, authorization: `Bearer ${token}` }
  const confirm = (password: string) =>
    server.ask('POST /api/v2/auth/confirm', { json: { password }, key: null, headers })
  for (let right = 0; right < 4; right += 1) {
    assert.equal((await confirm(root.password)).status, 200)
  }
  refused(await confirm('wrong-1'), 401, 'UNAUTHENTICATED')
  const me = await server.ask('GET /api/v2/auth/me', { key: null, headers })
  const json = { email: 'root@example.org', current_password: 'wrong-2' }
  const own = { json, key: null, headers }
  refused(await server.ask(`PUT /api/v2/users/${me.json.id}`, own), 401, 'UNAUTHENTICATED')
  refused(await confirm('wrong-3'), 401, 'UNAUTHENTICATED')
  limited(await confirm(root.password), 'login')
  limited(await enter(server, root, '192.0.2.9'), 'login')
  assert.equal((await enter(server, root, '192.0.2.8')).status, 200)
})

test('a session is renewed so often and no more, which is no guess', async () => {
  await using server = await start({ ...people, STORAGE_RATE_LIMIT_LOGIN: '3/1h' })
  const renew = (token: string) => {
    const json = { refresh_token: token }
    return server.ask('POST /api/v2/auth/refresh', { json, key: null, ...from('192.0.2.1') })
  }
  const first = (await enter(server, root, '192.0.2.1')).json.refresh_token
  let token = first
  for (let n = 0; n < 30; n += 1) {
    const renewed = await renew(token)
    assert.equal(renewed.status, 200, renewed.text)
    token = renewed.json.refresh_token
  }
  for (let n = 0; n < 5; n += 1) {
    limited(await renew(token), 'refresh')
    await delay(20)
  }
  const other = await enter(server, root, '192.0.2.1')
  assert.equal(other.status, 200, other.text)
  assert.equal((await renew(other.json.refresh_token)).status, 200)
  const headers = { authorization: `Bearer ${other.json.access_token}` }
  const { items } = (await server.ask('GET /api/v2/auth/sessions', { key: null, headers })).json
  assert.equal(items.length, 2, 'nothing was traded twice')
  // Who had it first is told from a thief that renews as fast as it may.
  assert.equal((await renew(first)).status, 401)
  assert.equal((await renew(token)).status, 401)
})

test('a refresh token that has expired was no guess', async () => {
  let laterMs = 0
  const clock = { ...systemClock, now: () => systemClock.now() + laterMs }
  const env = { ...behind, ...people, STORAGE_RATE_LIMIT_LOGIN: '3/1h' }
  await using server = await startServer({ env, clock })
  const json = { refresh_token: (await enter(server, root, '192.0.2.1')).json.refresh_token }
  // Its signing key is still there.
  laterMs = 7.5 * 86_400_000
  for (let n = 0; n < 6; n += 1) {
    const renewed = await server.ask('POST /api/v2/auth/refresh', {
      ...{ json, key: null },
      ...from('192.0.2.1'),
    })
    refused(renewed, 401, 'CREDENTIAL_EXPIRED')
    await delay(20)
  }
})

test('a network of many addresses has the guesses of 32, others have their own', async () => {
  await using server = await start({ STORAGE_RATE_LIMIT_LOGIN: '2/24h' })
  const json = { refresh_token: 'wrong' }
  const guess = (ip: string) => {
    return server.ask('POST /api/v2/auth/refresh', { json, key: null, ...from(ip) })
  }
  for (let n = 0; n < 64; n += 1) {
    refused(await guess(`2001:db8:1:${n % 32}::${n}`), 401, 'UNAUTHENTICATED')
  }
  limited(await guess('2001:db8:1:ff::1'), 'login')
  refused(await guess('2001:db8:2:ff::1'), 401, 'UNAUTHENTICATED')
  for (let n = 0; n < 17; n += 1) refused(await guess(`192.0.2.${n}`), 401, 'UNAUTHENTICATED')
})

test('a right password is free where a code is still to come', async () => {
  await using server = await start({
    ...people,
    STORAGE_RATE_LIMIT_LOGIN: '2/1h',
    STORAGE_SECOND_FACTOR_REQUIRED: 'administrators',
  })
  for (let n = 0; n < 4; n += 1) {
    const answer = await enter(server, root, '192.0.2.1')
    refused(answer, 403, 'SECOND_FACTOR_ENROLMENT_REQUIRED')
    await delay(20)
  }
  const { username, password } = root
  const ask = async (path: string, json: object) =>
    await server.ask(`POST /api/v2/auth/${path}`, { json, key: null, ...from('192.0.2.2') })
  const { json: begun } = await ask('second-factor', { username, password })
  const code = new TOTP({ secret: begun.secret }).generate()
  const confirmed = await ask('second-factor/confirm', { username, password, code })
  assert.equal(confirmed.status, 200, confirmed.text)
  for (let n = 0; n < 4; n += 1) {
    refused(await enter(server, root, '192.0.2.3'), 401, 'SECOND_FACTOR_REQUIRED')
    await delay(20)
  }
})

test('guesses at the same time get no more than one after the other', async () => {
  await using server = await start({ ...people, STORAGE_RATE_LIMIT_LOGIN: '4/1h' })
  const guess = (n: number) => ({ username: `name${n}`, password: 'Wrong-Password-2026' })
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => enter(server, guess(n), '192.0.2.1')),
  )
  assert.equal(answers.filter(({ status }) => status === 401).length, 4)
  assert.equal(answers.filter(({ status }) => status === 429).length, 36)
})

test('after too many wrong credentials only those that were good are looked at', async () => {
  await using server = await start({ STORAGE_RATE_LIMIT_CREDENTIALS: '5/1h' })
  const [used, fresh] = [await newKey(server), await newKey(server)]
  await server.ask(`PUT ${base}/k`, { body: 'x', ...from('192.0.2.9') })
  const ask = (key: string | null, ip = '192.0.2.1') =>
    server.ask(`GET ${base}/k`, { key, ...from(ip) })
  assert.equal((await ask(used, '192.0.2.9')).status, 200)
  for (let n = 0; n < 20; n += 1) assert.equal((await ask(null)).status, 401)
  for (let n = 0; n < 5; n += 1) {
    refused(await ask(`hf_wrong-key-0123456789-${n}`), 401, 'UNAUTHENTICATED')
  }
  limited(await ask('hf_wrong-key-0123456789'), 'credentials')
  // A right guess is not told from a wrong one.
  limited(await ask(fresh), 'credentials')
  assert.equal((await ask(used)).status, 200)
  assert.equal((await ask(adminKey)).status, 200)
  assert.equal((await ask(null)).status, 401)
  assert.equal((await ask(fresh, '192.0.2.2')).status, 200)
  assert.equal((await ask(fresh)).status, 200)
})

test('a flood of refusals leaves few audit rows, and every refusal is counted', async () => {
  await using server = await start({
    STORAGE_RATE_LIMIT_AUDIT: '10/1h',
    STORAGE_RATE_LIMIT_CREDENTIALS: '20/1h',
  })
  const stranger = await newKey(server, ['metrics:read'])
  for (let n = 0; n < 100; n += 1) {
    const key = n % 2 === 0 ? `hf_wrong-key-0123456789-${n}` : null
    await server.ask('GET /api/v2/users', { key, ...from('192.0.2.1') })
  }
  for (let n = 0; n < 50; n += 1) {
    await server.ask('GET /api/v2/users', { key: stranger, ...from('192.0.2.1') })
  }
  const { dir } = server
  await server.running.stop()
  await using again = await startServer({ dir })
  const rows: Tree[] = (await again.ask('GET /api/v2/audit?limit=200&outcome=refused')).json.items
  const mine = rows.filter(row => row.ip === '192.0.2.1')
  assert.equal(mine.length, 11)
  const [counted] = mine.filter(row => row.action === 'refusals')
  assert.equal(counted.detail.count, 140)
  const codes = Object.values<number>(counted.detail.codes)
  assert.equal(
    codes.reduce((sum, count) => sum + count, 0),
    140,
  )
  assert.ok(counted.detail.codes.RATE_LIMITED > 0)
})
