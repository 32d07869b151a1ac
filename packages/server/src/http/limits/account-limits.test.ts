import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import {
  type Answer,
  type AskOptions,
  refused,
  startServer,
  type TestServer,
  type Tree,
} from '../../started-server.test.ts'

const base = '/api/v2/buckets/holdfast/assets'
const accounts = '/api/v2/service-accounts'
let names = 0

/** A service account and what its requests carry. */
async function program(server: TestServer, fields: object) {
  names += 1
  const json = { name: `program-${names}`, permissions: ['assets:*'], ...fields }
  const made = (await server.ask(`POST ${accounts}`, { json })).json
  const { id, client_id, client_secret } = made
  const asked = { json: { client_id, client_secret }, key: null }
  const token: string = (await server.ask('POST /api/v2/auth/token', asked)).json.access_token
  const headers = { authorization: `Bearer ${token}` }
  const ask = async (line: string, more: AskOptions = {}) =>
    await server.ask(line, { key: null, headers, ...more })
  const set = async (rate_limit: number | null, options: AskOptions = {}) =>
    await server.ask(`PUT ${accounts}/${id}`, { json: { rate_limit }, ...options })
  return { id, made, token, headers, ask, set }
}

function told({ headers }: Answer): unknown[] {
  const { 'x-ratelimit-limit': limit, 'x-ratelimit-remaining': remaining } = headers
  return [limit, remaining]
}

function limited(answer: Answer, quota: number): void {
  assert.equal(answer.status, 429, answer.text)
  assert.deepEqual(told(answer), [`${quota}`, '0'])
  assert.ok(Number(answer.headers['retry-after']) >= 1)
  assert.equal(answer.headers['ratelimit-policy'], `"account";q=${quota};w=60`)
}

async function start(env: Record<string, string> = {}): Promise<[TestServer, Tree]> {
  const server = await startServer({ env })
  const { json } = await server.ask(`PUT ${base}/k`, { body: 'x' })
  // From here on it is in memory, and answered by the shortest way there is.
  for (let n = 0; n < 3; n += 1) await server.ask(`GET ${base}/k`)
  return [server, json]
}

test('an account gets so many requests a minute, by every way, and is told of it', async () => {
  const [server, { id }] = await start()
  await using _ = server
  for (const line of [
    `PUT ${base}/own`,
    `GET ${base}/k`,
    `HEAD ${base}/k`,
    `GET /api/v2/assets/${id}/download`,
    `GET ${base}/k?`,
    'GET /api/v2/assets',
  ]) {
    const { ask, made } = await program(server, { rate_limit: 2 })
    assert.equal(made.rate_limit, 2)
    const body = line.startsWith('PUT') ? { body: 'x' } : {}
    for (const left of ['1', '0']) {
      const answer = await ask(line, body)
      assert.ok(answer.status < 300, `${line} ${answer.text}`)
      assert.deepEqual(told(answer), ['2', left], line)
      assert.match(String(answer.headers.ratelimit), new RegExp(`^"account";r=${left};t=\\d+$`))
      const reset = Number(answer.headers['x-ratelimit-reset'])
      const seconds = reset - Date.parse(String(answer.headers.date)) / 1000
      assert.ok(seconds > 0 && seconds < 600, `${seconds}`)
    }
    limited(await ask(line, body), 2)
    // Whoever has no limit goes on, and is told of none.
    const other = await server.ask(`GET ${base}/k`)
    assert.deepEqual([other.text, ...told(other)], ['x', undefined, undefined])
    assert.equal(other.headers['ratelimit-policy'], undefined)
  }
})

test('tokens, keys and links of an account count as one, a new limit holds at once', async () => {
  const [server, asset] = await start()
  await using _ = server
  const permissions = ['assets:*', 'keys:admin']
  const one = await program(server, { rate_limit: 0, permissions })
  const json = { name: 'k', permissions: ['assets:read'] }
  const made = (await one.ask('POST /api/v2/keys', { json })).json
  const key: string = made.key ?? made.secret
  const link = (await one.ask(`GET /api/v2/assets/${asset.id}/presigned-url`)).json.url
  const { pathname } = new URL(link)
  const ways = [
    async () => await one.ask(`GET ${base}/k`),
    async () => await server.ask(`GET ${base}/k`, { key }),
    async () => await server.ask(`GET ${pathname}`, { key: null }),
  ]
  for (const first of ways) {
    for (const each of ways) {
      const answer = await each()
      assert.deepEqual([answer.text, ...told(answer)], ['x', undefined, undefined])
    }
    // What was used of a limit before stays used.
    const set = await one.set(1)
    assert.deepEqual([set.status, set.json.rate_limit], [200, 1])
    const answer = await first()
    if (first === ways[0]) assert.deepEqual([answer.text, ...told(answer)], ['x', '1', '0'])
    else limited(answer, 1)
    for (const each of ways) limited(await each(), 1)
    await one.set(0)
  }
})

test('visits to what an account shares use nothing of its limit, and tell nothing', async () => {
  const [server, { id }] = await start()
  await using _ = server
  const one = await program(server, { rate_limit: 0, permissions: ['assets:*', 'keys:admin'] })
  const json = { name: 'k', permissions: ['assets:read', 'shares:create'] }
  const key: string = (await one.ask('POST /api/v2/keys', { json })).json.key
  const paths: string[] = []
  const asset = { json: { asset_id: id } }
  for (const maker of [{ key: null, headers: one.headers }, { key }]) {
    const shared = await server.ask('POST /api/v2/shares', { ...maker, ...asset })
    assert.equal(shared.status, 201, shared.text)
    paths.push(new URL(shared.json.url).pathname)
  }
  await one.set(2)
  for (const path of [...paths, ...paths]) {
    const visit = await server.ask(`GET ${path}`, { key: null })
    assert.deepEqual([visit.status, ...told(visit)], [200, undefined, undefined], visit.text)
    assert.equal(visit.headers['ratelimit-policy'], undefined)
  }
  assert.deepEqual(told(await one.ask(`GET ${base}/k`)), ['2', '1'])
})

test('who has no limit of its own gets that of the settings', async () => {
  const [server] = await start({ STORAGE_RATE_LIMIT_ACCOUNT: '2/1m' })
  await using _ = server
  const plain = await program(server, {})
  assert.equal(plain.made.rate_limit, null)
  assert.equal(decodeJwt(plain.token).rate_limit, 2)
  assert.deepEqual(told(await plain.ask(`GET ${base}/k`)), ['2', '1'])
  const own = await program(server, { rate_limit: 1_000_000 })
  assert.deepEqual(told(await own.ask(`GET ${base}/k`)), ['1000000', '999999'])
  const free = await program(server, { rate_limit: 0 })
  assert.equal(decodeJwt(free.token).rate_limit, undefined)
  for (let n = 0; n < 5; n += 1) assert.equal((await free.ask(`GET ${base}/k`)).text, 'x')
  assert.equal((await own.set(null)).json.rate_limit, null)
  assert.equal((await own.ask(`GET ${base}/k`)).headers['x-ratelimit-limit'], '2')
  const [standard] = await start()
  await using __ = standard
  const hundred = await program(standard, {})
  assert.deepEqual(told(await hundred.ask(`GET ${base}/k`)), ['100', '99'])
})

test('nobody sets a limit who has one, or for themselves', async () => {
  const [server] = await start()
  await using _ = server
  const admin = { roles: ['ADMIN'] }
  const other = await program(server, { rate_limit: 5 })
  for (const rate_limit of [50, null, 0]) {
    const { headers, ask, set, id } = await program(server, { ...admin, rate_limit })
    const json = { name: 'k', permissions: ['*'] }
    const made = (await ask('POST /api/v2/keys', { json })).json
    const key = { key: made.key ?? made.secret }
    const own = { key: null, headers }
    for (const as of [own, key]) {
      refused(await set(0, as), 403, 'FORBIDDEN')
      refused(await set(null, as), 403, 'FORBIDDEN')
      // What is no limit may be changed.
      const described = await server.ask(`PUT ${accounts}/${id}`, {
        json: { description: 'd' },
        ...as,
      })
      assert.deepEqual([described.status, described.json.rate_limit], [200, rate_limit])
      const isFree = rate_limit === 0
      assert.equal((await other.set(9, as)).status, isFree ? 200 : 403)
      names += 1
      const body = { json: { name: `by-${names}`, rate_limit: 0 }, ...as }
      assert.equal((await server.ask(`POST ${accounts}`, body)).status, isFree ? 201 : 403)
    }
  }
  const user = await program(server, { roles: ['USER'], rate_limit: 0 })
  refused(await other.set(0, { key: null, headers: user.headers }), 403, 'FORBIDDEN')
  refused(await other.set(0, { key: null }), 401, 'UNAUTHENTICATED')
  for (const rate_limit of [-1, 1.5, 1_000_001, '5', [1], true]) {
    const json = { rate_limit }
    const answer = await server.ask(`PUT ${accounts}/${other.id}`, { json })
    refused(answer, 422, 'VALIDATION_ERROR')
  }
  for (const name of ['rateLimit', 'limit', '__proto__']) {
    const body = `{"${name}":{"rate_limit":0,"perMinute":0}}`
    const headers = { 'content-type': 'application/json' }
    const answer = await server.ask(`PUT ${accounts}/${other.id}`, { body, headers })
    assert.ok([400, 422].includes(answer.status), answer.text)
  }
  assert.equal((await server.ask(`GET ${accounts}/${other.id}`)).json.rate_limit, 9)
})
