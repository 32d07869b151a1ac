import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openRaw } from '../../../raw-client.test.ts'
import { adminKey, startServer, type TestServer } from '../../../started-server.test.ts'

const base = '/api/v2/buckets/holdfast/assets'
let server: TestServer

before(async () => {
  server = await startServer()
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

interface RawAnswer {
  readonly status: string
  readonly names: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly json: Record<string, unknown>
}

/** The answer as it goes over the wire; the pause parts the head from the body. */
async function put(path: string, body: string, ...more: string[]): Promise<RawAnswer> {
  const length = `Content-Length: ${Buffer.byteLength(body)}`
  const lines = [`PUT ${path} HTTP/1.1`, 'Host: x', `X-API-Key: ${adminKey}`, length, ...more]
  const client = openRaw(server.port)
  client.send(`${lines.join('\r\n')}\r\n\r\n`)
  await delay(20)
  const text = await client.ask(body)
  client.end()
  const [head = '', answer = ''] = text.split(/\r\n\r\n(.*)/s)
  const [status = '', ...fields] = head.split('\r\n')
  const pairs = fields.map(field => field.split(/: (.*)/s))
  const headers = Object.fromEntries(
    pairs.map(([name = '', value = '']) => [name.toLowerCase(), value]),
  )
  return { status, names: Object.keys(headers), headers, json: JSON.parse(answer) }
}

/** The framework sets the request id first, the direct answer last. */
function isDirect({ names }: RawAnswer): boolean {
  return names.indexOf('x-request-id') > names.indexOf('content-type')
}

const changing = new Set(['x-request-id', 'date', 'etag', 'location', 'content-length'])

function lasting({ headers }: RawAnswer): [string, string][] {
  return Object.entries(headers)
    .filter(([name]) => !changing.has(name))
    .sort()
}

test('a direct answer differs in nothing from the answer of the long way', async () => {
  for (const [key, type] of [
    ['plain.txt', 'Content-Type: text/plain'],
    ["odd/~a.!$&'()*+,;=:@-_", 'Content-Type: application/octet-stream'],
    ['untyped', 'User-Agent: test'],
  ] as const) {
    const direct = await put(`${base}/direct/${key}`, 'the same', type)
    // The empty query changes nothing but the way.
    const long = await put(`${base}/long/${key}?`, 'the same', type)
    assert.deepEqual([isDirect(direct), isDirect(long)], [true, false], key)
    assert.equal(direct.status, 'HTTP/1.1 201 Created')
    assert.equal(direct.status, long.status)
    assert.deepEqual(lasting(direct), lasting(long))
    assert.deepEqual(Object.keys(direct.json), Object.keys(long.json))
    for (const field of ['checksum', 'name', 'content_type', 'owner_id', 'service', 'created_by']) {
      assert.equal(direct.json[field], long.json[field], field)
    }
    assert.equal(direct.json.key, `direct/${key}`)
    const again = await put(`${base}/direct/${key}`, 'other bytes', type)
    assert.equal(again.status, 'HTTP/1.1 200 OK')
    assert.equal(again.json.current_version, 2)
    const { text } = await server.ask(`GET ${base}/direct/${encodeURI(key)}`)
    assert.equal(text, 'other bytes')
  }
  const empty = await put(`${base}/empty`, '')
  assert.deepEqual([isDirect(empty), empty.json.size], [true, 0])
})

test('what is unusual goes the long way', async () => {
  for (const [path, ...headers] of [
    [`${base}/u?name=other`],
    [`${base}/%C3%BC`],
    [`${base}/t`, 'If-None-Match: *'],
    [`${base}/v`, 'X-Metadata: {"a":1}'],
    [`${base}/w`, 'Accept-Encoding: gzip'],
    [`${base}/x`, 'X-Unknown: 1'],
    [`${base}/y`, 'Origin: http://elsewhere.example'],
  ] as const) {
    const answer = await put(path, 'bytes', ...headers)
    assert.match(answer.status, / 20[01] /, `${path} ${headers}`)
    assert.equal(isDirect(answer), false, `${path} ${headers}`)
  }
  const large = await put(`${base}/large`, 'x'.repeat(70_000))
  assert.deepEqual([isDirect(large), large.json.size], [false, 70_000])
})

test('what is refused after its body was read is refused with words', async () => {
  const answer = await put('/api/v2/buckets/no-such-bucket/assets/k', 'bytes')
  assert.equal(answer.status, 'HTTP/1.1 404 Not Found')
  assert.equal(answer.json.code, 'BUCKET_NOT_FOUND')
  const mismatch = await put(`${base}/false.png`, 'not a picture', 'Content-Type: image/png')
  assert.equal(mismatch.json.code, 'CONTENT_TYPE_MISMATCH')
  const found = await server.ask(`GET ${base}/false.png`)
  assert.equal(found.status, 404)
})

test('nothing is kept of a body that does not come, and the server goes on', async () => {
  const head = `PUT ${base}/half HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\n`
  await server.raw(`${head}Content-Length: 100\r\n\r\nhalf of it`, 50, 'FIN')
  assert.equal((await server.ask(`GET ${base}/half`)).status, 404)
  const two = `${head}Content-Length: 5\r\n\r\nfirst${head}Content-Length: 6\r\n\r\nsecond`
  const client = openRaw(server.port)
  const answers = await client.ask(two, 2)
  client.end()
  assert.deepEqual(answers.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 201', 'HTTP/1.1 200'])
  assert.equal((await server.ask(`GET ${base}/half`)).text, 'second')
})

/** Leaves as soon as the request is on its way, long before its write is durable. */
async function leaveAfter(request: string): Promise<void> {
  const socket = connect(server.port, '127.0.0.1')
  await new Promise<void>(resolve => {
    // The byte makes the connection Node's.
    socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: \xe9\r\n\r\n', 'latin1')
    socket.once('data', () => socket.end(request))
    socket.on('end', () => socket.destroy()).on('error', () => {})
    socket.on('close', resolve)
  })
}

test('who leaves before the answer is not counted as at work for ever', async () => {
  const { load } = server.running.context
  const lines = [`PUT ${base}/left HTTP/1.1`, 'Host: x', `X-API-Key: ${adminKey}`]
  const request = [...lines, 'Content-Length: 4', '', 'body'].join('\r\n')
  await Promise.all(Array.from({ length: 20 }, () => leaveAfter(request)))
  const recorded = () => server.logLines.filter(line => line.includes(`"path":"${base}/left"`))
  for (let wait = 0; wait < 500 && recorded().length < 20; wait += 1) await delay(10)
  assert.equal(recorded().length, 20)
  for (let wait = 0; wait < 500 && load.active > 0; wait += 1) await delay(10)
  assert.equal(load.active, 0)
})
