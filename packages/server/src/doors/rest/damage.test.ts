import assert from 'node:assert/strict'
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adminKey, refused, startServer, type TestServer } from '../../started-server.test.ts'

const base = '/api/v2/buckets/holdfast/assets'
const MiB = 1024 * 1024

function blobFile(server: TestServer): string {
  const all = readdirSync(join(server.dir, 'blobs'), { recursive: true, withFileTypes: true })
  const [file] = all.filter(entry => entry.isFile())
  assert.ok(file)
  return join(file.parentPath, file.name)
}

function damage(path: string, at: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, 'damaged', at)
  closeSync(file)
}

test('damage at the start of a blob is a refusal with a code', async () => {
  await using server = await startServer()
  await server.ask(`PUT ${base}/x`, { body: Buffer.alloc(4 * MiB, 'a') })
  damage(blobFile(server), 10)
  const answer = await server.ask(`GET ${base}/x`)
  refused(answer, 500, 'BLOB_DAMAGED')
  const ranged = await server.ask(`GET ${base}/x`, { headers: { range: 'bytes=0-99' } })
  refused(ranged, 500, 'BLOB_DAMAGED')
  assert.equal(ranged.headers['content-range'], undefined)
  assert.deepEqual(answer.json.details, {})
  for (const name of ['etag', 'x-checksum', 'repr-digest', 'content-disposition']) {
    assert.equal(answer.headers[name], undefined, name)
  }
  const report = (await server.ask('POST /api/v2/admin/verify')).json
  assert.deepEqual([report.ok, report.damaged.length], [false, 1])
})

test('damage further on breaks the connection: wrong bytes are never a whole answer', async () => {
  await using server = await startServer()
  await server.ask(`PUT ${base}/x`, { body: Buffer.alloc(16 * MiB, 'a') })
  damage(blobFile(server), 12 * MiB)
  const received = await new Promise<{ size: number; complete: boolean; wrong: boolean }>(
    (resolve, reject) => {
      const headers = { 'x-api-key': adminKey }
      const options = { host: '127.0.0.1', port: server.port, path: `${base}/x`, headers }
      request(options, response => {
        let size = 0
        let wrong = false
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          wrong ||= chunk.includes('damaged')
        })
        response.on('error', () => {})
        response.on('close', () => resolve({ size, complete: response.complete, wrong }))
      })
        .on('error', reject)
        .end()
    },
  )
  assert.equal(received.complete, false)
  assert.equal(received.wrong, false)
  assert.ok(received.size < 16 * MiB)
  await delay(50)
  const failure = server.logLines.map(line => JSON.parse(line)).find(line => line.level === 'error')
  assert.equal(failure?.code, 'BLOB_DAMAGED')
  assert.equal((await server.ask(`GET ${base}/x`, { headers: { range: 'bytes=0-9' } })).status, 206)
})

test('missing bytes are told, and the rest of the store is served', async () => {
  await using server = await startServer()
  await server.ask(`PUT ${base}/lost`, { body: Buffer.alloc(MiB, 'l') })
  rmSync(blobFile(server))
  refused(await server.ask(`GET ${base}/lost`), 500, 'BLOB_MISSING')
  const headers = { range: 'bytes=0-9,20-29' }
  refused(await server.ask(`GET ${base}/lost`, { headers }), 500, 'BLOB_MISSING')
  assert.equal((await server.ask(`GET ${base}/lost?info=true`)).status, 200)
  await server.ask(`PUT ${base}/kept`, { body: 'kept' })
  assert.equal((await server.ask(`GET ${base}/kept`)).text, 'kept')
})

test('content that is put again replaces what was lost', async () => {
  await using server = await startServer()
  const body = Buffer.alloc(MiB, 'l')
  await server.ask(`PUT ${base}/lost`, { body })
  rmSync(blobFile(server))
  assert.equal((await server.ask(`PUT ${base}/lost`, { body })).status, 200)
  assert.equal((await server.ask(`GET ${base}/lost`)).bytes.length, MiB)
})

test('an archive with lost bytes breaks its connection, never the server', async () => {
  const harm = (at: number) => (path: string) => damage(path, at)
  for (const lose of [rmSync, harm(10), harm(MiB)]) {
    await using server = await startServer()
    const kept = await server.ask(`PUT ${base}/a.bin`, { body: Buffer.alloc(400, 'a') })
    const lost = await server.ask(`PUT ${base}/b.bin`, { body: Buffer.alloc(2 * MiB, 'b') })
    lose(blobFile(server))
    for (const format of ['zip', 'tar']) {
      for (const ids of [
        [kept.json.id, lost.json.id],
        [lost.json.id, kept.json.id],
      ]) {
        const asked = server.ask('POST /api/v2/assets/batch-download', { json: { ids, format } })
        const answered = await asked.catch(() => undefined)
        assert.notEqual(answered?.status, 200, format)
        assert.equal((await server.ask('GET /health/live')).status, 200)
      }
    }
    assert.ok(server.logLines.some(line => /"code":"BLOB_(DAMAGED|MISSING)"/.test(line)))
  }
})

test('writes end when the data directory goes away, and go on when it is back', async () => {
  await using server = await startServer({ env: { STORAGE_RESERVED_SPACE: '1MiB' } })
  await server.ask(`PUT ${base}/before`, { body: 'kept' })
  const away = `${server.dir}.away`
  renameSync(server.dir, away)
  try {
    // At once, while the store still remembers the free space, and after it looked again.
    for (const wait of [0, 400]) {
      await delay(wait)
      for (const body of [Buffer.from('small'), Buffer.alloc(3 * MiB)]) {
        refused(await server.ask(`PUT ${base}/lost`, { body }), 503, 'STORAGE_UNAVAILABLE')
      }
    }
    // Not even what brings no bytes: nobody would find it when the store is opened by its name.
    refused(await server.ask(`DELETE ${base}/before`), 503, 'STORAGE_UNAVAILABLE')
    assert.equal(existsSync(server.dir), false, 'no empty store is made in its place')
    // A copy has all names, but not the files that are open.
    cpSync(away, server.dir, { recursive: true })
    refused(await server.ask(`PUT ${base}/lost`, { body: 'copy' }), 503, 'STORAGE_UNAVAILABLE')
    refused(await server.ask(`DELETE ${base}/before`), 503, 'STORAGE_UNAVAILABLE')
  } finally {
    rmSync(server.dir, { recursive: true, force: true })
    renameSync(away, server.dir)
  }
  refused(await server.ask(`GET ${base}/lost`), 404, 'ASSET_NOT_FOUND')
  assert.equal((await server.ask(`GET ${base}/before`)).text, 'kept')
  assert.equal((await server.ask(`PUT ${base}/after`, { body: 'new' })).status, 201)
  assert.deepEqual(await server.loose(), [])
})
