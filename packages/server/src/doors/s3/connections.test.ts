import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type S3TestServer, signedRequest, startS3 } from './started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /lines')).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

/** Writes the parts to a socket; numbers are waits. Resolves with what came back. */
async function raw(...parts: (string | Uint8Array | number)[]): Promise<string> {
  const socket = connect(Number(new URL(s3.url).port), '127.0.0.1')
  let text = ''
  const closed = new Promise<void>(resolve => {
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve())
  })
  for (const part of parts) {
    if (typeof part === 'number') await delay(part)
    else if (part === 'RST') socket.resetAndDestroy()
    else if (part === 'FIN') socket.end()
    else if (!socket.destroyed) socket.write(part)
  }
  await Promise.race([closed, delay(5000)])
  socket.destroy()
  return text
}

function head(line: string, more: string[], payload = 'UNSIGNED-PAYLOAD'): string {
  const { method, path, headers } = signedRequest(s3.host, line, { payload })
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`${method} ${path} HTTP/1.1`, ...lines, ...more, '', ''].join('\r\n')
}

test('100-continue is granted to who is let in, and to nobody else', async () => {
  const expects = ['Content-Length: 5', 'Expect: 100-continue']
  const good = await raw(head('PUT /lines/expected', expects), 200, 'hello', 300, 'FIN')
  assert.match(good, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
  // Botocore counts on it for empty bodies, too: else it reads the next answer wrongly.
  const empty = await raw(
    head('PUT /lines/empty', ['Content-Length: 0', expects[1] ?? '']),
    300,
    'FIN',
  )
  assert.match(empty, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
  const anonymous = `PUT /lines/x HTTP/1.1\r\nHost: ${s3.host}\r\n${expects.join('\r\n')}\r\n\r\n`
  const refused = await raw(anonymous, 300, 'FIN')
  assert.match(refused, /^HTTP\/1\.1 403 Forbidden/)
})

test('more than 5 GiB at once are refused before any of it is sent', async () => {
  const expects = [`Content-Length: ${5 * 1024 ** 3 + 1}`, 'Expect: 100-continue']
  const started = await s3.send('POST /lines/huge?uploads')
  const id = /<UploadId>([^<]+)/.exec(started.text)?.[1]
  for (const path of ['huge', `huge?partNumber=1&uploadId=${id}`]) {
    const refused = await raw(head(`PUT /lines/${path}`, expects), 300, 'FIN')
    assert.match(refused, /^HTTP\/1\.1 400 .*<Code>EntityTooLarge</s)
    assert.match(refused, /<ProposedSize>5368709121<.*<MaxSizeAllowed>5368709120</)
  }
  const type = 'Content-Type: multipart/form-data; boundary=b'
  const lines = ['POST /lines HTTP/1.1', `Host: ${s3.host}`, type, 'Content-Length: 5370000000']
  const form = await raw(`${lines.join('\r\n')}\r\n\r\n`, 300, 'FIN')
  assert.match(form, /^HTTP\/1\.1 400 .*<Code>EntityTooLarge</s)
})

test('what else is expected is nothing to mind, and a tunnel is refused in words', async () => {
  for (const expected of ['200', '', 'garbage', '200-ok']) {
    const more = ['Content-Length: 5', `Expect: ${expected}`, 'Connection: close']
    const line = `PUT /lines/expected-${expected}`
    assert.match(await raw(head(line, more), 'hello'), /^HTTP\/1\.1 200 OK/, expected)
  }
  const tunnel = await raw(`CONNECT x:443 HTTP/1.1\r\nHost: ${s3.host}\r\n\r\n`)
  assert.match(tunnel, /^HTTP\/1\.1 400 .*<Code>InvalidRequest</s)
})

test('a request without Host is refused in words, and nothing behind it is a request', async () => {
  const put = `${head('PUT /lines/behind', ['Content-Length: 1'])}x`
  // It ends by itself: the server closes the connection.
  const answer = await raw(`GET /lines/x HTTP/1.1\r\n\r\n${put}`)
  assert.equal(answer.match(/HTTP\/1\.1 \d/g)?.length, 1, answer)
  assert.match(answer, /^HTTP\/1\.1 400 .*connection: close.*<Message>Host is missing</is)
  assert.equal((await s3.send('HEAD /lines/behind')).status, 404)
  const old = await raw('GET / HTTP/1.0\r\n\r\n')
  assert.match(old, /^HTTP\/1\.1 403 /, 'HTTP/1.0 has no Host')
})

test('uploads that break off leave nothing and end nothing', async () => {
  for (const size of [10, 400_000, 2_000_000]) {
    for (const end of ['FIN', 'RST']) {
      const line = `PUT /lines/broken-${size}`
      await raw(head(line, [`Content-Length: ${size + 1}`]), Buffer.alloc(size), 30, end)
    }
    assert.equal((await s3.send(`HEAD /lines/broken-${size}`)).status, 404)
  }
  for (let wait = 0; wait < 100 && s3.server.temps().length > 0; wait += 1) await delay(20)
  assert.deepEqual(s3.server.temps(), [])
})

test('chunks that break off or lie leave nothing', async () => {
  const mode = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
  const signed = { 'x-amz-decoded-content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' }
  const bodies = [
    '5\r\nhel',
    '5\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n',
    '6\r\nhello!\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n',
  ]
  for (const body of bodies) {
    const options = { payload: mode, headers: signed, body }
    const answer = await s3.send('PUT /lines/chunks', options)
    assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${body}`)
    assert.equal((await s3.send('HEAD /lines/chunks')).status, 404)
  }
  const good = '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n'
  const answer = await s3.send('PUT /lines/chunks', { payload: mode, headers: signed, body: good })
  assert.equal(answer.status, 200, answer.text)
  assert.equal((await s3.send('GET /lines/chunks')).text, 'hello')
})

test('what is no request, or two in one, is refused in XML or cut', async () => {
  assert.match(
    await raw('nonsense\r\n\r\n', 100, 'FIN'),
    /^HTTP\/1\.1 400 .*<Code>InvalidRequest</s,
  )
  const host = `Host: ${s3.host}`
  const twice = await raw(`GET / HTTP/1.1\r\n${host}\r\n${host}\r\n\r\n`, 100, 'FIN')
  assert.match(twice, /^HTTP\/1\.1 400/)
  const coded = await raw(
    `PUT /lines/x HTTP/1.1\r\n${host}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    100,
    'FIN',
  )
  assert.match(coded, /^HTTP\/1\.1 (400|501)/)
})

test('a coding in HTTP/1.0 is refused, and nothing behind it is a request', async () => {
  const next = head('PUT /lines/behind', ['Content-Length: 0'])
  const lines = ['Connection: keep-alive', 'Transfer-Encoding: chunked']
  const old = head('PUT /lines/old', lines).replace('HTTP/1.1', 'HTTP/1.0')
  const answer = await raw(`${old}0\r\n\r\n${next}`)
  assert.match(answer, /^HTTP\/1\.1 400 .*<Code>InvalidRequest</s)
  assert.equal(answer.split('HTTP/1.1').length, 2, answer)
  for (const key of ['old', 'behind']) {
    assert.equal((await s3.send(`HEAD /lines/${key}`)).status, 404)
  }
})

test('a put without a length is asked for one', async () => {
  const line = head('PUT /lines/unmeasured', ['Transfer-Encoding: chunked'])
  assert.match(await raw(line, '5\r\nhello\r\n0\r\n\r\n', 200, 'FIN'), /MissingContentLength/)
  // HTTP takes silence for an empty body; AWS does not store one unasked.
  for (const path of ['unmeasured', 'unmeasured?partNumber=1&uploadId=x']) {
    const silent = await raw(head(`PUT /lines/${path}`, ['Connection: close']))
    assert.match(silent, /^HTTP\/1\.1 411 .*<Code>MissingContentLength</s)
  }
  const said = await raw(head('PUT /lines/said', ['Content-Length: 0', 'Connection: close']))
  assert.match(said, /^HTTP\/1\.1 200 /)
})

test('logs hold no secret and no signature', async () => {
  await s3.send('GET /lines/none', { auth: 'query' })
  await delay(50)
  const text = s3.server.logLines.join('')
  assert.match(text, /"door":"s3"/)
  assert.ok(!text.includes('X-Amz-Signature') && !text.includes('test-secret'))
})
