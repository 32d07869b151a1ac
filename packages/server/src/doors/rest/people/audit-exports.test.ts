import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownEntry } from '../../../composition/audit.ts'
import { adminKey, refused, startServer } from '../../../started-server.test.ts'

test('of exports that nobody takes two of a caller are made at once', async () => {
  await using server = await startServer()
  const large = { detail: { note: 'x'.repeat(2 ** 20) }, resource: {} }
  const { audit, clock } = server.running.context
  for (let n = 0; n < 16; n += 1) {
    audit.record(ownEntry(clock, { requestId: 'large', action: 'large-rows', ...large }))
  }
  await audit.flush()
  const line = 'GET /api/v2/audit/export?action=large-rows'
  const ended = new AbortController()
  const url = `${server.url}${line.slice(4)}`
  const begun = await Promise.all(
    [1, 2].map(() => fetch(url, { headers: { 'x-api-key': adminKey }, signal: ended.signal })),
  )
  assert.deepEqual(
    begun.map(({ status }) => status),
    [200, 200],
  )
  refused(await server.ask(line), 429, 'TOO_MANY_REQUESTS')
  assert.equal((await server.ask('POST /api/v2/audit/verify')).status, 200)
  const json = { name: 'other-exporter', permissions: ['audit:export'] }
  const { key } = (await server.ask('POST /api/v2/keys', { json })).json
  const other = await fetch(url, { headers: { 'x-api-key': key }, signal: ended.signal })
  assert.equal(other.status, 200)
  ended.abort()
  const none = 'GET /api/v2/audit/export?action=none'
  let last = 429
  for (let tries = 0; tries < 500 && last === 429; tries += 1) {
    last = (await server.ask(none)).status
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.equal(last, 200)
})
