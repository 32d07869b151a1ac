import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { type ErrorCode, errorTable } from '@holdfast/core/errors.ts'
import { requirePermission } from '../../http/register-routes.ts'
import { refused, startServer, type TestServer } from '../../started-server.test.ts'
import { healthOperations } from '../health/operations.ts'
import { restOperations } from './operations.ts'
import { statusOf } from './statuses.ts'

let server: TestServer

before(async () => {
  server = await startServer()
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

test('every route has an operation, and every operation a route', () => {
  const operations = Object.keys({ ...restOperations, ...healthOperations })
  assert.deepEqual(operations.sort(), Object.keys(routes).sort())
})

test('a route without a permission keeps the server from starting', async () => {
  for (const permission of [undefined, '', '*', 'assets:*', 'assets:fly']) {
    const route = { permission } as unknown as Route
    assert.throws(() => requirePermission('x', route), /declares no permission/)
  }
  const { whoAmI } = routes
  const { permission } = whoAmI
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-descriptions-'))
  Object.assign(whoAmI, { permission: 'assets:fly' })
  try {
    const starting = startServer({ dir }).then(started => started[Symbol.asyncDispose]())
    await assert.rejects(starting, /whoAmI declares no permission/)
  } finally {
    Object.assign(whoAmI, { permission })
    rmSync(dir, { recursive: true, force: true })
  }
})

test('every route of the table is served with a credential and guarded without', async () => {
  const id = '0199a7e2-0000-7000-8000-000000000000'
  for (const [operationId, route] of Object.entries<Route>(routes)) {
    const path = route.path
      .replace('{scope}', 'service')
      .replace(/\{bucket\}/, 'holdfast')
      .replace('{version_id}', '1')
      .replace(/\{\w+\+?\}/g, id)
    const query = routes.getByKeyQuery.path === route.path ? '?key=x' : ''
    const line = `${route.method} ${path}${query}`
    const body = operationId === 'batchDownload' ? { json: { ids: [id] } } : {}
    const answer = await server.ask(line, { key: null, ...body })
    if (route.permission === 'open' || route.permission === 'metrics:read') {
      assert.notEqual(answer.status, 401, operationId)
      continue
    }
    // Public reading is possible, so a list without a bucket may be asked by anyone.
    const open = ['listAssets', 'getAssetStats'].includes(operationId)
    assert.equal(answer.status, open ? answer.status : 401, `${operationId}: ${answer.text}`)
    const known = await server.ask(line, body)
    assert.notEqual(known.json?.code, 'ROUTE_NOT_FOUND', operationId)
    assert.notEqual(known.status, 500, `${operationId}: ${known.text}`)
    assert.notEqual(known.status, 401, operationId)
  }
})

test('a key without any fitting permission opens no route', async () => {
  const json = { name: 'scraper', permissions: ['metrics:read'] }
  const { key } = (await server.ask('POST /api/v2/keys', { json })).json
  const put = await server.ask('PUT /api/v2/buckets/holdfast/assets/x', { body: 'x' })
  for (const [operationId, route] of Object.entries<Route>(routes)) {
    // What is about the caller alone needs no permission.
    if (['open', 'self', 'metrics:read'].includes(route.permission)) continue
    const path = route.path
      .replace('{scope}', 'service')
      .replace(/\{bucket\}/, 'holdfast')
      .replace('{version_id}', '1')
      .replace('{key+}', 'x')
      .replace(/\{\w+\+?\}/g, put.json.id)
    const query = routes.getByKeyQuery.path === route.path ? '?key=x' : ''
    const body = route.body?.kind === 'json' ? { json: {} } : {}
    const answer = await server.ask(`${route.method} ${path}${query}`, { key, ...body })
    // 422 for what is wrong before the resource is looked at; never a success.
    const expected = [403, 404, 422, 400]
    const empty = ['listAssets', 'getAssetStats'].includes(operationId)
    assert.ok(
      expected.includes(answer.status) || empty,
      `${operationId}: ${answer.status} ${answer.text}`,
    )
    if (empty)
      assert.ok(answer.status === 403 || (answer.json.total ?? answer.json.total_assets) === 0)
  }
})

test('the description is served, complete, and compressed when asked', async () => {
  const plain = await server.ask('GET /api/v2/openapi.json', { key: null })
  assert.equal(plain.status, 200)
  assert.match(plain.json.openapi, /^3\.1/)
  assert.equal(plain.headers['content-encoding'], undefined)
  const decoders = { br: brotliDecompressSync, gzip: gunzipSync }
  for (const [coding, decode] of Object.entries(decoders)) {
    const headers = { 'accept-encoding': coding }
    const answer = await server.ask('GET /api/v2/openapi.json', { key: null, headers })
    assert.equal(answer.headers['content-encoding'], coding)
    assert.match(answer.headers.vary ?? '', /Accept-Encoding/)
    assert.deepEqual(JSON.parse(decode(answer.bytes).toString()), plain.json)
    assert.ok(answer.bytes.length < plain.bytes.length / 3)
  }
})

test('every code is told with the status that this door gives it', async () => {
  const { json } = await server.ask('GET /api/v2/errors', { key: null })
  const codes = Object.keys(errorTable) as ErrorCode[]
  assert.deepEqual(
    json.errors.map((entry: { code: string; status: number }) => [entry.code, entry.status]),
    codes.map(code => [code, statusOf(code)]),
  )
})

test('the explorer loads from this server only', async () => {
  const page = await server.ask('GET /api/v2/docs', { key: null })
  assert.equal(page.status, 200)
  const policy = String(page.headers['content-security-policy'])
  assert.match(policy, /default-src 'none'/)
  assert.doesNotMatch(policy, /https?:|\*|unsafe-eval/)
  const references = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(match => match[1] ?? '')
  assert.equal(references.length, 4)
  for (const reference of references) {
    assert.doesNotMatch(reference, /^([a-z]+:)?\/\//)
    const url = new URL(reference, 'http://x/api/v2/docs')
    const file = await server.ask(`GET ${url.pathname}`, { key: null })
    assert.equal(file.status, 200, reference)
    assert.ok(file.bytes.length > 100, reference)
  }
  const starter = (await server.ask('GET /api/v2/docs/explorer.js', { key: null })).text
  assert.doesNotMatch(starter, /https?:/)
  for (const name of [
    'package.json',
    '../package.json',
    '%2e%2e/package.json',
    'index.html',
    '__proto__',
  ]) {
    refused(await server.ask(`GET /api/v2/docs/${name}`, { key: null }), 404, 'ROUTE_NOT_FOUND')
  }
})
