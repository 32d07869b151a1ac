import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Disk, DiskStream } from '@holdfast/core/ports/disk.ts'
import { nodeDisk } from '@holdfast/drivers/disk/node-disk.ts'
import { openRaw } from '../../../raw-client.test.ts'
import { adminKey, startServer, type TestServer } from '../../../started-server.test.ts'

const base = '/api/v2/buckets/holdfast/assets'
const SEEN = 'http.server.request.start'
let server: TestServer
/** Requests that Node's parser has read. */
let parsed = 0
const count = () => {
  parsed += 1
}

before(async () => {
  server = await startServer()
  subscribe(SEEN, count)
  await server.ask(`PUT ${base}/plain.txt`, { body: 'plain' })
  await server.ask(`PUT ${base}/larger`, { body: Buffer.alloc(200_000, 'larger') })
})
after(async () => {
  unsubscribe(SEEN, count)
  await server[Symbol.asyncDispose]()
})

function head(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, 'Host: x', `X-API-Key: ${adminKey}`, ...fields, '', ''].join('\r\n')
}

/** The answers without what differs each time, and how many of the requests Node has read. */
async function answersTo(bytes: string, answers = 1) {
  const before = parsed
  const client = openRaw(server.port)
  const text = await client.ask(bytes, answers)
  client.end()
  const headEnd = text.indexOf('\r\n\r\n')
  const lasting = text
    .slice(0, headEnd)
    .replaceAll(/^(x-request-id|date|connection|keep-alive):.*\r\n/gim, '')
  return {
    text: lasting + text.slice(headEnd),
    statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(match => Number(match[1])),
    parsed: parsed - before,
  }
}

/** What a request leaves behind comes after its answer. */
async function settled(isSo: () => boolean): Promise<void> {
  for (let wait = 0; wait < 500 && !isSo(); wait += 1) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** Node takes it for text, and the quick way takes none of it. */
const NODES = 'X-A: \xe9'

test('plain requests are answered without Node, and all answers are the same', async () => {
  for (const method of ['GET', 'HEAD']) {
    for (const key of ['plain.txt', 'larger']) {
      for (const round of ['read', 'again', 'and again']) {
        const quick = await answersTo(head(`${method} ${base}/${key}`))
        const nodes = await answersTo(head(`${method} ${base}/${key}`, NODES))
        assert.deepEqual([quick.parsed, nodes.parsed], [0, 1], `${method} ${key} ${round}`)
        assert.deepEqual([quick.statuses, quick.text], [[200], nodes.text])
      }
    }
  }
})

test('the first reader of content waits for the disk and keeps its connection', async () => {
  const contents = ['a', 'b'.repeat(4096), 'c'.repeat(16 * 1024), 'd'.repeat(100_000)]
  for (const [at, body] of contents.entries()) {
    await server.ask(`PUT ${base}/first/${at}`, { body })
  }
  const before = parsed
  const client = openRaw(server.port)
  for (const [at, body] of [...contents.entries(), ...contents.entries()]) {
    const answer = await client.ask(head(`GET ${base}/first/${at}`))
    assert.ok(answer.startsWith('HTTP/1.1 200 ') && answer.endsWith(`\r\n\r\n${body}`))
  }
  client.end()
  assert.equal(parsed, before)
})

test('whatever is not plain is read by Node from its first byte on', async () => {
  const get = `GET ${base}/plain.txt`
  const plain = head(get)
  for (const [what, bytes, statuses] of [
    ['two at once', plain + plain, [200, 200]],
    ['closing', head(get, 'Connection: close'), [200]],
    ['range', head(get, 'Range: bytes=1-2'), [206]],
    ['condition', head(get, 'If-None-Match: *'), [304]],
    ['query', head(`${get}?`), [200]],
    ['unknown', head(`GET ${base}/absent`), [404]],
    ['wrong key', plain.replace(adminKey, 'wrong-key-0123456789'), [401]],
    ['two traces', head(get, 'traceparent: a', 'traceparent: b'), [200]],
    ['two hosts', head(get, 'Host: y'), [400]],
    ['no host', plain.replace('Host: x\r\n', ''), [400]],
    ['body', `${head(get, 'Content-Length: 2')}xy`, [200]],
    ['two codings', head(get, 'Content-Length: 2', 'Transfer-Encoding: chunked'), [400]],
    ['folded', head(get, 'X-A: b', ' c'), [400]],
    ['space before the colon', head(get, 'X-A : b'), [400]],
    ['bare line feed', plain.replace('Host: x\r\n', 'Host: x\n'), [400]],
    ['carriage return in a value', head(get, 'X-A: b\rc'), [400]],
    ['control in a value', head(get, 'X-A: b\0c'), [400]],
    ['blank in the path', plain.replace('plain.txt', 'plain txt'), [400]],
    ['no request', 'GET \r\n\r\n', [400]],
  ] as const) {
    const found = await answersTo(bytes, statuses.length)
    assert.deepEqual(found.statuses, statuses, what)
    assert.ok(found.parsed > 0 || statuses.some(status => status === 400), what)
  }
})

test('a head that comes in pieces is read whole, whoever reads it', async () => {
  const whole = head(`GET ${base}/plain.txt`)
  for (const at of [1, 4, 30, whole.length - 2]) {
    const client = openRaw(server.port)
    void client.ask(whole.slice(0, at), 0)
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.match(await client.ask(whole.slice(at)), /^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)+\r\nplain$/)
    assert.match(await client.ask(whole), /^HTTP\/1\.1 200 OK\r\n/)
    client.end()
  }
})

test('a connection is served on when it turns from one way to the other', async () => {
  const before = parsed
  const client = openRaw(server.port)
  assert.match(await client.ask(head(`GET ${base}/plain.txt`)), /\r\n\r\nplain$/)
  assert.equal(parsed, before)
  const put = `${head(`PUT ${base}/turn`, 'Content-Length: 3', NODES)}new`
  assert.match(await client.ask(put), /^HTTP\/1\.1 201 /)
  for (const time of [2, 3]) {
    assert.match(await client.ask(head(`GET ${base}/turn`)), /\r\n\r\nnew$/)
    assert.equal(parsed, before + time)
  }
  client.end()
})

test('a client that reads late gets every answer whole and in order', async () => {
  const socket = connect(server.port, '127.0.0.1')
  socket.pause()
  const requests = Array.from({ length: 60 }, (_, at) => (at % 2 === 0 ? 'larger' : 'plain.txt'))
  for (const key of requests) {
    socket.write(head(`GET ${base}/${key}`))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  const larger = Buffer.alloc(200_000, 'larger').toString('latin1')
  const expected = requests.map(key => (key === 'larger' ? larger : 'plain'))
  let text = ''
  for await (const chunk of socket) {
    text += chunk.toString('latin1')
    const last = text.length - text.lastIndexOf('\r\n\r\n') - 4
    if (text.split('HTTP/1.1 200 OK').length > expected.length && last === 5) break
  }
  const bodies = text.split(/HTTP\/1\.1 200 OK\r\n(?:.+\r\n)+\r\n/).slice(1)
  assert.deepEqual(
    bodies.map(body => body.length),
    expected.map(body => body.length),
  )
  assert.ok(bodies.every((body, at) => body === expected[at]))
})

test('log and metrics tell of it', async () => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const fields = [`traceparent: ${trace}`, 'X-Request-Id: quick-request-1']
  const found = await answersTo(head(`GET ${base}/plain.txt`, ...fields))
  assert.equal(found.parsed, 0)
  const line = server.logLines.find(text => text.includes('quick-request-1'))
  const { trace_id, parent_span_id, operation, status, bytes_out, path } = JSON.parse(line ?? '{}')
  assert.deepEqual(
    { trace_id, parent_span_id, operation, status, bytes_out, path },
    {
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      parent_span_id: 'b7ad6b7169203331',
      ...{ operation: 'getByKey', status: 200, bytes_out: 5, path: `${base}/plain.txt` },
    },
  )
  const { load } = server.running.context
  await settled(() => load.active === 0)
  assert.equal(load.active, 0)
})

test('a stop closes connections that wait, and lets an answer under way finish', async () => {
  const other = await startServer()
  await other.ask(`PUT ${base}/a`, { body: Buffer.alloc(200_000, 'a') })
  const idle = connect(other.port, '127.0.0.1')
  const served = connect(other.port, '127.0.0.1')
  const closed = [idle, served].map(socket => new Promise(resolve => socket.once('close', resolve)))
  let received = 0
  idle.resume()
  const answered = new Promise<void>(resolve => {
    served.on('data', chunk => {
      received += chunk.length
      if (received > 200_000) resolve()
    })
  })
  served.write(head(`GET ${base}/a`))
  await answered
  await other[Symbol.asyncDispose]()
  await Promise.all(closed)
})

/** A disk whose streams read nothing before they may. */
function slowDisk(): { disk: Disk; reading: Promise<void>; go: () => void } {
  const begun = Promise.withResolvers<void>()
  const may = Promise.withResolvers<void>()
  const slow = (stream: DiskStream): DiskStream => ({
    write: (bytes, position) => stream.write(bytes, position),
    read: async (into, position) => {
      begun.resolve()
      await may.promise
      return await stream.read(into, position)
    },
    readNow: (into, position) => stream.readNow(into, position),
    sync: () => stream.sync(),
    size: () => stream.size(),
    close: () => stream.close(),
  })
  const disk: Disk = {
    ...nodeDisk,
    openAsync: async (path, mode) => slow(await nodeDisk.openAsync(path, mode)),
  }
  return { disk, reading: begun.promise, go: may.resolve }
}

test('a stop waits for an answer whose bytes are still being read', async () => {
  const cases = [[200_000], [200_000, NODES], [4096], [4096, NODES]] as const
  for (const [size, ...fields] of cases) {
    const { disk, reading, go } = slowDisk()
    const other = await startServer({ disk, env: { STORAGE_SHUTDOWN_TIMEOUT: '60' } })
    await other.ask(`PUT ${base}/a`, { body: Buffer.alloc(size, 'a') })
    const client = openRaw(other.port)
    const answer = client.ask(head(`GET ${base}/a`, ...fields))
    await reading
    const { load } = other.running.context
    await settled(() => load.active === 1)
    assert.equal(load.active, 1)
    const stopped = other[Symbol.asyncDispose]()
    go()
    const text = await answer
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
    assert.ok(text.endsWith('a'.repeat(size)))
    client.end()
    await stopped
  }
})

test('a client that leaves while small bytes are read is told of, nothing is kept', async () => {
  const { disk, reading, go } = slowDisk()
  await using other = await startServer({ disk, env: { STORAGE_LOG_LEVEL: 'info' } })
  await other.ask(`PUT ${base}/left`, { body: 'left' })
  const { load } = other.running.context
  const socket = connect(other.port, '127.0.0.1').on('error', () => {})
  socket.write(head(`GET ${base}/left`, 'X-Request-Id: who-left-early'))
  await reading
  socket.resetAndDestroy()
  // The kernel tells the server of it in a turn of its own.
  await settled(() => load.active === 1)
  await new Promise(resolve => setTimeout(resolve, 50))
  go()
  const told = () => other.logLines.find(line => line.includes('who-left-early'))
  await settled(() => told() !== undefined && load.active === 0)
  assert.equal(load.active, 0)
  assert.equal(JSON.parse(told() ?? '{}').operation, 'getByKey')
  const client = openRaw(other.port)
  const text = await client.ask(head(`GET ${base}/left`) + head(`GET ${base}/left`), 2)
  assert.equal(text.match(/HTTP\/1\.1 200 OK\r\n(?:.+\r\n)+\r\nleft/g)?.length, 2)
  client.end()
})

test('damage that small bytes meet is told once, with the words of the long way', async () => {
  await using other = await startServer()
  const body = 'small bytes that are damaged'
  await other.ask(`PUT ${base}/harmed`, { body })
  const pack = join(other.dir, 'packs', '0000000001.tar')
  const at = readFileSync(pack).indexOf(body)
  assert.ok(at > 0)
  const file = openSync(pack, 'r+')
  writeSync(file, 'damaged', at)
  closeSync(file)
  for (const round of ['found', 'known']) {
    const client = openRaw(other.port)
    const text = await client.ask(head(`GET ${base}/harmed`))
    assert.match(text, /^HTTP\/1\.1 500 .*"BLOB_DAMAGED"/s, round)
    client.end()
  }
  assert.equal(readdirSync(join(other.dir, 'quarantine')).length, 1)
})
