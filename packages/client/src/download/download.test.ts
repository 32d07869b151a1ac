import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import { type ClientError, type ClientOptions, isClientError, openClient } from '../client.ts'

/** Serves content with ranges, and may break off after some bytes of an answer. */
async function contentServer(t: TestContext, bytes: Buffer) {
  const state = {
    bytes,
    /** Bytes of body after which each answer breaks; the last one stays. */
    breaks: [Number.POSITIVE_INFINITY],
    honest: true,
    pauseMs: 0,
    seen: [] as IncomingMessage['headers'][],
  }
  const server = createServer((request, response) => {
    state.seen.push(request.headers)
    answer(state, request, response).catch(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const client = (options: Partial<ClientOptions> = {}) =>
    openClient({ url: `http://127.0.0.1:${port}`, wait: async () => {}, ...options })
  return { state, client }
}

async function answer(
  state: { bytes: Buffer; breaks: number[]; honest: boolean; pauseMs: number; seen: unknown[] },
  request: IncomingMessage,
  response: ServerResponse,
) {
  const { bytes } = state
  const breakAt = state.breaks[Math.min(state.seen.length - 1, state.breaks.length - 1)]!
  const sha256 = createHash('sha256').update(bytes).digest()
  const etag = `"${sha256.toString('hex')}"`
  const headers = {
    etag,
    'repr-digest': `sha-256=:${sha256.toString('base64')}:`,
    'x-version': '3',
  }
  const ifMatch = request.headers['if-match']
  if (ifMatch !== undefined && ifMatch !== etag) {
    response.writeHead(412, { 'content-type': 'application/json' })
    response.end('{"code":"PRECONDITION_FAILED","message":"No."}')
    return
  }
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end()
    return
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  const first = Number(range?.[1] ?? 0)
  const last = range?.[2] ? Number(range[2]) : bytes.length - 1
  const part = bytes.subarray(first, last + 1)
  response.writeHead(range === null ? 200 : 206, {
    ...headers,
    'content-length': part.length,
    ...(range === null ? {} : { 'content-range': `bytes ${first}-${last}/${bytes.length}` }),
  })
  const sent = state.honest ? part : Buffer.alloc(part.length)
  for (let at = 0; at < sent.length; at += 4096) {
    if (at >= breakAt) {
      // What was written is let out first.
      response.flushHeaders()
      await new Promise(resolve => setTimeout(resolve, 20))
      response.destroy()
      return
    }
    if (state.pauseMs > 0) await new Promise(resolve => setTimeout(resolve, state.pauseMs))
    const isDrained = response.write(sent.subarray(at, Math.min(at + 4096, sent.length)))
    if (!isDrained) await new Promise(resolve => response.once('drain', resolve))
  }
  response.end()
}

async function failure(call: Promise<unknown>): Promise<ClientError> {
  const error = await call.then(
    () => assert.fail('the call did not fail'),
    reason => reason,
  )
  assert.ok(isClientError(error), String(error))
  return error
}

const id = '0199a7e2-7a55-7c54-b6f4-0d5f7c1d1f3a'

test('a download tells what it is and gives its bytes in every form', async t => {
  const { client } = await contentServer(t, Buffer.from('hello'))
  const { assets } = client()
  const download = await assets.get(id)
  assert.equal(download.size, 5)
  assert.equal(download.totalSize, 5)
  assert.equal(download.version, 3)
  assert.equal(download.sha256, createHash('sha256').update('hello').digest('hex'))
  assert.equal(await download.text(), 'hello')
  assert.deepEqual(await (await assets.get(id)).bytes(), new Uint8Array(Buffer.from('hello')))
  assert.equal(await new Response((await assets.get(id)).body).text(), 'hello')
  const chunks = await Array.fromAsync(await assets.get(id))
  assert.equal(Buffer.concat(chunks).toString(), 'hello')
})

test('an empty content is an empty download', async t => {
  const { client } = await contentServer(t, Buffer.alloc(0))
  assert.equal((await (await client().assets.get(id)).bytes()).length, 0)
})

test('a broken download goes on at the byte where it broke, however often', async t => {
  const bytes = randomBytes(200_000)
  const { state, client } = await contentServer(t, bytes)
  state.breaks = [50_000, 4096, 0, 70_000, 0, 0, Number.POSITIVE_INFINITY]
  const got = await (await client().assets.get(id)).bytes()
  assert.ok(bytes.equals(got))
  const [first, ...rest] = state.seen
  assert.equal(first?.range, undefined)
  assert.ok(rest.length >= 3)
  for (const headers of rest) {
    assert.match(String(headers.range), /^bytes=\d+-199999$/)
    assert.match(String(headers['if-match']), /^"[0-9a-f]{64}"$/)
  }
})

test('a broken part goes on inside its own range', async t => {
  const bytes = randomBytes(100_000)
  const { state, client } = await contentServer(t, bytes)
  state.breaks = [20_000, Number.POSITIVE_INFINITY]
  const part = await client().assets.get(id, { range: { first: 1000, last: 60_999 } })
  assert.deepEqual([part.offset, part.size, part.totalSize], [1000, 60_000, 100_000])
  assert.ok(bytes.subarray(1000, 61_000).equals(await part.bytes()))
  assert.match(String(state.seen[1]?.range), /^bytes=\d+-60999$/)
})

test('a download that breaks without a byte again and again fails', async t => {
  const { state, client } = await contentServer(t, randomBytes(100_000))
  state.breaks = [20_000, 0]
  const error = await failure((await client().assets.get(id)).bytes())
  assert.equal(error.code, 'NETWORK')
  assert.ok(state.seen.length < 10, `${state.seen.length} requests`)
})

test('content that changed meanwhile is never stitched together', async t => {
  const { state, client } = await contentServer(t, randomBytes(100_000))
  state.breaks = [20_000, Number.POSITIVE_INFINITY]
  const download = await client().assets.get(id)
  state.bytes = randomBytes(100_000)
  assert.equal((await failure(download.bytes())).code, 'CONTENT_CHANGED')
})

test('bytes that are not those of the digest are found out, unless nobody asked', async t => {
  const { state, client } = await contentServer(t, randomBytes(10_000))
  state.honest = false
  const error = await failure((await client().assets.get(id)).bytes())
  assert.equal(error.code, 'CONTENT_DAMAGED')
  const bytes = await (await client().assets.get(id, { verify: false })).bytes()
  assert.equal(bytes.length, 10_000)
})

test('content that is still the same is told as not modified', async t => {
  const { client } = await contentServer(t, Buffer.from('hello'))
  const { etag = '' } = await client().assets.get(id)
  const error = await failure(client().assets.get(id, { ifNoneMatch: etag }))
  assert.equal(error.code, 'NOT_MODIFIED')
  assert.equal(error.status, 304)
})

test('a slow reader and a slow server that moves are no silence', async t => {
  const { state, client } = await contentServer(t, randomBytes(40_960))
  state.pauseMs = 40
  const download = await client({ timeoutMs: 250 }).assets.get(id)
  let size = 0
  for await (const chunk of download) {
    if (size === 0) await new Promise(resolve => setTimeout(resolve, 400))
    size += chunk.length
  }
  assert.equal(size, 40_960)
  assert.equal(state.seen.length, 1)
})

test('a reader that stops, and an abort, close the connection', async t => {
  const { state, client } = await contentServer(t, randomBytes(4096 * 500))
  state.pauseMs = 2
  for await (const _ of await client().assets.get(id)) break
  await (await client().assets.get(id)).cancel()
  const reader = (await client().assets.get(id)).body.getReader()
  await reader.read()
  await reader.cancel()
  const controller = new AbortController()
  const reason = new Error('enough')
  const download = await client().assets.get(id, { signal: controller.signal })
  setTimeout(() => controller.abort(reason), 20)
  await assert.rejects(download.bytes(), error => error === reason)
})

test('a link is read without the key', async t => {
  const { state, client } = await contentServer(t, Buffer.from('hello'))
  const { presigned, url } = client({ key: 'hf_secret', headers: { 'x-mine': '1' } })
  assert.equal(await (await presigned.get(`${url}/api/v2/presigned/abc`)).text(), 'hello')
  assert.equal(await (await presigned.get('/api/v2/presigned/abc')).text(), 'hello')
  for (const headers of state.seen) {
    assert.equal(headers['x-api-key'], undefined)
    assert.equal(headers['x-mine'], undefined)
  }
})
