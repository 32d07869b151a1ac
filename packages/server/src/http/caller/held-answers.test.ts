import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ownEntry } from '../../composition/audit.ts'
import { adminKey, startServer, type TestServer } from '../../started-server.test.ts'

/** Takes the head of the answer and a little more, and holds the rest; ends with the connection. */
async function hold(
  { port }: TestServer,
  line: string,
  { id, json }: { id: string; json?: object },
) {
  const body = json === undefined ? '' : JSON.stringify(json)
  const type = json === undefined ? '' : 'Content-Type: application/json\r\n'
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `${line} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\nX-Request-ID: ${id}\r\n${type}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  const head = await new Promise<string>(resolve => {
    socket.once('data', chunk => {
      socket.pause()
      resolve(chunk.toString('latin1'))
    })
  })
  assert.match(head, /^HTTP\/1\.1 200/)
  return socket
}

async function rowsOf({ running }: TestServer, requestId: string): Promise<string[]> {
  const { audit, engine } = running.context
  await audit.flush()
  const rows = await engine.catalog.view.audits.before(Number.MAX_SAFE_INTEGER, 50)
  return rows
    .filter(({ entry }) => entry.requestId === requestId)
    .map(({ entry }) => `${entry.action} ${entry.outcome} ${entry.status}`)
}

const LARGE = 16 * 1024 * 1024

test('answers that somebody holds open stand in the audit log while they last', async () => {
  await using server = await startServer({ env: { STORAGE_AUDIT_DATA_CHANGES: 'on' } })
  const path = '/api/v2/buckets/holdfast/assets/large.bin'
  assert.equal((await server.ask(`PUT ${path}`, { body: Buffer.alloc(LARGE) })).status, 201)
  const { id } = (await server.ask('GET /api/v2/buckets/holdfast/assets')).json.items[0]
  const { audit, clock } = server.running.context
  const large = { action: 'large-rows', detail: { note: 'x'.repeat(2 ** 20) }, resource: {} }
  for (let n = 0; n < 16; n += 1) {
    audit.record(ownEntry(clock, { requestId: 'large', ...large }))
  }
  await audit.flush()
  const link = new URL(
    (await server.ask('POST /api/v2/shares', { json: { asset_id: id } })).json.url,
  )
  const held = [
    await hold(server, 'GET /api/v2/audit/export', { id: 'held-export' }),
    await hold(server, `GET ${link.pathname}`, { id: 'held-share' }),
    await hold(server, 'POST /api/v2/assets/batch-download', {
      ...{ id: 'held-batch', json: { ids: [id], format: 'tar' } },
    }),
  ]
  assert.deepEqual(await rowsOf(server, 'held-export'), ['exportAudits success 200'])
  assert.deepEqual(await rowsOf(server, 'held-share'), ['openShare success 200'])
  assert.deepEqual(await rowsOf(server, 'held-batch'), ['batchDownload success 200'])
  for (const socket of held) socket.destroy()
})

test('changes that a stop cuts have a row, of those that it waits for and of others', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-cut-'))
  const first = await startServer({ dir, env: { STORAGE_SHUTDOWN_TIMEOUT: '1' } })
  const released = Promise.withResolvers<never>()
  const never = Promise.withResolvers<never>()
  const runs = [released, never]
  first.running.context.engine.auditRuns.take = async () => await (runs.pop() ?? never).promise
  const ask = async (id: string) => {
    const headers = { 'x-request-id': id }
    await assert.rejects(first.ask('POST /api/v2/audit/verify', { headers }))
  }
  const cut = Promise.all([ask('never-ended'), ask('ended-late')])
  while (runs.length > 0) await delay(10)
  const stopped = first.running.stop()
  await cut
  await delay(200)
  released.reject(new Error('given up'))
  await stopped
  never.reject(new Error('in vain'))
  await using second = await startServer({ dir })
  assert.deepEqual(await rowsOf(second, 'ended-late'), ['verifyAudits failed 503'])
  assert.deepEqual(await rowsOf(second, 'never-ended'), ['verifyAudits failed 503'])
  assert.ok(first.logLines.some(line => line.includes('left to themselves')))
  rmSync(dir, { recursive: true })
})
