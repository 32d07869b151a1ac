import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
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
})
after(async () => {
  unsubscribe(SEEN, count)
  await server[Symbol.asyncDispose]()
})

function head(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, 'Host: x', `X-API-Key: ${adminKey}`, ...fields, '', ''].join('\r\n')
}

function put(key: string, body: string, ...fields: string[]): string {
  return head(`PUT ${base}/${key}`, `Content-Length: ${body.length}`, ...fields) + body
}

/** A request that makes the connection Node's. */
const NODES = head('GET /health/live', 'X-A: \xe9')

async function answerTo(bytes: string, first?: string) {
  const client = openRaw(server.port)
  if (first !== undefined) await client.ask(first)
  const before = parsed
  const text = await client.ask(bytes)
  client.end()
  const [start = '', body = ''] = text.split(/\r\n\r\n(.*)/s)
  return { start, body, isNodes: parsed > before, text }
}

/** What has to differ between two puts, by what it stands for. */
function lasting({ start, body }: { readonly start: string; readonly body: string }): string {
  const { id, version_id, record_etag, created_at, updated_at, content_updated_at } =
    JSON.parse(body)
  const found: Record<string, string> = { id, version_id, created_at, updated_at }
  Object.assign(found, { content_updated_at, record_etag: JSON.stringify(record_etag) })
  assert.equal(/content-length: (\d+)/i.exec(start)?.[1], String(body.length))
  let text = `${start}\r\n\r\n${body}`
  for (const [name, value] of Object.entries(found)) text = text.replaceAll(value, name)
  // Node answers in another order.
  const lines = text
    .replaceAll(/^(x-request-id|date|content-length): .*$/gim, '$1')
    .toLowerCase()
    .split('\r\n')
  return [...lines.slice(0, -1).sort(), lines.at(-1)].join('\n')
}

/** What a request leaves behind comes after its answer. */
async function settled(isSo: () => boolean): Promise<void> {
  for (let wait = 0; wait < 500 && !isSo(); wait += 1) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

test('the three ways give the same answer to the same put', async () => {
  const bodies = ['', 'plain', 'x'.repeat(4096), '\xff'.repeat(65_536)]
  for (const [at, body] of bodies.entries()) {
    const fields = ['Content-Type: application/octet-stream', 'X-Request-Id: the-same-for-all']
    for (const round of ['created', 'replaced', 'unchanged']) {
      const content = round === 'created' ? body : `${body.slice(1)}!`
      const key = (way: number) => `w${way}/${at}.bin`
      const quick = await answerTo(put(key(1), content, ...fields))
      const direct = await answerTo(put(key(2), content, ...fields), NODES)
      const long = await answerTo(put(key(3), content, ...fields, 'X-Unknown: 1'))
      // A long one comes in pieces, and on a busy machine too slowly for the quick way.
      if (body.length < 8192) assert.equal(quick.isNodes, false, round)
      assert.deepEqual([direct.isNodes, long.isNodes], [true, true])
      const same = (answer: typeof quick, way: number) =>
        lasting(answer).replaceAll(`w${way}/`, 'w/')
      assert.equal(same(quick, 1), same(direct, 2), round)
      assert.equal(same(quick, 1), same(long, 3), round)
      const { text } = await answerTo(head(`GET ${base}/${key(1)}`))
      assert.ok(text.endsWith(`\r\n\r\n${content}`), round)
    }
  }
})

test('whatever is not plain is read by Node from its first byte on', async () => {
  const plain = put('unusual', 'body')
  for (const [what, bytes, status] of [
    ['two lengths', put('u', 'body', 'Content-Length: 4'), 400],
    ['two other lengths', put('u', 'body', 'Content-Length: 3'), 400],
    ['signed length', plain.replace('Length: 4', 'Length: +4'), 400],
    ['list of lengths', plain.replace('Length: 4', 'Length: 4, 4'), 400],
    ['length in hex', plain.replace('Length: 4', 'Length: 0x4'), 400],
    ['coding and length', put('u', 'body', 'Transfer-Encoding: chunked'), 400],
    ['folded length', plain.replace('Length: 4', 'Length:\r\n 4'), 400],
    ['space before the colon', plain.replace('Length: 4', 'Length : 4'), 400],
    ['bare line feed', plain.replace('Host: x\r\n', 'Host: x\n'), 400],
    ['carriage return', put('u', 'body', 'Accept: b\rContent-Length: 3'), 400],
    ['control', put('u', 'body', 'Accept: b\0c'), 400],
    ['two hosts', put('u', 'body', 'Host: y'), 400],
    ['no host', plain.replace('Host: x\r\n', ''), 400],
    ['no length', head(`PUT ${base}/none`), 201],
    ['old version', plain.replace('HTTP/1.1', 'HTTP/1.0'), 201],
    ['closing', put('closing', 'body', 'Connection: close'), 201],
    ['condition', put('closing', 'other', 'If-None-Match: *'), 412],
    ['query', plain.replace('/unusual ', '/query? '), 201],
    ['escape', plain.replace('/unusual ', '/%C3%BC '), 201],
    ['wrong key', plain.replace(adminKey, 'wrong-key-0123456789'), 401],
    ['no bucket', plain.replace('/holdfast/', '/no-such-bucket/'), 404],
    ['false picture', put('a.png', 'no picture', 'Content-Type: image/png'), 422],
    ['large', put('large', 'x'.repeat(65_537)), 201],
  ] as const) {
    const found = await answerTo(bytes)
    assert.match(found.start, new RegExp(`^HTTP/1\\.1 ${status} `), what)
    assert.ok(found.isNodes || status === 400, what)
  }
  const { load } = server.running.context
  await settled(() => load.active === 0)
  assert.equal(load.active, 0)
})

test('a body that comes in pieces is taken whole, whoever reads it', async () => {
  const body = 'in pieces '.repeat(500)
  const whole = put('pieces', body, 'Content-Type: application/octet-stream')
  const headEnd = whole.indexOf('\r\n\r\n') + 4
  for (const at of [1, headEnd - 1, headEnd, headEnd + 1, whole.length - 1]) {
    const client = openRaw(server.port)
    client.send(whole.slice(0, at))
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.match(await client.ask(whole.slice(at)), /^HTTP\/1\.1 20[01] /, `${at}`)
    const read = await client.ask(head(`GET ${base}/pieces`))
    assert.ok(read.endsWith(`\r\n\r\n${body}`))
    client.end()
  }
})

test('what follows a body is the next request, also one that was sent too early', async () => {
  const client = openRaw(server.port)
  const first = put('next', 'first')
  const all = [first, put('next', 'second'), head(`GET ${base}/next`)].join('')
  const answers = await client.ask(all, 3)
  assert.deepEqual(
    answers.match(/HTTP\/1\.1 \d+/g),
    [201, 200, 200].map(n => `HTTP/1.1 ${n}`),
  )
  assert.ok(answers.endsWith('\r\n\r\nsecond'))
  client.end()
  // The rest of a body, and with it another request that only looks like one of its own.
  const other = openRaw(server.port)
  const { load } = server.running.context
  await settled(() => load.active === 0)
  other.send(first.slice(0, -2))
  await settled(() => load.active === 1)
  const both = await other.ask(`st${put('next', 'third')}`, 2)
  assert.deepEqual(both.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200'])
  assert.ok((await other.ask(head(`GET ${base}/next`))).endsWith('\r\n\r\nthird'))
  other.end()
})

test('requests that come while one is stored wait for its answer', async () => {
  const client = openRaw(server.port)
  for (const body of ['one', 'two']) {
    client.send(put('order', body))
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  const answers = await client.ask(head(`GET ${base}/order`), 3)
  assert.ok(answers.endsWith('\r\n\r\ntwo'))
  client.end()
})

test('a body that is cut or stays away leaves nothing behind', async () => {
  const { load } = server.running.context
  await settled(() => load.active === 0)
  const half = put('half', 'a body of some length').slice(0, -5)
  for (const end of ['FIN', 'RST'] as const) {
    const socket = connect(server.port, '127.0.0.1').on('error', () => {})
    let text = ''
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk
    })
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.write(half)
    await settled(() => load.active === 1)
    if (end === 'FIN') socket.end()
    else socket.resetAndDestroy()
    await closed
    await settled(() => load.active === 0)
    assert.equal(load.active, 0)
    if (end === 'FIN') assert.match(text, /^HTTP\/1\.1 400 /)
  }
  // One that only takes its time is received by Node, and stored.
  const before = parsed
  const client = openRaw(server.port)
  client.send(half)
  await settled(() => parsed > before)
  assert.match(await client.ask('ength'), /^HTTP\/1\.1 201 /)
  client.end()
})

test('log and metrics tell of it', async () => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const fields = [`traceparent: ${trace}`, 'X-Request-Id: quick-put-request-1']
  const found = await answerTo(put('told', 'seven!!', ...fields))
  assert.equal(found.isNodes, false)
  const told = () => server.logLines.find(text => text.includes('quick-put-request-1'))
  await settled(() => told() !== undefined)
  const { trace_id, parent_span_id, operation, status, bytes_in, bytes_out, path } = JSON.parse(
    told() ?? '{}',
  )
  assert.deepEqual(
    { trace_id, parent_span_id, operation, status, bytes_in, bytes_out, path },
    {
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      parent_span_id: 'b7ad6b7169203331',
      ...{ operation: 'putByKey', status: 201, bytes_in: 7, bytes_out: 0, path: `${base}/told` },
    },
  )
})

test('a stop lets a put under way finish', async () => {
  const other = await startServer({ env: { STORAGE_SHUTDOWN_TIMEOUT: '60' } })
  const { load } = other.running.context
  const whole = put('stop', 'a body')
  const client = openRaw(other.port)
  client.send(whole.slice(0, -1))
  await settled(() => load.active === 1)
  const stopped = other[Symbol.asyncDispose]()
  assert.match(await client.ask(whole.slice(-1)), /^HTTP\/1\.1 (201|503) /)
  client.end()
  await stopped
})
