import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { startServer } from '../started-server.test.ts'

test('a change that takes no condition refuses one, and is not made', async () => {
  await using server = await startServer({})
  const { json } = await server.ask('PUT /api/v2/buckets/holdfast/assets/k', { body: 'x' })
  const { id } = json
  const headers = { 'if-match': '"0"' }
  const asked: string[] = []
  for (const [operation, route] of Object.entries<Route>(routes)) {
    if (route.method === 'GET' || route.method === 'HEAD') continue
    if (route.headers?.['if-match'] !== undefined) continue
    const path = route.path.replace('{id}', id).replaceAll(/\{\w+\+?\}/g, '1')
    const answer = await server.ask(`${route.method} ${path}`, { headers })
    const { code, details } = answer.json
    assert.deepEqual([answer.status, code], [400, 'MALFORMED_REQUEST'], operation)
    assert.equal(details.header, 'if-match', operation)
    asked.push(operation)
  }
  for (const operation of ['copyAsset', 'tagVersion', 'pruneVersions', 'updateVersion']) {
    assert.ok(asked.includes(operation), operation)
  }
  const after = await server.ask(`GET /api/v2/assets/${id}`)
  assert.equal(after.json.record_etag, json.record_etag)
  const rolled = await server.ask(`POST /api/v2/assets/${id}/versions/1/rollback`, { headers })
  assert.deepEqual([rolled.status, rolled.json.code], [412, 'PRECONDITION_FAILED'])
})
