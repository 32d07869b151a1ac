import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { openRaw, type RawClient } from '../../../raw-client.test.ts'
import { type S3TestServer, type SendOptions, signedRequest, startS3 } from '../started-s3.test.ts'

const SEEN = 'http.server.request.start'
let s3: S3TestServer
let port: number
/** Requests that Node's parser has read. */
let parsed = 0
const count = () => {
  parsed += 1
}

before(async () => {
  s3 = await startS3({ env: { STORAGE_S3_DOMAINS: 's3.example.org' } })
  port = Number(s3.host.split(':')[1])
  assert.equal((await s3.send('PUT /quick')).status, 200)
  subscribe(SEEN, count)
})
after(async () => {
  unsubscribe(SEEN, count)
  await s3[Symbol.asyncDispose]()
})

const load = () => s3.server.running.context.load

/** As a client writes it, with lines of its own behind those that it signed. */
function put(target: string, body: string, options: SendOptions = {}, ...lines: string[]): string {
  const bytes = Buffer.from(body, 'latin1')
  const { path, headers } = signedRequest(s3.host, `PUT ${target}`, { body: bytes, ...options })
  const signed = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const length = `Content-Length: ${body.length}`
  return `${[`PUT ${path} HTTP/1.1`, ...signed, length, ...lines, '', ''].join('\r\n')}${body}`
}

async function answerTo(bytes: string, client: RawClient = openRaw(port)) {
  const before = parsed
  const text = await client.ask(bytes)
  client.end()
  const lasting = text.replaceAll(/^(x-amz-request-id|x-amz-id-2|date):.*$/gim, '$1')
  const status = Number(/HTTP\/1\.1 (\d{3})/.exec(text)?.[1])
  return { text, lasting, status, isNodes: parsed > before }
}

async function contentOf(key: string): Promise<string | number> {
  const { status, bytes } = await s3.send(`GET /quick/${key}`)
  return status === 200 ? bytes.toString('latin1') : status
}

/** What a request leaves behind comes after its answer. */
async function settled(isSo: () => boolean): Promise<void> {
  for (let wait = 0; wait < 500 && !isSo(); wait += 1) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

const hashOf = (name: string, body: string, encoding: 'hex' | 'base64') =>
  createHash(name).update(Buffer.from(body, 'latin1')).digest(encoding)
const unsigned = { payload: 'UNSIGNED-PAYLOAD' } as const

test('both ways give the same answer to the same put, and store the same', async () => {
  const bodies = ['', 'plain', 'x'.repeat(4096), '\xff\0'.repeat(32_768)]
  for (const [at, body] of bodies.entries()) {
    const digests = {
      'content-md5': hashOf('md5', body, 'base64'),
      'x-amz-checksum-sha256': hashOf('sha256', body, 'base64'),
      'x-amz-sdk-checksum-algorithm': 'SHA256',
    }
    const described = { 'content-type': 'text/x-odd', 'x-amz-meta-colour': 'blue' }
    const kept = {
      'cache-control': 'no-cache',
      'content-disposition': 'attachment',
      'content-language': 'de',
    }
    const kinds: readonly SendOptions[] = [
      {},
      unsigned,
      { headers: { ...digests, ...described } },
      { headers: { ...kept, 'x-amz-storage-class': 'STANDARD' } },
      { headers: { 'x-amz-storage-class': 'STANDARD_IA' } },
    ]
    for (const [kind, options] of kinds.entries()) {
      for (const mark of ['', '?x-id=PutObject']) {
        const key = `${at}-${kind}${mark === '' ? '' : '-marked'}`
        const quick = await answerTo(put(`/quick/q${key}${mark}`, body, options))
        const long = await answerTo(put(`/quick/l${key}${mark}`, body, options, 'X-Unknown: 1'))
        // A long one comes in pieces, and on a busy machine too slowly for the quick way.
        if (body.length < 8192) assert.equal(quick.isNodes, false, key)
        assert.equal(long.isNodes, true)
        assert.equal(quick.status, 200, quick.text)
        assert.equal(quick.lasting, long.lasting, key)
        assert.equal(await contentOf(`q${key}`), body)
        const [one, other] = await Promise.all(
          ['q', 'l'].map(way => s3.send(`HEAD /quick/${way}${key}`)),
        )
        const headers: Record<string, string> = { ...options.headers }
        for (const name of ['etag', 'content-length', ...Object.keys({ ...described, ...kept })]) {
          assert.equal(one?.headers[name], other?.headers[name], name)
          if (headers[name] !== undefined) assert.equal(one?.headers[name], headers[name], name)
        }
        const stored = headers['x-amz-storage-class'] === 'STANDARD_IA' ? 'STANDARD_IA' : undefined
        for (const head of [one, other]) {
          assert.equal(head?.headers['x-amz-storage-class'], stored)
        }
      }
    }
  }
})

test('the client of AWS and a host that names the bucket are answered without Node', async () => {
  const before = parsed
  for (let run = 0; run < 2; run += 1) {
    const input = { Bucket: 'quick', Key: 'sdk', Body: `run ${run}`, ContentType: 'text/plain' }
    const stored = await s3.client.send(new PutObjectCommand(input))
    assert.equal(stored.ETag, `"${hashOf('md5', input.Body, 'hex')}"`)
  }
  assert.equal(parsed, before)
  assert.equal(await contentOf('sdk'), 'run 1')
  const hosted = put('/hosted', 'hosted', { headers: { host: 'quick.s3.example.org' } })
  const { status, isNodes } = await answerTo(hosted)
  assert.deepEqual([status, isNodes], [200, false])
  assert.equal(await contentOf('hosted'), 'hosted')
})

test('whatever is not plain is read by Node from its first byte on', async () => {
  const plain = put('/quick/u', 'body')
  const signed = (headers: Record<string, string>, key = 'u') =>
    put(`/quick/${key}`, 'body', { headers })
  const streaming = { payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }
  for (const [what, bytes, status] of [
    ['two lengths', put('/quick/u', 'body', {}, 'Content-Length: 4'), 400],
    ['two other lengths', put('/quick/u', 'body', {}, 'Content-Length: 3'), 400],
    ['signed length', plain.replace('Length: 4', 'Length: +4'), 400],
    ['list of lengths', plain.replace('Length: 4', 'Length: 4, 4'), 400],
    ['length in hex', plain.replace('Length: 4', 'Length: 0x4'), 400],
    ['coding and length', put('/quick/u', 'body', {}, 'Transfer-Encoding: chunked'), 400],
    ['folded length', plain.replace('Length: 4', 'Length:\r\n 4'), 400],
    ['space before the colon', plain.replace('Length: 4', 'Length : 4'), 400],
    ['bare line feed', plain.replace('\r\nx-amz-date', '\nx-amz-date'), 400],
    ['control', put('/quick/u', 'body', {}, 'Accept: b\0c'), 400],
    ['two hosts', put('/quick/u', 'body', {}, 'Host: y'), 400],
    ['no host', plain.replace(/host: .*\r\n/, ''), 400],
    ['no length', put('/quick/u', '').replace('Content-Length: 0\r\n', ''), 411],
    ['old version', plain.replace('HTTP/1.1', 'HTTP/1.0'), 200],
    ['closing', put('/quick/u', 'body', {}, 'Connection: close'), 200],
    ['condition', put('/quick/u', 'body', {}, 'If-None-Match: *'), 412],
    ['an unknown storage class', signed({ 'x-amz-storage-class': 'ATTIC' }), 400],
    ['a copy', signed({ 'x-amz-copy-source': '/quick/u' }, 'copied'), 200],
    ['an access list', signed({ 'x-amz-acl': 'private' }), 200],
    ['tags', signed({ 'x-amz-tagging': 'a=b' }), 200],
    ['a lock', signed({ 'x-amz-object-lock-legal-hold': 'ON' }), 400],
    ['encryption', signed({ 'x-amz-server-side-encryption': 'AES256' }), 200],
    ['owner', signed({ 'x-amz-expected-bucket-owner': 'x' }), 403],
    ['framed', put('/quick/u', 'body', streaming), 411],
    ['coded', signed({ 'content-encoding': 'gzip' }), 200],
    ['origin', put('/quick/u', 'body', {}, 'Origin: https://example.org'), 200],
    ['forwarded', put('/quick/u', 'body', {}, 'X-Forwarded-For: 10.0.0.1'), 200],
    ['traced', put('/quick/u', 'body', {}, 'traceparent: 00-1-2-01'), 200],
    ['another mark', put('/quick/u?x-id=UploadPart', 'body'), 200],
    ['the mark of a read', put('/quick/u?x-id=GetObject', 'body'), 200],
    ['another operation', put('/quick/u?tagging', 'body'), 400],
    ['a link', put('/quick/u', 'body', { auth: 'query' }), 200],
    ['nobody', put('/quick/nobody', 'body', { auth: 'none' }), 403],
    ['no bucket', put('/no-such-bucket/u', 'body'), 404],
    ['the bucket', put('/quick', '', {}, 'X-A: 1'), 200],
    [
      'two checksums',
      signed({ 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-sha1': 'x' }),
      400,
    ],
    ['large', put('/quick/large', 'x'.repeat(65_537)), 200],
  ] as const) {
    const found = await answerTo(bytes)
    assert.equal(found.status, status, `${what}: ${found.text}`)
    assert.ok(found.isNodes || status === 400, what)
  }
  assert.equal(await contentOf('nobody'), 404)
  await settled(() => load().active === 0)
  assert.equal(load().active, 0)
})

test('no signature and no digest opens anything but what it was made for', async () => {
  const good = put('/quick/wrong', 'body')
  const signature = /Signature=(\w+)/.exec(good)?.[1] ?? ''
  const other = signature.replace(/^./, digit => (digit === '0' ? '1' : '0'))
  const [date = ''] = /x-amz-date: .*\r\n/.exec(good) ?? []
  const digest = hashOf('sha256', 'body', 'hex')
  const wrongDigest = hashOf('sha256', 'else', 'hex')
  const mark = '?x-id=PutObject'
  for (const [what, bytes, status] of [
    ['a wrong digit', good.replace(signature, other), 403],
    ['capitals', good.replace(signature, signature.toUpperCase()), 403],
    ['another key', put('/quick/right', 'body').replace('/right', '/wrong'), 403],
    ['another body', good.replace(/body$/, 'else'), 400],
    ['another digest', good.replace(digest, wrongDigest).replace(/body$/, 'else'), 403],
    ['an unsigned body', good.replace(digest, 'UNSIGNED-PAYLOAD'), 403],
    ['a digest of another', put('/quick/wrong', 'body', { payload: wrongDigest }), 400],
    ['a mark that is not signed', good.replace('/wrong ', `/wrong${mark} `), 403],
    ['a mark less', put(`/quick/wrong${mark}`, 'body').replace(mark, ''), 403],
    ['metadata that is not signed', put('/quick/wrong', 'body', {}, 'x-amz-meta-a: b'), 403],
    ['a checksum that is not', put('/quick/wrong', 'body', {}, 'x-amz-checksum-crc32: A'), 403],
    ['a header twice', put('/quick/wrong', 'body', {}, date.trim()), 403],
    ['an old one', put('/quick/wrong', 'body', { timeMs: Date.now() - 16 * 60_000 }), 403],
    ['of nobody', put('/quick/wrong', 'body', { key: { id: 'NOBODY', secret: 'x' } }), 403],
    ['another region', put('/quick/wrong', 'body', { region: 'mars' }), 400],
    ...['content-md5', 'x-amz-checksum-sha256'].map(name => {
      const value = hashOf(name === 'content-md5' ? 'md5' : 'sha256', 'else', 'base64')
      return [name, put('/quick/wrong', 'body', { headers: { [name]: value } }), 400] as const
    }),
  ] as const) {
    // On a connection that has seen a good one: what it knows of that must not stand for this one.
    const client = openRaw(port)
    assert.match(await client.ask(put('/quick/good', 'body')), /^HTTP\/1\.1 200 OK\r\n/, what)
    const found = await answerTo(bytes, client)
    assert.deepEqual([found.status, found.isNodes], [status, true], `${what}: ${found.text}`)
    assert.equal(await contentOf('wrong'), 404, what)
  }
})

test('a bucket with versions, rules or a lock is served the long way', async () => {
  const versioned = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
  const encrypted =
    '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>' +
    '<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>' +
    '</ServerSideEncryptionConfiguration>'
  const policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: {
      ...{ Effect: 'Deny', Principal: '*', Action: 's3:PutObject' },
      Resource: 'arn:aws:s3:::special-policy/*',
      Condition: { StringEquals: { 's3:x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
    },
  })
  for (const [what, body, header, status] of [
    ['versioning', versioned, /^x-amz-version-id: /m, 200],
    ['encryption', encrypted, /^x-amz-server-side-encryption: AES256/m, 200],
    ['policy', policy, /AccessDenied/, 403],
  ] as const) {
    await s3.send(`PUT /special-${what}`)
    const made = await s3.send(`PUT /special-${what}?${what}`, { body })
    assert.ok(made.status < 300, made.text)
    const found = await answerTo(put(`/special-${what}/a`, 'body', unsigned))
    assert.deepEqual([found.status, found.isNodes], [status, true], what)
    assert.match(found.text, header)
  }
})

test('a body that comes in pieces is taken whole; what follows is the next request', async () => {
  const body = 'in pieces '.repeat(500)
  const whole = put('/quick/pieces', body)
  const headEnd = whole.indexOf('\r\n\r\n') + 4
  for (const at of [1, headEnd - 1, headEnd, headEnd + 1, whole.length - 1]) {
    const client = openRaw(port)
    client.send(whole.slice(0, at))
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.match(await client.ask(whole.slice(at)), /^HTTP\/1\.1 200 /, `${at}`)
    assert.equal(await contentOf('pieces'), body)
    client.end()
  }
  const client = openRaw(port)
  const both = put('/quick/next', 'first') + put('/quick/next', 'second')
  assert.equal((await client.ask(both, 2)).match(/HTTP\/1\.1 200/g)?.length, 2)
  client.end()
  assert.equal(await contentOf('next'), 'second')
})

test('a body that is cut leaves nothing behind', async () => {
  await settled(() => load().active === 0)
  const half = put('/quick/half', 'a body of some length').slice(0, -5)
  for (const end of ['FIN', 'RST'] as const) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    let text = ''
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk
    })
    const closed = new Promise(resolve => socket.once('close', resolve))
    if (end === 'FIN') socket.end(half)
    else {
      socket.write(half)
      await settled(() => load().active === 1)
      socket.resetAndDestroy()
    }
    await closed
    await settled(() => load().active === 0)
    assert.equal(load().active, 0)
    if (end === 'FIN') assert.match(text, /^HTTP\/1\.1 400 /)
  }
  assert.equal(await contentOf('half'), 404)
})

test('a full server refuses, and one that stops does', async () => {
  const { settings } = s3.server.running.context
  load().active += settings.requestsMax
  const full = await answerTo(put('/quick/full', 'body'))
  load().active -= settings.requestsMax
  assert.deepEqual([full.isNodes, full.status], [true, 503])
  load().stopping = true
  const stopping = await answerTo(put('/quick/full', 'body'))
  load().stopping = false
  assert.deepEqual([stopping.isNodes, stopping.status], [true, 503])
})

test('log and metrics tell of it', async () => {
  const { text, isNodes } = await answerTo(put('/quick/told?x-id=PutObject', 'seven!!'))
  assert.equal(isNodes, false)
  const [, id = ''] = /x-amz-request-id: (.*)\r\n/.exec(text) ?? []
  const [, trace = ''] = /x-amz-id-2: (.*)\r\n/.exec(text) ?? []
  const told = () => s3.server.logLines.find(line => line.includes(id))
  await settled(() => told() !== undefined)
  const { trace_id, door, operation, status, path, bytes_in, bytes_out, principal } = JSON.parse(
    told() ?? '{}',
  )
  assert.deepEqual(
    { trace_id, door, operation, status, path, bytes_in, bytes_out },
    {
      trace_id: Buffer.from(trace, 'base64').toString('hex'),
      ...{ door: 's3', operation: 's3.PutObject', status: 200, path: '/quick/told' },
      ...{ bytes_in: 7, bytes_out: 0 },
    },
  )
  assert.notEqual(principal, 'anonymous')
  const metrics = await s3.server.ask('GET /metrics')
  assert.match(metrics.text, /http_requests_total\{method="PUT",operation="s3\.PutObject"/)
})
