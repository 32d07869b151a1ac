import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openRaw } from '../../../raw-client.test.ts'
import { adminKey, startServer, type TestServer } from '../../../started-server.test.ts'

const base = '/api/v2/buckets/holdfast/assets'
const sha = (content: string | Buffer) => createHash('sha256').update(content).digest('hex')
let server: TestServer

before(async () => {
  server = await startServer()
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

async function put(key: string, body: string, bucket = 'holdfast') {
  const answer = await server.ask(`PUT /api/v2/buckets/${bucket}/assets/${key}`, { body })
  assert.ok(answer.status < 300, answer.text)
  return answer.json
}

interface RawAnswer {
  readonly status: string
  readonly names: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The answer as it goes over the wire. */
async function rawly(line: string, ...more: string[]): Promise<RawAnswer> {
  const lines = [`${line} HTTP/1.1`, 'Host: x', `X-API-Key: ${adminKey}`, ...more, '', '']
  const client = openRaw(server.port)
  const text = await client.ask(lines.join('\r\n'))
  client.end()
  const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s)
  const [status = '', ...fields] = head.split('\r\n')
  const pairs = fields.map(field => field.split(/: (.*)/s))
  const headers = Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value]))
  return { status, names: Object.keys(headers), headers, body }
}

/** The framework sets the request id first, the direct answer last. */
function isDirect({ names }: RawAnswer): boolean {
  return names.indexOf('x-request-id') > names.indexOf('etag')
}

test('a direct answer differs in nothing from the answer of the long way', async () => {
  const { id } = await put('same/as.txt', 'the same')
  const odd = encodeURIComponent('ünï /%🎉')
  await put(odd, 'odd')
  await put('empty', '')
  await put('larger', 'x'.repeat(100_000))
  for (const path of [
    `${base}/same/as.txt`,
    `${base}/${odd}`,
    `${base}/empty`,
    `${base}/larger`,
    `/api/v2/assets/${id}/download`,
    `/api/v2/assets/${id.toUpperCase()}/download`,
  ]) {
    for (const method of ['GET', 'HEAD']) {
      // The bytes come from the disk first, and from memory of ours or of the system then.
      for (const round of ['read', 'held', 'held again']) {
        const direct = await rawly(`${method} ${path}`)
        // The empty query changes nothing but the way.
        const long = await rawly(`${method} ${path}?`)
        assert.deepEqual([isDirect(direct), isDirect(long)], [true, false], `${path} ${round}`)
        assert.equal(direct.status, 'HTTP/1.1 200 OK')
        assert.equal(direct.status, long.status)
        assert.equal(direct.body, long.body)
        assert.match(direct.headers['x-request-id'] ?? '', /^[\da-f]{8}-[\da-f]{4}-7/)
        const changing = { 'x-request-id': '', Date: '' }
        assert.deepEqual({ ...direct.headers, ...changing }, { ...long.headers, ...changing })
      }
    }
  }
})

/** Answers of one connection in order: each body as a digest. */
async function bodiesFrom(socket: Socket, count: number): Promise<string[]> {
  const bodies: string[] = []
  let rest = Buffer.alloc(0)
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const headEnd = rest.indexOf('\r\n\r\n') + 4
      const length = Number(/content-length: (\d+)/i.exec(rest.toString('latin1', 0, headEnd))?.[1])
      if (headEnd < 4 || !(rest.length >= headEnd + length)) break
      bodies.push(sha(rest.subarray(headEnd, headEnd + length)))
      rest = rest.subarray(headEnd + length)
    }
    if (bodies.length === count) break
  }
  return bodies
}

test('readers that stop, leave or hurry get no bytes of each other', async () => {
  const contents = Array.from({ length: 12 }, (_, number) =>
    Buffer.alloc(40_000 + 17_000 * number, `content ${number} `),
  )
  for (const [number, body] of contents.entries()) {
    const path = `PUT ${base}/lent/${number}`
    assert.equal((await server.ask(path, { body })).status, 201)
  }
  const expected = contents.map(sha)
  // They ask for megabytes, one by one, and read nothing, so that the kernel takes only a part.
  const stopped = Array.from({ length: 8 }, (_, reader) => {
    const numbers = Array.from({ length: 40 }, (_unused, at) => (reader + at) % 12)
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {}).pause()
    return { socket, numbers }
  })
  for (let at = 0; at < 40; at += 1) {
    for (const { socket, numbers } of stopped) {
      const line = `GET ${base}/lent/${numbers[at]} HTTP/1.1`
      socket.write(`${line}\r\nHost: x\r\nX-API-Key: ${adminKey}\r\n\r\n`)
    }
    // Sent together they would be answered the long way, but for the first.
    await delay(10)
  }
  const hurried = Array.from({ length: 8 }, async (_, reader) => {
    for (let at = 0; at < 36; at += 1) {
      const number = (reader + at) % 12
      const leaving = stopped[reader]
      if (at === 18 && reader % 2 === 0) leaving?.socket.destroy()
      const answer = await server.ask(`GET ${base}/lent/${number}`)
      assert.equal(sha(answer.text), expected[number])
    }
  })
  await Promise.all(hurried)
  for (const { socket, numbers } of stopped) {
    if (socket.destroyed) continue
    const bodies = await bodiesFrom(socket, numbers.length)
    assert.deepEqual(
      bodies,
      numbers.map(number => expected[number]),
    )
    socket.destroy()
  }
})

test('what is unusual or refused goes the long way and is answered there', async () => {
  await put('plain', 'plain text')
  const path = `GET ${base}/plain`
  for (const [header, status] of [
    ['Range: bytes=0-1', 206],
    ['If-None-Match: *', 304],
    ['If-Match: "x"', 412],
    ['If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT', 304],
    ['If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT', 412],
    ['Origin: http://localhost:3000', 200],
    ['Content-Length: 0', 200],
    ['Content-Encoding: gzip', 400],
    ['Host: again', 400],
    ['Connection: close', 200],
    ['Authorization: Basic eDp5', 401],
  ] as const) {
    const answer = await rawly(path, header)
    assert.equal(answer.status.slice(9, 12), String(status), header)
    assert.equal(isDirect(answer) && status === 200, false, header)
  }
  const wrong = await server.ask(path, { key: 'hf_wrong-key-0123456789' })
  assert.equal(wrong.status, 401)
  assert.equal((await server.ask(path, { key: null })).status, 401)
  assert.equal((await server.ask(`GET ${base}/absent`)).status, 404)
  assert.equal((await server.ask(`GET ${base}/%ff`)).status, 400)
  const bearer = { headers: { authorization: `Bearer ${adminKey}` }, key: null }
  assert.equal((await server.ask(path, bearer)).text, 'plain text')
})

test('an address with its host in front is the same address (RFC 9112 §3.2.2)', async () => {
  const { id } = await put('whole/address', 'found')
  for (const path of [`${base}/whole/address`, `/api/v2/assets/${id}/download`]) {
    for (const from of ['http://x', 'HTTPS://files.example:81']) {
      for (const query of ['', '?']) {
        const answer = await rawly(`GET ${from}${path}${query}`)
        assert.deepEqual([answer.status, answer.body], ['HTTP/1.1 200 OK', 'found'])
      }
    }
  }
  assert.match((await rawly('GET http://x')).body, /"status":"running"/)
  assert.match((await rawly('GET http://x?a')).body, /"status":"running"/)
  // The host of the address outweighs the header.
  const link = await rawly(`GET http://files.example:81/api/v2/assets/${id}/presigned-url`)
  assert.match(link.body, /"url":"http:\/\/files\.example:81\/api\//)
  for (const path of ['ftp://x/', 'http:/api/v2/assets', 'http://', 'x/api/v2/assets']) {
    assert.match((await rawly(`GET ${path}`)).status, /^HTTP\/1\.1 40[04] /, path)
  }
})

test('request ids, log and metrics are those of every request', async () => {
  await using logged = await startServer({ env: { STORAGE_LOG_LEVEL: 'info' } })
  await logged.ask(`PUT ${base}/told`, { body: '12345' })
  const headers = {
    'x-request-id': 'request-of-a-test',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  }
  const answer = await logged.ask(`GET ${base}/told`, { headers })
  assert.equal(answer.headers['x-request-id'], 'request-of-a-test')
  const metrics = await logged.ask('GET /metrics')
  assert.match(
    metrics.text,
    /http_requests_total\{method="GET",operation="getByKey",status="200"\} 1\n/,
  )
  assert.match(metrics.text, /storage_transfer_bytes_total\{direction="out"\} 5\n/)
  const line = logged.logLines.find(text => text.includes('request-of-a-test')) ?? ''
  const entry = JSON.parse(line)
  assert.deepEqual(
    [entry.operation, entry.status, entry.bytes_out, entry.trace_id, entry.path],
    ['getByKey', 200, 5, '0af7651916cd43dd8448eb211c80319c', `${base}/told`],
  )
})

test('a pipelined request waits for the answer before it', async () => {
  await put('first', 'first body')
  await put('second', 'second body')
  const get = (key: string, ...more: string[]) =>
    [`GET ${base}/${key} HTTP/1.1`, 'Host: x', `X-API-Key: ${adminKey}`, ...more, '', ''].join(
      '\r\n',
    )
  const order = ['first', 'second', 'absent', 'second', 'first']
  const text = await server.raw(
    order.map(key => get(key)).join(''),
    get('first', 'Connection: close'),
  )
  const bodies = [...text.matchAll(/first body|second body|ASSET_NOT_FOUND/g)].map(
    ([found]) => found,
  )
  assert.deepEqual(bodies, [
    ...['first body', 'second body', 'ASSET_NOT_FOUND'],
    ...['second body', 'first body', 'first body'],
  ])
  const broken = await server.raw(get('first'), 'no HTTP at all\r\n\r\n')
  assert.match(broken, /^HTTP\/1\.1 200 .*first bodyHTTP\/1\.1 400 /s)
})

test('every kind of change is seen by the very next read', async () => {
  const get = async (path: string, key: string | null = adminKey) => {
    const direct = await server.ask(`GET ${path}`, { key })
    const long = await server.ask(`GET ${path}?`, { key })
    assert.equal(direct.status, long.status)
    assert.deepEqual(direct.headers.etag, long.headers.etag)
    assert.deepEqual(direct.headers['content-disposition'], long.headers['content-disposition'])
    return direct
  }
  const path = `${base}/changing`
  const { id } = await put('changing', 'one')
  const byId = `/api/v2/assets/${id}/download`
  assert.equal((await get(path)).text, 'one')
  assert.equal((await get(byId)).text, 'one')
  await put('changing', 'two')
  assert.equal((await get(path)).text, 'two')
  assert.equal((await get(byId)).text, 'two')
  const versions = (await server.ask(`GET /api/v2/assets/${id}/versions`)).json.items
  const first = versions.find((version: { version_number: number }) => version.version_number === 1)
  const rolled = await server.ask(`POST /api/v2/assets/${id}/versions/${first.id}/rollback`, {
    json: {},
  })
  assert.ok(rolled.status < 300, rolled.text)
  assert.equal((await get(path)).text, 'one')
  const renamed = await server.ask(`PUT /api/v2/assets/${id}`, {
    json: { name: 'new.bin' },
  })
  assert.equal(renamed.status, 200, renamed.text)
  assert.match(String((await get(path)).headers['content-disposition']), /new\.bin/)
  const moved = await server.ask(`POST /api/v2/assets/${id}/move`, { json: { key: 'moved' } })
  assert.equal(moved.status, 200, moved.text)
  assert.equal((await get(path)).status, 404)
  assert.equal((await get(`${base}/moved`)).text, 'one')
  assert.equal((await server.ask(`DELETE ${base}/moved`)).status, 204)
  assert.equal((await get(`${base}/moved`)).status, 404)
  assert.equal((await get(byId)).status, 404)
  assert.equal((await server.ask(`PUT /api/v2/assets/${id}/restore`)).status, 200)
  assert.equal((await get(byId)).headers.etag, `"${sha('one')}"`)
})

test('access that is taken away or given is seen by the very next read', async () => {
  const { id } = await put('guarded', 'guarded')
  const path = `${base}/guarded`
  const made = await server.ask('POST /api/v2/keys', {
    json: { name: 'reader', permissions: ['assets:read'] },
  })
  const reader = made.json.key ?? made.json.secret
  const status = async (key: string | null) => {
    const direct = await server.ask(`GET ${path}`, { key })
    assert.equal(direct.status, (await server.ask(`GET ${path}?`, { key })).status)
    return direct.status
  }
  const acl = async (value: object | null) => {
    const answer = await server.ask(`PUT /api/v2/assets/${id}`, { json: { acl: value } })
    assert.equal(answer.status, 200, answer.text)
  }
  const publish = async (open: boolean) => {
    const json = { public_read: open }
    const answer = await server.ask('PUT /api/v2/buckets/holdfast', { json })
    assert.equal(answer.status, 200, answer.text)
  }
  assert.deepEqual([await status(reader), await status(null)], [200, 401])
  await publish(true)
  assert.equal(await status(null), 200)
  await acl({ read: [], write: [] })
  assert.deepEqual([await status(reader), await status(null)], [404, 404])
  await acl(null)
  assert.deepEqual([await status(reader), await status(null)], [200, 200])
  await publish(false)
  assert.equal(await status(null), 401)
  const id2 = made.json.id
  assert.ok((await server.ask(`DELETE /api/v2/keys/${id2}`)).status < 300)
  assert.equal(await status(reader), 401)
})

test('readers see at least the last write that was answered, whatever runs beside', async () => {
  const path = `${base}/contended`
  let answered = 0
  await put('contended', '0')
  const writer = async () => {
    for (let number = 1; number <= 60; number += 1) {
      await put('contended', String(number))
      answered = number
    }
  }
  const reader = async () => {
    while (answered < 60) {
      const least = answered
      const seen = Number((await server.ask(`GET ${path}`)).text)
      assert.ok(seen >= least, `${seen} after ${least} was answered`)
    }
  }
  await Promise.all([writer(), ...Array.from({ length: 8 }, reader)])
})

/** Leaves as soon as the request is on its way, before its content is read. */
async function leaveAfter(request: string): Promise<void> {
  const socket = connect(server.port, '127.0.0.1')
  await new Promise<void>(resolve => {
    // The byte makes the connection Node's.
    socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: \xe9\r\n\r\n', 'latin1')
    socket.once('data', () => socket.end(request))
    socket.on('end', () => socket.destroy()).on('error', () => {})
    socket.on('close', () => resolve())
  })
}

test('a reader that leaves while its content is read is logged', async () => {
  const { load } = server.running.context
  const body = 'r'.repeat(100_000)
  const keys = Array.from({ length: 40 }, (_, at) => `left-${at}`)
  for (const key of keys) await put(key, body + key)
  const lines = ['Host: x', `X-API-Key: ${adminKey}`, '', '']
  await Promise.all(
    keys.map(key => leaveAfter([`GET ${base}/${key} HTTP/1.1`, ...lines].join('\r\n'))),
  )
  const recorded = () => {
    const own = server.logLines.filter(line => line.includes('"operation":"getByKey"'))
    return new Set(own.map(line => /"path":"[^"]*(left-\d+)"/.exec(line)?.[1]).filter(Boolean))
  }
  for (let wait = 0; wait < 500 && recorded().size < keys.length; wait += 1) await delay(10)
  assert.equal(recorded().size, keys.length)
  for (let wait = 0; wait < 500 && load.active > 0; wait += 1) await delay(10)
  assert.equal(load.active, 0)
})
