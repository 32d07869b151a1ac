import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { openRaw, type RawClient } from '../../../raw-client.test.ts'
import { type S3TestServer, type SendOptions, signedRequest, startS3 } from '../started-s3.test.ts'

const SEEN = 'http.server.request.start'
const LARGER = 200_000
let s3: S3TestServer
let port: number
/** Requests that Node's parser has read. */
let parsed = 0
const count = () => {
  parsed += 1
}

before(async () => {
  // More wrong signatures than one address may make by default.
  const many = { STORAGE_RATE_LIMIT_CREDENTIALS: '10000/1m' }
  s3 = await startS3({ env: { STORAGE_S3_DOMAINS: 's3.example.org', ...many } })
  port = Number(s3.host.split(':')[1])
  await s3.send('PUT /plain')
  await s3.send('PUT /plain/a%20b/%C3%A9', { body: 'escaped' })
  await s3.send('PUT /plain/empty')
  const headers = { 'x-amz-meta-colour': 'blue', 'x-amz-checksum-crc32': 'DUoRhQ==' }
  await s3.send('PUT /plain/a', { body: 'hello world', headers })
  await s3.send('PUT /plain/larger', { body: Buffer.alloc(LARGER, 'larger') })
  subscribe(SEEN, count)
})
after(async () => {
  unsubscribe(SEEN, count)
  await s3[Symbol.asyncDispose]()
})

/** As a client writes it, with lines of its own behind those that it signed. */
function head(line: string, options: SendOptions = {}, ...lines: string[]): string {
  const { method, path, headers } = signedRequest(s3.host, line, options)
  const signed = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`${method} ${path} HTTP/1.1`, ...signed, ...lines, '', ''].join('\r\n')
}

const plain = () => head('GET /plain/a')
const signatureIn = (text: string) => /Signature=(\w+)/.exec(text)?.[1] ?? ''

/** The status lines of answers, their bodies, and how many of the requests Node has read. */
async function answersTo(bytes: string, answers = 1, client: RawClient = openRaw(port)) {
  const before = parsed
  const text = await client.ask(bytes, answers)
  client.end()
  const headEnd = text.indexOf('\r\n\r\n')
  return {
    lines: text
      .slice(0, headEnd)
      .replaceAll(/^(x-amz-request-id|x-amz-id-2|date):.*\r\n/gim, '')
      .split('\r\n'),
    body: text.slice(headEnd + 4),
    statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(match => Number(match[1])),
    parsed: parsed - before,
  }
}

/** A connection that is Node's already. */
async function nodesClient(): Promise<RawClient> {
  const client = openRaw(port)
  await client.ask(head('GET /plain/a', { headers: { range: 'bytes=0-0' } }))
  return client
}

test('plain requests are answered without Node, and all answers are the same', async () => {
  for (const method of ['GET', 'HEAD']) {
    for (const key of ['a', 'a%20b/%C3%A9', 'a%20b/%c3%a9', 'empty', 'larger']) {
      for (const headers of [{}, { 'x-amz-checksum-mode': 'ENABLED' }]) {
        const line = `${method} /plain/${key}`
        const quick = await answersTo(head(line, { headers }))
        const atOnce = await answersTo(head(line, { headers }), 1, await nodesClient())
        const long = await answersTo(head(line, { headers }, 'X-Nobody-Knows: 1'))
        assert.deepEqual([quick.parsed, quick.statuses], [0, [200]], line)
        assert.deepEqual([atOnce.lines, atOnce.body], [quick.lines, quick.body], line)
        assert.deepEqual([long.lines.sort(), long.body], [quick.lines.sort(), quick.body], line)
      }
    }
  }
})

test('the first reader of an object waits for the disk and keeps its connection', async () => {
  const bodies = ['a', 'b'.repeat(4096), 'c'.repeat(100_000)]
  for (const [at, body] of bodies.entries()) await s3.send(`PUT /plain/first/${at}`, { body })
  const before = parsed
  const client = openRaw(port)
  for (const [at, body] of [...bodies.entries(), ...bodies.entries()]) {
    const answer = await client.ask(head(`GET /plain/first/${at}`))
    assert.ok(answer.startsWith('HTTP/1.1 200 ') && answer.endsWith(`\r\n\r\n${body}`))
  }
  client.end()
  assert.equal(parsed, before)
})

test('the mark of SDKs is signed as part of the request, and changes nothing', async () => {
  for (const method of ['GET', 'HEAD']) {
    const line = `${method} /plain/a`
    const marked = `${line}?x-id=${method === 'GET' ? 'GetObject' : 'HeadObject'}`
    const bare = await answersTo(head(line))
    for (const client of [openRaw(port), await nodesClient()]) {
      const found = await answersTo(head(marked), 1, client)
      assert.deepEqual([found.lines, found.body], [bare.lines, bare.body], marked)
    }
    assert.equal((await answersTo(head(marked))).parsed, 0)
    const mark = marked.slice(line.length)
    for (const text of [head(line).replace(line, marked), head(marked).replace(mark, '')]) {
      assert.deepEqual((await answersTo(text)).statuses, [403], marked)
    }
  }
})

test('links are answered without Node, and all answers are the same', async () => {
  const link = { auth: 'query' } as const
  const hash = 'X-Amz-Content-Sha256=UNSIGNED-PAYLOAD'
  for (const method of ['GET', 'HEAD']) {
    for (const key of ['a', 'a%20b/%C3%A9', 'empty', 'larger']) {
      const named = `x-id=${method === 'GET' ? 'GetObject' : 'HeadObject'}`
      for (const query of ['', `?${named}`, `?${hash}&x-amz-checksum-mode=ENABLED&${named}`]) {
        const line = `${method} /plain/${key}${query}`
        const quick = await answersTo(head(line, link))
        const atOnce = await answersTo(head(line, link), 1, await nodesClient())
        const long = await answersTo(head(line, link, 'X-Nobody-Knows: 1'))
        assert.deepEqual([quick.parsed, quick.statuses], [0, [200]], line)
        assert.deepEqual([atOnce.lines, atOnce.body], [quick.lines, quick.body], line)
        assert.deepEqual([long.lines.sort(), long.body], [quick.lines.sort(), quick.body], line)
      }
    }
  }
})

test('links of the client of AWS are answered without Node', async () => {
  const before = parsed
  for (const input of [{}, { ChecksumMode: 'ENABLED' } as const]) {
    const command = new GetObjectCommand({ Bucket: 'plain', Key: 'a', ...input })
    const url = new URL(await getSignedUrl(s3.client, command, { expiresIn: 60 }))
    const bytes = `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`
    const found = await answersTo(bytes)
    assert.deepEqual([found.statuses, found.body], [[200], 'hello world'], url.search)
  }
  assert.equal(parsed, before)
})

test('no link opens anything but what it was made for', async () => {
  const link = head('GET /plain/a', { auth: 'query' })
  const signature = /X-Amz-Signature=(\w+)/.exec(link)?.[1] ?? ''
  const wrong = signature.replace(/^./, digit => (digit === '0' ? '1' : '0'))
  const query = (options: SendOptions) => head('GET /plain/a', { auth: 'query', ...options })
  const hour = 3_600_000
  for (const [what, bytes, status] of [
    ['another key', link.replace('/plain/a', '/plain/empty'), 403],
    ['another method', link.replace('GET', 'HEAD'), 403],
    ['another host', link.replace(/host: .*/, 'host: example.org'), 403],
    ['another second', link.replace(/X-Amz-Date=\w+/, dateBefore), 403],
    ['a longer life', link.replace('X-Amz-Expires=60', 'X-Amz-Expires=61'), 403],
    ['a mark that is not signed', link.replace('X-Amz-Signature', 'x-id=GetObject&$&'), 403],
    ['a mark behind it', link.replace(signature, `${signature}&x-id=GetObject`), 403],
    ['a second signature', link.replace(signature, `${signature}&X-Amz-Signature=${wrong}`), 400],
    ['a wrong digit', link.replace(signature, wrong), 403],
    ['capitals', link.replace(signature, signature.toUpperCase()), 403],
    ['too short', link.replace(signature, signature.slice(1)), 403],
    ['no signature', link.replace(`&X-Amz-Signature=${signature}`, ''), 400],
    ['a header that is not signed', head('GET /plain/a', { auth: 'query' }, 'x-amz-a: b'), 403],
    ['the signature of a header too', query({ unsigned: { authorization: 'AWS4-X y' } }), 400],
    ['an old one', query({ timeMs: Date.now() - hour }), 403],
    ['one of the future', query({ timeMs: Date.now() + hour }), 403],
    ['one for longer than a week', query({ expires: 604_801 }), 400],
    ['of nobody', query({ key: { id: 'NOBODY', secret: 'x' } }), 403],
    ['another region', query({ region: 'mars' }), 400],
  ] as const) {
    // On a connection that has seen a good one: what it knows of that must not stand for this one.
    const client = openRaw(port)
    assert.match(await client.ask(link), /^HTTP\/1\.1 200 OK\r\n/, what)
    const found = await answersTo(bytes, 1, client)
    assert.deepEqual([found.parsed, found.statuses], [1, [status]], what)
    assert.doesNotMatch(found.body, /hello world/, what)
  }
})

test('the client of AWS is answered without Node', async () => {
  const before = parsed
  for (let run = 0; run < 2; run += 1) {
    const got = await s3.client.send(new GetObjectCommand({ Bucket: 'plain', Key: 'a' }))
    assert.equal(await got.Body?.transformToString(), 'hello world')
    await s3.client.send(new HeadObjectCommand({ Bucket: 'plain', Key: 'a' }))
  }
  assert.equal(parsed, before)
})

test('a host that names the bucket is read as on the long way', async () => {
  for (const host of ['plain.s3.example.org', `PLAIN.s3.example.org:${port}`]) {
    const quick = await answersTo(head('GET /a', { headers: { host } }))
    assert.deepEqual([quick.parsed, quick.statuses, quick.body], [0, [200], 'hello world'], host)
    const long = await answersTo(head('GET /a', { headers: { host } }, 'X-Nobody-Knows: 1'))
    assert.deepEqual([long.parsed, long.statuses, long.body], [1, [200], 'hello world'], host)
  }
  const other = await answersTo(head('GET /plain/a', { headers: { host: 'plain.s3.example.org' } }))
  assert.deepEqual(other.statuses, [404])
})

test('whatever is not plain is read by Node from its first byte on', async () => {
  const get = plain()
  const link = { auth: 'query' } as const
  const put = head('PUT /plain/put', { body: 'x' }, 'Content-Length: 1')
  for (const [what, bytes, statuses] of [
    ['two at once', get + plain(), [200, 200]],
    ['a put behind it', `${get}${put}x`, [200, 200]],
    ['closing', head('GET /plain/a', {}, 'Connection: close'), [200]],
    ['range', head('GET /plain/a', { headers: { range: 'bytes=1-2' } }), [206]],
    ['condition', head('GET /plain/a', {}, 'If-None-Match: *'), [304]],
    ['origin', head('GET /plain/a', {}, 'Origin: https://example.org'), [200]],
    ['owner', head('GET /plain/a', { headers: { 'x-amz-expected-bucket-owner': 'x' } }), [403]],
    ['a mark twice', head('GET /plain/a?x-id=GetObject&x-id=GetObject'), [200]],
    ['another mark', head('GET /plain/a?x-id=PutObject'), [200]],
    ['a mark in another spelling', head('GET /plain/a?x-id=Get%4fbject'), [200]],
    ['an empty query', plain().replace('/plain/a ', '/plain/a? '), [200]],
    ['another operation', head('GET /plain/a?tagging'), [200]],
    ['a mark and another operation', head('GET /plain/a?x-id=GetObject&tagging'), [200]],
    ['link with an override', head('GET /plain/a?response-expires=0', link), [200]],
    ['link of a version', head('GET /plain/a?versionId=null', link), [200]],
    ['link with a tag', head('GET /plain/a?tagging', link), [200]],
    ['link with an escape', head('GET /plain/a?x-id=Get%4fbject', link), [200]],
    ['link with a mark twice', head('GET /plain/a?x-id=GetObject&x-id=GetObject', link), [200]],
    ['link with the mark of another', head('GET /plain/a?x-id=PutObject', link), [200]],
    ['link to an unknown key', head('GET /plain/absent', link), [404]],
    ['bucket', head('GET /plain'), [200]],
    ['unknown', head('GET /plain/absent'), [404]],
    ['body', `${head('GET /plain/a', {}, 'Content-Length: 2')}xy`, [200]],
    ['two hosts', head('GET /plain/a', {}, 'Host: y'), [400]],
    ['no host', get.replace(/host: .*\r\n/, ''), [400]],
    [
      'two codings',
      head('GET /plain/a', {}, 'Content-Length: 2', 'Transfer-Encoding: chunked'),
      [400],
    ],
    ['folded', head('GET /plain/a', {}, 'accept: b', ' c'), [400]],
    ['space before the colon', get.replace('x-amz-date:', 'x-amz-date :'), [400]],
    ['bare line feed', get.replace('\r\nx-amz-date', '\nx-amz-date'), [400]],
    ['control in a value', head('GET /plain/a', {}, 'accept: b\0c'), [400]],
  ] as const) {
    const found = await answersTo(bytes, statuses.length)
    assert.deepEqual(found.statuses, statuses, what)
    assert.ok(found.parsed > 0 || statuses.some(status => status === 400), what)
  }
})

test('no signature opens anything but what it was made for', async () => {
  const get = plain()
  const [date = ''] = /x-amz-date: .*\r\n/.exec(get) ?? []
  const authorization = /authorization: (.*)\r\n/.exec(get)?.[1] ?? ''
  const wrong = signatureIn(get).replace(/^./, digit => (digit === '0' ? '1' : '0'))
  for (const [what, bytes, status] of [
    ['another key', get.replace('/plain/a', '/plain/empty'), 403],
    ['another method', get.replace('GET', 'HEAD'), 403],
    ['another host', get.replace(/host: .*/, 'host: example.org'), 403],
    ['another day', get.replace(date, 'x-amz-date: 20200101T000000Z\r\n'), 403],
    ['another second', head('GET /plain/a').replace(date, dateBefore(date)), 403],
    ['an old one', head('GET /plain/a', { timeMs: Date.now() - 16 * 60_000 }), 403],
    ['one that is not signed', head('GET /plain/a', {}, 'x-amz-checksum-mode: ENABLED'), 403],
    ['a header twice', head('GET /plain/a', {}, date.trim()), 403],
    ['two of them', head('GET /plain/a', {}, `authorization: ${authorization}`), 400],
    ['capitals', get.replace(signatureIn(get), signatureIn(get).toUpperCase()), 403],
    ['a wrong digit', get.replace(signatureIn(get), wrong), 403],
    ['too short', get.replace(signatureIn(get), signatureIn(get).slice(1)), 403],
    ['of nobody', head('GET /plain/a', { key: { id: 'NOBODY', secret: 'x' } }), 403],
    ['of nothing', head('GET /plain/a', { auth: 'none' }), 403],
    ['another region', head('GET /plain/a', { region: 'mars' }), 400],
  ] as const) {
    // On a connection that has seen a good one: what it knows of that must not stand for this one.
    const client = openRaw(port)
    await askGood(client)
    const found = await answersTo(bytes, 1, client)
    assert.deepEqual([found.parsed, found.statuses], [1, [status]], what)
    assert.doesNotMatch(found.body, /hello world/, what)
  }
})

/** Some that differ in path and signature alone: what is the same in them is kept by now. */
async function askGood(client: RawClient, options: SendOptions = {}): Promise<void> {
  for (const key of ['a', 'empty', 'a', 'empty']) {
    const answer = await client.ask(head(`GET /plain/${key}`, options))
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  }
}

function dateBefore(line: string): string {
  return line.replace(/\d\d(?=Z)/, second => String((Number(second) + 59) % 60).padStart(2, '0'))
}

test('a connection that says nearly the same again is checked for what it says now', async () => {
  const kinds: SendOptions[] = [
    {},
    { headers: { accept: 'a/b' } },
    { headers: { 'x-amz-user-agent': 'a' } },
    { payload: 'UNSIGNED-PAYLOAD' },
    { timeMs: Date.now() - 60_000 },
    { unsigned: { 'x-amz-user-agent': 'a' } },
    { key: { id: 'NOBODY', secret: 'x' } },
    { region: 'mars' },
    { timeMs: Date.now() - 16 * 60_000 },
  ]
  const texts = kinds.map(options => head('GET /plain/a', options))
  const others = texts.map(text => {
    return text.replace(/(?<=Signature=)./, digit => (digit === '0' ? '1' : '0'))
  })
  const statuses = [200, 200, 200, 200, 200, 403, 403, 400, 403]
  // Every kind behind every good one, and then the same with another signature.
  for (const first of kinds.slice(0, statuses.lastIndexOf(200) + 1)) {
    for (const [at, second] of texts.entries()) {
      const status = statuses[at]
      const wrong = status === 200 ? 403 : status
      const what = JSON.stringify(kinds[at])
      for (const [text, expected] of [
        [second, status] as const,
        [others[at] ?? '', wrong] as const,
      ]) {
        const client = openRaw(port)
        await askGood(client, first)
        assert.deepEqual((await answersTo(text, 1, client)).statuses, [expected], what)
      }
    }
  }
})

test('names of headers are read in any case, and values without blanks around them', async () => {
  const bytes = plain()
    .replace(/^[a-z0-9-]+(?=: )/gm, name => name.toUpperCase())
    .replace(/: (.*)\r\n/g, ':  \t$1 \t\r\n')
  const found = await answersTo(bytes)
  assert.deepEqual([found.parsed, found.statuses, found.body], [0, [200], 'hello world'])
})

test('what anybody may read is answered to anybody, and nothing else', async () => {
  await s3.server.ask('POST /api/v2/buckets', { json: { name: 'open', public_read: true } })
  await s3.send('PUT /open/a', { body: 'open' })
  await s3.send('GET /open/a')
  const anonymous = { auth: 'none' } as const
  const quick = await answersTo(head('GET /open/a', anonymous))
  assert.deepEqual([quick.parsed, quick.statuses, quick.body], [0, [200], 'open'])
  const long = await answersTo(head('GET /open/a', anonymous, 'X-Nobody-Knows: 1'))
  assert.deepEqual([long.lines.sort(), long.body], [quick.lines.sort(), quick.body])
  assert.deepEqual((await answersTo(head('GET /plain/a', anonymous))).statuses, [403])
})

test('a full server refuses, and one that stops does', async () => {
  const { load, settings } = s3.server.running.context
  load.active += settings.requestsMax
  const full = await answersTo(plain())
  load.active -= settings.requestsMax
  assert.deepEqual([full.parsed, full.statuses], [1, [503]])
  load.stopping = true
  const stopping = await answersTo(plain())
  load.stopping = false
  assert.deepEqual([stopping.parsed, stopping.statuses], [1, [503]])
})

test('a client that reads late gets every answer whole and in order', async () => {
  const socket = connect(port, '127.0.0.1')
  socket.pause()
  const requests = Array.from({ length: 30 }, (_, at) => (at % 2 === 0 ? 'larger' : 'a'))
  for (const key of requests) {
    socket.write(head(`GET /plain/${key}`))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  const larger = Buffer.alloc(LARGER, 'larger').toString('latin1')
  const expected = requests.map(key => (key === 'larger' ? larger : 'hello world')).join('')
  let text = ''
  for await (const chunk of socket) {
    text += chunk.toString('latin1')
    if (text.length <= expected.length) continue
    if (text.replaceAll(HEADS, '').length >= expected.length) break
  }
  assert.ok(text.replaceAll(HEADS, '') === expected)
})

const HEADS = /HTTP\/1\.1 200 OK\r\n(?:.+\r\n)+\r\n/g

test('log and metrics tell of it, and the answer of its trace', async () => {
  const client = openRaw(port)
  const text = await client.ask(plain())
  client.end()
  const id = /x-amz-request-id: (.*)\r\n/.exec(text)?.[1] ?? ''
  const trace = /x-amz-id-2: (.*)\r\n/.exec(text)?.[1] ?? ''
  const { load } = s3.server.running.context
  for (let wait = 0; wait < 500 && load.active > 0; wait += 1) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.equal(load.active, 0)
  const line = s3.server.logLines.find(each => each.includes(id))
  const { trace_id, span_id, door, operation, status, path, bytes_in, bytes_out, principal } =
    JSON.parse(line ?? '{}')
  assert.deepEqual(
    { trace_id, door, operation, status, path, bytes_in, bytes_out },
    {
      trace_id: Buffer.from(trace, 'base64').toString('hex'),
      ...{ door: 's3', operation: 's3.GetObject', status: 200, path: '/plain/a' },
      ...{ bytes_in: 0, bytes_out: 11 },
    },
  )
  assert.match(span_id, /^[\da-f]{16}$/)
  assert.notEqual(principal, 'anonymous')
  const metrics = await s3.server.ask('GET /metrics')
  assert.match(metrics.text, /http_requests_total\{method="GET",operation="s3\.GetObject"/)
})
