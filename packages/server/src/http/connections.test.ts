import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adminKey, owner, refused, startServer, type TestServer } from '../started-server.test.ts'

const base = '/api/v2/buckets/holdfast/assets'
let server: TestServer

before(async () => {
  server = await startServer({ env: { STORAGE_BODY_IDLE_TIMEOUT: '1' } })
})
after(async () => {
  await using closed = server
  assert.deepEqual(await closed.loose(), [], 'nothing of what was cut or refused is a file')
})

async function nothingLeft(key?: string): Promise<void> {
  for (let wait = 0; wait < 100 && server.temps().length > 0; wait += 1) await delay(20)
  assert.deepEqual(server.temps(), [])
  if (key === undefined) return
  refused(await server.ask(`GET ${base}/${key}`), 404, 'ASSET_NOT_FOUND')
}

const head = (method: string, path: string, ...lines: string[]) =>
  [`${method} ${path} HTTP/1.1`, 'Host: x', `X-API-Key: ${adminKey}`, ...lines, '', ''].join('\r\n')

const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(match => Number(match[1]))

test('a body that ends before its length is not stored', async () => {
  for (const size of [10, 1_000_000]) {
    for (const end of ['FIN', 'RST']) {
      const key = `cut-${size}-${end}`
      const put = head('PUT', `${base}/${key}`, `Content-Length: ${size + 1}`)
      await server.raw(put, Buffer.alloc(size), 50, end)
      await nothingLeft(key)
    }
  }
})

test('a chunked body that breaks off or is malformed is not stored', async () => {
  const put = (key: string) => head('PUT', `${base}/${key}`, 'Transfer-Encoding: chunked')
  await server.raw(put('chunks-cut'), '5\r\nhello\r\n', 50, 'FIN')
  await nothingLeft('chunks-cut')
  const bad = await server.raw(put('chunks-bad'), '5\r\nhello\r\nZZ\r\n', 50, 'FIN')
  assert.ok(
    statuses(bad).every(status => status === 400),
    bad,
  )
  await nothingLeft('chunks-bad')
  const huge = await server.raw(put('chunks-huge'), `${'f'.repeat(17)}\r\nx`, 50, 'FIN')
  assert.ok(
    statuses(huge).every(status => status === 400),
    huge,
  )
  await nothingLeft('chunks-huge')
})

test('bytes beyond the length are no part of the asset, and end the connection', async () => {
  const text = await server.raw(
    head('PUT', `${base}/beyond`, 'Content-Length: 5'),
    'hello and more',
  )
  assert.deepEqual(statuses(text), [201])
  assert.equal((await server.ask(`GET ${base}/beyond`)).text, 'hello')
})

test('contradicting lengths and other smuggling tricks are refused', async () => {
  const lines = [
    ['Content-Length: 5', 'Transfer-Encoding: chunked'],
    ['Content-Length: 5', 'Content-Length: 6'],
    ['Content-Length: -5'],
    ['Content-Length: 5x'],
    ['Content-Length: +5'],
    ['Content-Length: 5, 5'],
    ['Content-Length: 99999999999999999999999'],
    ['Transfer-Encoding: chunked, identity'],
    ['Transfer-Encoding: gzip'],
    ['Bad Header: x'],
    ['X-A: b\x0b\r', 'Content-Length: 5'],
    ['X-A: b', ' folded', 'Content-Length: 5'],
  ]
  for (const more of lines) {
    const text = await server.raw(head('PUT', `${base}/smuggled`, ...more), 'hello', 100, 'FIN')
    assert.ok(
      statuses(text).every(status => status >= 400 && status < 500),
      `${more}: ${text}`,
    )
    await nothingLeft('smuggled')
  }
  const bare = `GET / HTTP/1.1\nHost: x\n\n`
  assert.ok(statuses(await server.raw(bare, 50, 'FIN')).every(status => status < 500))
})

test('a put without a length is an empty asset', async () => {
  const text = await server.raw(head('PUT', `${base}/no-length`, 'Connection: close'))
  assert.deepEqual(statuses(text), [201])
  const got = await server.ask(`GET ${base}/no-length`)
  assert.deepEqual([got.status, got.bytes.length], [200, 0])
})

test('leave to send is given only after everything that can be refused before', async () => {
  const put = (path: string, ...lines: string[]) =>
    head('PUT', path, 'Expect: 100-continue', 'Connection: close', ...lines)
  const good = await server.raw(put(`${base}/expected`, 'Content-Length: 5'), 200, 'hello')
  assert.deepEqual(statuses(good), [100, 201])
  const stale = put(`${base}/expected`, 'Content-Length: 5', 'If-None-Match: *')
  assert.deepEqual(statuses(await server.raw(stale)), [412])
  const anonymous = stale.replace(adminKey, 'wrong-key-0123456789')
  assert.deepEqual(statuses(await server.raw(anonymous)), [401])
  const large = put(`${base}/expected`, `Content-Length: ${6 * 1024 ** 4}`)
  assert.deepEqual(statuses(await server.raw(large)), [413])
  const digest = put(`${base}/expected`, 'Content-Length: 5', 'Content-MD5: x')
  assert.deepEqual(statuses(await server.raw(digest)), [400])
  const bucket = put('/api/v2/buckets/absent/assets/x', 'Content-Length: 5')
  assert.deepEqual(statuses(await server.raw(bucket)), [404])
  const json = head(
    'POST',
    '/api/v2/buckets',
    'Expect: 100-continue',
    'Connection: close',
    'Content-Type: application/json',
    'Content-Length: 2',
  )
  assert.deepEqual(statuses(await server.raw(json, 200, '{}')), [100, 422])
  const odd = put(`${base}/expected`, 'Content-Length: 5').replace('100-continue', '200-maybe')
  assert.deepEqual(statuses(await server.raw(odd)), [417])
})

test('a client that stops sending is given up with 408', async () => {
  const started = performance.now()
  const put = head('PUT', `${base}/idle`, 'Content-Length: 100000')
  const text = await server.raw(put, Buffer.alloc(50_000))
  assert.deepEqual(statuses(text), [408])
  assert.match(text, /"code":"REQUEST_TIMEOUT"/)
  assert.ok(performance.now() - started < 15_000)
  await nothingLeft('idle')
})

test('a client that drips is given up as well', async () => {
  const put = head('PUT', `${base}/drip`, 'Content-Length: 100000')
  const drips = Array.from({ length: 40 }, () => ['x', 100] as const).flat()
  assert.deepEqual(statuses(await server.raw(put, ...drips)), [408])
  await nothingLeft('drip')
})

test('a steady slow body is taken', async () => {
  const parts = Array.from({ length: 12 }, () => [Buffer.alloc(2000, 'x'), 200] as const).flat()
  const put = head('PUT', `${base}/steady`, 'Content-Length: 24000', 'Connection: close')
  assert.deepEqual(statuses(await server.raw(put, ...parts)), [201])
})

test('a refusal reaches a client that is still sending', async () => {
  const form = head(
    'POST',
    '/api/v2/assets/upload',
    'Content-Type: multipart/form-data; boundary=XX',
    'Content-Length: 300000000',
  )
  const socket = connect(server.port, '127.0.0.1')
  const text = await new Promise<string>((resolve, reject) => {
    let received = ''
    socket.on('data', chunk => {
      received += chunk.toString('latin1')
    })
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
    socket.write(form)
    const chunk = Buffer.alloc(1024 * 1024)
    let sent = 0
    const more = () => {
      while (sent < 40 && socket.write(chunk)) sent += 1
      if (sent >= 40) socket.end()
      else sent += 1
    }
    socket.on('drain', more)
    more()
  })
  assert.deepEqual(statuses(text), [413])
  assert.match(text, /"code":"BODY_TOO_LARGE"/)
  assert.match(text, /connection: close/i)
  await nothingLeft()
})

test('a form that breaks off leaves nothing and harms nobody', async () => {
  const form =
    `--XX\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n` +
    `${'y'.repeat(400_000)}`
  const post = (length: number) =>
    head(
      'POST',
      '/api/v2/assets/upload',
      'Content-Type: multipart/form-data; boundary=XX',
      `Content-Length: ${length}`,
    )
  await server.raw(post(form.length + 100), form, 100, 'RST')
  await nothingLeft()
  await server.raw(post(form.length + 100), form, 100, 'FIN')
  await nothingLeft()
  const short = await server.raw(post(form.length), form, 200, 'FIN')
  assert.deepEqual(statuses(short), [400])
  await nothingLeft()
  assert.equal((await server.ask('GET /health/live')).status, 200)
})

test('two uploads of the same bytes, one of them aborted', async () => {
  const bytes = randomBytes(3 * 1024 * 1024)
  const put = head('PUT', `${base}/twin-aborted`, `Content-Length: ${bytes.length}`)
  const aborted = server.raw(put, bytes.subarray(0, 2 * 1024 * 1024), 100, 'RST')
  const whole = await server.ask(`PUT ${base}/twin-whole`, { body: bytes })
  await aborted
  assert.equal(whole.status, 201)
  await nothingLeft('twin-aborted')
  assert.ok((await server.ask(`GET ${base}/twin-whole`)).bytes.equals(bytes))
})

test('a reader that leaves frees what it held', async () => {
  const bytes = Buffer.alloc(32 * 1024 * 1024, 'r')
  await server.ask(`PUT ${base}/leaving`, { body: bytes })
  for (let round = 0; round < 5; round += 1) {
    await new Promise<void>((resolve, reject) => {
      const headers = { 'x-api-key': adminKey }
      request({ port: server.port, path: `${base}/leaving`, headers }, response => {
        response.once('data', () => response.destroy())
        response.on('close', () => resolve())
        response.on('error', () => {})
      })
        .on('error', reject)
        .end()
    })
  }
  for (let wait = 0; wait < 100 && server.running.context.load.active > 0; wait += 1)
    await delay(20)
  assert.equal(server.running.context.load.active, 0)
  const line = server.logLines.findLast(text => text.includes('"operation":"getByKey"')) ?? '{}'
  assert.equal(JSON.parse(line).status, 499)
})

test('a connection is used again after a refusal whose body was small', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const once = async (body: string) =>
    await new Promise<{ status: number | undefined; port: number | undefined }>(
      (resolve, reject) => {
        const headers = { 'x-api-key': adminKey, 'content-type': 'application/json' }
        const options = {
          agent,
          port: server.port,
          method: 'POST',
          path: '/api/v2/buckets',
          headers,
        }
        const sending = request(options, response => {
          const port = response.socket.localPort
          response.resume().on('end', () => resolve({ status: response.statusCode, port }))
        })
        sending.on('error', reject).end(body)
      },
    )
  const first = await once('{')
  const second = await once('{}')
  assert.deepEqual([first.status, second.status], [400, 422])
  assert.equal(first.port, second.port)
  agent.destroy()
})

test('garbage is answered or closed, and nothing falls over', async () => {
  for (const bytes of [
    'nonsense\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(70_000)}\r\n\r\n`,
    randomBytes(2000),
    '\x16\x03\x01\x02\x00\x01\x00',
  ]) {
    const text = await server.raw(bytes, 50, 'FIN')
    for (const status of statuses(text)) assert.ok(status >= 400 && status < 500, text)
  }
  assert.equal((await server.ask('GET /health/live')).status, 200)
})

test('a huge header section is told as such', async () => {
  const text = await server.raw(head('GET', '/', `X-Long: ${'a'.repeat(70_000)}`))
  assert.deepEqual(statuses(text), [431])
})

test('many requests on one connection answer in order', async () => {
  const put = `${head('PUT', `${base}/pipelined`, 'Content-Length: 3')}abc`
  const get = head('GET', `${base}/pipelined`)
  const last = head('GET', `${base}/pipelined`, 'Connection: close')
  const text = await server.raw(put + get + last)
  assert.deepEqual(statuses(text), [201, 200, 200])
})

test('an aborted form upload of a large file leaves nothing', async () => {
  const start = Buffer.concat([
    Buffer.from(
      `--XX\r\nContent-Disposition: form-data; name="owner_id"\r\n\r\n${owner}\r\n` +
        `--XX\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n`,
    ),
    randomBytes(2 * 1024 * 1024),
  ])
  const post = head(
    'POST',
    '/api/v2/assets/upload',
    'Content-Type: multipart/form-data; boundary=XX',
    'Transfer-Encoding: chunked',
  )
  const chunk = Buffer.concat([Buffer.from(`${start.length.toString(16)}\r\n`), start])
  await server.raw(post, chunk, 200, 'RST')
  await nothingLeft()
})

test('two hosts, and codings that are not chunked alone, are refused', async () => {
  const chunks = '5\r\nhello\r\n0\r\n\r\n'
  for (const [lines, body] of [
    [['Transfer-Encoding: gzip, chunked'], chunks],
    [['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'], chunks],
    [['Content-Length: 5', 'Host: other'], 'hello'],
  ] as const) {
    const put = head('PUT', `${base}/framed`, 'Connection: close', ...lines)
    assert.deepEqual(statuses(await server.raw(put, body)), [400], lines.join())
    await nothingLeft('framed')
  }
  const good = head('PUT', `${base}/framed`, 'Connection: close', 'Transfer-Encoding: Chunked')
  assert.deepEqual(statuses(await server.raw(good, chunks)), [201])
})

test('a coding in HTTP/1.0 is refused, and nothing behind it is a request', async () => {
  const key = 'behind-a-coding'
  const next = `${head('PUT', `${base}/${key}`, 'Content-Length: 1')}x`
  for (const body of ['0\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n']) {
    const lines = ['Connection: keep-alive', 'Transfer-Encoding: chunked']
    const put = head('PUT', `${base}/framed-old`, ...lines).replace('HTTP/1.1', 'HTTP/1.0')
    // It ends by itself: the server closes the connection.
    const answer = await server.raw(put + body + next)
    assert.deepEqual(statuses(answer), [400], answer)
    assert.match(answer, /connection: close/i)
    await nothingLeft('framed-old')
    await nothingLeft(key)
  }
})

test('nothing behind a request without Host is a request', async () => {
  const next = `${head('PUT', `${base}/behind-none`, 'Content-Length: 1')}x`
  const answer = await server.raw(`GET /health/live HTTP/1.1\r\n\r\n${next}`)
  assert.deepEqual(statuses(answer), [400], answer)
  await nothingLeft('behind-none')
})

test('bytes that are no request are never written into an answer that is on its way', async () => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'z')
  await server.ask(`PUT ${base}/in-flight`, { body })
  const text = await server.raw(head('GET', `${base}/in-flight`), 20, 'nonsense\r\n\r\n')
  // Where the answer was out before the nonsense came in, its own refusal may follow.
  assert.equal(statuses(text)[0], 200)
  const content = text.slice(text.indexOf('\r\n\r\n') + 4).slice(0, body.length)
  assert.match(content, /^z*$/)
})

test('what Node would refuse without a word is refused with a body like the rest', async () => {
  const cases = [
    ['GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'MALFORMED_REQUEST', 'host'],
    [
      head('PUT', `${base}/expects`, 'Expect: foo', 'Content-Length: 1', 'Connection: close'),
      417,
      'EXPECTATION_FAILED',
      'expect',
    ],
    ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 405, 'METHOD_NOT_ALLOWED', undefined],
  ] as const
  for (const [bytes, status, code, header] of cases) {
    const answer = await server.raw(bytes, 50, 'FIN')
    assert.deepEqual(statuses(answer), [status], answer)
    const problem = JSON.parse(answer.slice(answer.indexOf('{')))
    assert.equal(problem.code, code)
    assert.equal(problem.details.header, header)
    assert.ok(problem.request_id)
  }
  await nothingLeft('expects')
  const old = await server.raw('GET /health/live HTTP/1.0\r\n\r\n', 50, 'FIN')
  assert.deepEqual(statuses(old), [200], 'HTTP/1.0 has no Host')
  assert.equal((await server.ask('GET /health/live')).status, 200)
})

test('uploads that share reads of the socket keep their bytes', async () => {
  const bodies = [700_001, 300_000, 500, 999_999].map(size => randomBytes(size))
  const sent = bodies.flatMap((body, n) => [
    head('PUT', `${base}/piped-${n}`, `Content-Length: ${body.length}`),
    body,
  ])
  const parts = sent.map(part => (typeof part === 'string' ? Buffer.from(part) : part))
  assert.deepEqual(
    statuses(await server.raw(Buffer.concat(parts), 1500, 'FIN')),
    [201, 201, 201, 201],
  )
  for (const [n, body] of bodies.entries()) {
    const { bytes } = await server.ask(`GET ${base}/piped-${n}`)
    assert.ok(Buffer.from(bytes).equals(body), `${n}`)
  }
})
