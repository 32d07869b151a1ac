import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { type ClientError, type ClientOptions, isClientError, openClient } from '../client.ts'

interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}
type Reply = (response: ServerResponse, request: IncomingMessage) => void

/** Answers request after request with the given replies; the last one stays. */
async function scripted(t: TestContext, ...replies: Reply[]) {
  const seen: Seen[] = []
  let at = 0
  const server = createServer((request, response) => {
    // Whoever still asks for a server that had this port before must not use a reply up.
    if (request.headers['x-api-key'] === undefined) {
      response.writeHead(404).end()
      return
    }
    const reply = replies[Math.min(at, replies.length - 1)]!
    at += 1
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      const { method, url, headers } = request
      seen.push({ method, url, headers, body: Buffer.concat(chunks) })
      reply(response, request)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const waits: number[] = []
  const client = (options: Partial<ClientOptions> = {}) =>
    openClient({
      url: `http://127.0.0.1:${port}`,
      key: 'hf_test',
      random: () => 1,
      wait: async ms => {
        waits.push(ms)
      },
      ...options,
    })
  return { seen, waits, client, calls: () => at }
}

function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return response => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(value))
  }
}

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  json(status, { code, message: 'No.', details: { a: 1 }, request_id: 'r-1' }, headers)
const cut: Reply = response => response.destroy()
const stored = (bytes: string | Uint8Array): Reply =>
  json(201, { id: 'x', checksum: createHash('sha256').update(bytes).digest('hex') })
const target = { bucket: 'pics', key: 'a.txt' }

async function failure(call: Promise<unknown>): Promise<ClientError> {
  const error = await call.then(
    () => assert.fail('the call did not fail'),
    reason => reason,
  )
  assert.ok(isClientError(error), String(error))
  return error
}

test('prune goes on until nothing is left, and tells of all', async t => {
  const answer = (numbers: number[], more: boolean) => {
    const pruned = numbers.map(number => ({ version_number: number }))
    return json(200, { dry_run: true, pruned, pruned_count: numbers.length, more, keep: 1 })
  }
  const server = await scripted(t, answer([9, 8], true), answer([5], true), answer([2], false))
  const request = { keep: 1, dry_run: true }
  const done = await server.client().versions.prune('a', request)
  const asked = server.seen.map(({ body }) => JSON.parse(body.toString()))
  assert.deepEqual(asked, [request, { ...request, below: 8 }, { ...request, below: 5 }])
  assert.deepEqual(
    done.pruned.map(version => version.version_number),
    [9, 8, 5, 2],
  )
  assert.deepEqual([done.pruned_count, done.more], [4, false])
})

test('a refusal carries code, status, details and request id', async t => {
  const { client, calls } = await scripted(t, problem(404, 'ASSET_NOT_FOUND'))
  const error = await failure(client().assets.stat('x'))
  assert.equal(error.code, 'ASSET_NOT_FOUND')
  assert.equal(error.status, 404)
  assert.deepEqual(error.details, { a: 1 })
  assert.equal(error.requestId, 'r-1')
  assert.equal(calls(), 1)
})

test('a passing refusal is repeated with growing waits, and Retry-After is honoured', async t => {
  const { client, waits, calls } = await scripted(
    t,
    problem(503, 'STORAGE_UNAVAILABLE'),
    problem(429, 'TOO_MANY_REQUESTS', { 'retry-after': '2' }),
    cut,
    json(200, { id: 'x' }),
  )
  const asset = await client().assets.stat('x')
  assert.equal(asset.id, 'x')
  assert.deepEqual(waits, [200, 2400, 800])
  assert.equal(calls(), 4)
})

test('it gives up after the last attempt and tells how many there were', async t => {
  const { client, calls } = await scripted(t, problem(503, 'STORAGE_UNAVAILABLE'))
  const error = await failure(client({ retry: { attemptsMax: 3 } }).assets.stat('x'))
  assert.equal(error.attempts, 3)
  assert.equal(calls(), 3)
})

test('507, 500 and refusals by the rules are final', async t => {
  for (const status of [400, 401, 403, 409, 412, 413, 422, 500, 501, 507]) {
    const { client, calls } = await scripted(t, problem(status, 'STORAGE_FULL'))
    await failure(client().assets.put(target, 'x'))
    assert.equal(calls(), 1, String(status))
  }
})

test('a POST is not repeated once it may have been applied', async t => {
  const { client, calls } = await scripted(t, cut)
  const error = await failure(client().buckets.create({ name: 'pics' }))
  assert.equal(error.code, 'NETWORK')
  assert.equal(error.mayHaveApplied, true)
  assert.equal(calls(), 1)
  const proxy = await scripted(t, response => response.writeHead(502).end('bad gateway'))
  await failure(proxy.client().buckets.create({ name: 'pics' }))
  assert.equal(proxy.calls(), 1)
  const unknown = await scripted(t, problem(503, 'OUTCOME_UNKNOWN'))
  await failure(unknown.client().buckets.create({ name: 'pics' }))
  assert.equal(unknown.calls(), 1)
})

test('a POST that the server certainly refused is repeated', async t => {
  const replies = [problem(429, 'TOO_MANY_REQUESTS'), problem(503, 'SHUTTING_DOWN')]
  const { client, calls } = await scripted(t, ...replies, json(201, { name: 'pics' }))
  assert.equal((await client().buckets.create({ name: 'pics' })).name, 'pics')
  assert.equal(calls(), 3)
})

test('a POST is repeated when nothing listened', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  const client = openClient({ url: `http://127.0.0.1:${port}`, wait: async () => {} })
  const error = await failure(client.buckets.create({ name: 'pics' }))
  assert.equal(error.attempts, 5)
  assert.equal(error.mayHaveApplied, false)
  assert.match(error.message, /Nothing listens/)
})

test('a PUT by key is repeated whole after a broken connection', async t => {
  const { client, seen } = await scripted(t, cut, stored('hello'))
  const { asset, created } = await client().assets.put(target, 'hello')
  assert.equal(created, true)
  assert.equal(asset.id, 'x')
  assert.deepEqual(
    seen.map(({ body }) => body.toString()),
    ['hello', 'hello'],
  )
})

test('a stream that was begun is not sent again, a function that opens it is', async t => {
  async function* chunks() {
    yield Buffer.from('hel')
    yield Buffer.from('lo')
  }
  const once = await scripted(t, cut, stored('hello'))
  const error = await failure(once.client().assets.put(target, chunks()))
  assert.equal(error.code, 'NETWORK')
  assert.equal(once.calls(), 1)
  const again = await scripted(t, cut, stored('hello'))
  await again.client().assets.put(target, chunks)
  assert.deepEqual(
    again.seen.map(({ body }) => body.toString()),
    ['hello', 'hello'],
  )
})

test('every kind of body arrives byte by byte', async t => {
  const bytes = Buffer.alloc(300_000, 'holdfast ')
  const { client, seen } = await scripted(t, stored(bytes))
  const { assets } = client()
  const bodies = [
    bytes,
    new Uint8Array(bytes).buffer,
    new Blob([bytes]),
    new Blob([bytes]).stream(),
    (async function* () {
      for (let at = 0; at < bytes.length; at += 999) yield bytes.subarray(at, at + 999)
    })(),
    bytes.toString(),
  ]
  for (const body of bodies) await assets.put(target, body)
  for (const { body } of seen) assert.deepEqual(body, bytes)
  assert.equal(seen.length, bodies.length)
})

test('known bytes announce their length and SHA-256, and fields travel in the query', async t => {
  const { client, seen } = await scripted(t, stored('hello'))
  await client().assets.put({ bucket: 'pics', key: 'a/../ß' }, 'hello', {
    contentType: 'text/plain',
    ifNoneMatch: '*',
    metadata: { größe: '🦭' },
    fields: { tags: ['x', 'y'], service: 'gallery' },
  })
  const [{ headers, url, method }] = seen as [Seen]
  assert.equal(method, 'PUT')
  const address = new URL(`http://host${url}`)
  assert.equal(address.pathname, '/api/v2/buckets/pics/asset')
  assert.equal(address.searchParams.get('key'), 'a/../ß')
  assert.deepEqual(address.searchParams.getAll('tags'), ['x', 'y'])
  assert.equal(headers['x-api-key'], 'hf_test')
  assert.equal(headers['content-type'], 'text/plain')
  assert.equal(headers['content-length'], '5')
  assert.equal(headers['if-none-match'], '*')
  assert.deepEqual(JSON.parse(String(headers['x-metadata'])), { größe: '🦭' })
  const digest = createHash('sha256').update('hello').digest('base64')
  assert.equal(headers['repr-digest'], `sha-256=:${digest}:`)
})

test('a stream of known size announces it; another size than announced is an error', async t => {
  const chunks = async function* () {
    yield Buffer.from('hello')
  }
  const { client, seen, calls } = await scripted(t, stored('hello'))
  await client().assets.put(target, chunks, { size: 5 })
  assert.equal(seen[0]?.headers['content-length'], '5')
  for (const size of [4, 6]) {
    const error = await failure(client().assets.put(target, chunks, { size }))
    assert.equal(error.code, 'BODY_LENGTH', `announced ${size}`)
  }
  assert.ok(calls() <= 3)
})

test('a source that fails ends the call with its own error and is not asked again', async t => {
  let opened = 0
  const { client } = await scripted(t, stored('x'))
  async function* broken() {
    opened += 1
    yield Buffer.from('a')
    throw new RangeError('disk gone')
  }
  await assert.rejects(client().assets.put(target, broken), RangeError)
  assert.equal(opened, 1)
})

test('source and connection are let go when the call ends before them', async t => {
  const sockets = new Set<Socket>()
  const refuses: Reply = response => response.writeHead(413).end()
  const early = stored('')
  for (const reply of [refuses, () => {}, early]) {
    const server = createServer((request, response) => {
      const { socket } = request
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      // A server that stops reading would not notice the end of its connection.
      request.on('error', () => {}).resume()
      reply(response, request)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    let left = false
    const endless = async function* () {
      try {
        for (;;) {
          await new Promise(resolve => setTimeout(resolve, 1))
          yield Buffer.alloc(65_536)
        }
      } finally {
        left = true
      }
    }
    const { port } = server.address() as AddressInfo
    const { assets } = openClient({ url: `http://127.0.0.1:${port}` })
    const signal = AbortSignal.timeout(200)
    const call = assets.put(target, endless, { signal, verify: false })
    if (reply === early) await call
    else await assert.rejects(call)
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.equal(left, true)
    assert.equal(sockets.size, 0)
  }
})

test('a server that stored other bytes is found out', async t => {
  const { client } = await scripted(t, stored('other'))
  const chunks = async function* () {
    yield Buffer.from('hello')
  }
  for (const body of ['hello', chunks]) {
    const error = await failure(client().assets.put(target, body))
    assert.equal(error.code, 'CONTENT_DAMAGED')
    assert.equal(error.mayHaveApplied, true)
  }
  await client().assets.put(target, 'hello', { verify: false })
})

test('silence ends an attempt', async t => {
  const { client } = await scripted(t, () => {})
  const error = await failure(client({ timeoutMs: 60, retry: { attemptsMax: 2 } }).assets.stat('x'))
  assert.equal(error.code, 'TIMEOUT')
  assert.equal(error.attempts, 2)
})

test('a slow source is not the silence of the server', async t => {
  const { client } = await scripted(t, stored('hello'))
  const chunks = async function* () {
    for (const part of ['hel', 'lo']) {
      await new Promise(resolve => setTimeout(resolve, 150))
      yield Buffer.from(part)
    }
  }
  const once = { timeoutMs: 100, retry: { attemptsMax: 1 } }
  await client(once).assets.put(target, chunks)
})

test('an abort rejects with the reason of the signal, asking or waiting', async t => {
  const mute = await scripted(t, () => {})
  const reason = new Error('enough')
  const running = new AbortController()
  const call = mute.client().assets.stat('x', { signal: running.signal })
  setTimeout(() => running.abort(reason), 30)
  await assert.rejects(call, error => error === reason)
  const busy = await scripted(t, problem(503, 'STORAGE_UNAVAILABLE', { 'retry-after': '30' }))
  const waiting = new AbortController()
  const { url } = busy.client()
  const real = openClient({ key: 'hf_test', url, onRetry: () => waiting.abort(reason) })
  await assert.rejects(real.assets.stat('x', { signal: waiting.signal }), error => error === reason)
  assert.equal(busy.calls(), 1)
})

test('a redirect is not followed, so the key stays with the server', async t => {
  const { client, calls } = await scripted(t, response =>
    response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end(),
  )
  const error = await failure(client().assets.stat('x'))
  assert.equal(error.status, 307)
  assert.equal(calls(), 1)
})

test('what is no Holdfast server is told so', async t => {
  const { client } = await scripted(t, response =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  )
  assert.equal((await failure(client().assets.stat('x'))).code, 'UNEXPECTED_ANSWER')
})

test('forms carry fields before the file, and the checksum of the file', async t => {
  const { client, seen } = await scripted(t, json(201, { id: 'x' }))
  await client().assets.upload(Buffer.from('hello'), {
    filename: 'ä.txt',
    content_type: 'text/plain',
    service: 'gallery',
    owner_id: '0199a7e2-7a55-7c54-b6f4-0d5f7c1d1f3a',
    tags: ['a'],
    metadata: { page: 1 },
  })
  const [{ headers, body }] = seen as [Seen]
  const form = await new Response(new Uint8Array(body), {
    headers: { 'content-type': String(headers['content-type']) },
  }).formData()
  const file = form.get('file')
  assert.ok(file instanceof File)
  assert.equal(file.name, 'ä.txt')
  assert.equal(file.type, 'text/plain')
  assert.equal(await file.text(), 'hello')
  assert.equal(form.get('metadata'), '{"page":1}')
  assert.equal(form.get('tags'), '["a"]')
  assert.equal(form.get('checksum'), createHash('sha256').update('hello').digest('hex'))
  assert.equal([...form.keys()].at(-1), 'file')
})

test('listings are walked by cursor to their end, and a standing cursor is an error', async t => {
  const { client, seen } = await scripted(
    t,
    json(200, { items: [{ id: '1' }, { id: '2' }], next_cursor: 'c1' }),
    json(200, { items: [{ id: '3' }], next_cursor: null }),
  )
  const ids: string[] = []
  for await (const { id } of client().assets.listAll({ bucket: 'pics' })) ids.push(id)
  assert.deepEqual(ids, ['1', '2', '3'])
  assert.deepEqual(
    seen.map(({ url }) => url),
    ['/api/v2/assets?bucket=pics', '/api/v2/assets?bucket=pics&cursor=c1'],
  )
  const circle = await scripted(t, json(200, { items: [], next_cursor: 'c1' }))
  await assert.rejects(Array.fromAsync(circle.client().assets.listAll()), /in circles/)
})

test('a change under a condition is not repeated when its answer was lost', async t => {
  const { client, calls } = await scripted(t, cut, problem(412, 'PRECONDITION_FAILED'))
  const error = await failure(client().assets.mergeMetadata('x', { a: 1 }, { ifMatch: '"r7"' }))
  assert.equal(error.mayHaveApplied, true)
  assert.equal(calls(), 1, 'a second try would be refused by what the first one did')
})

test('what a session alone is not enough for is asked for again once it was proven', async t => {
  const due = problem(403, 'CONFIRMATION_REQUIRED')
  const user = json(200, { id: 'x' })
  const { client, seen } = await scripted(t, due, problem(401, 'SECOND_FACTOR_REQUIRED'), user)
  const proofs = [{ password: 'p' }, { password: 'p', code: '123456' }]
  const proven = client({
    onConfirm: async confirm => {
      await assert.rejects(confirm(proofs[0]!))
      await confirm(proofs[1]!)
    },
  })
  await proven.users.unlock('x')
  assert.deepEqual(
    seen.map(({ url, body }) => [url, body.toString()]),
    [
      ['/api/v2/users/x/unlock', ''],
      ['/api/v2/auth/confirm', JSON.stringify(proofs[0])],
      ['/api/v2/auth/confirm', JSON.stringify(proofs[1])],
      ['/api/v2/users/x/unlock', ''],
    ],
  )
  const always = await scripted(t, due)
  const unasked = await failure(always.client().users.unlock('x'))
  assert.equal(unasked.code, 'CONFIRMATION_REQUIRED')
  assert.equal(always.calls(), 1)
  let asked = 0
  const onConfirm = async () => {
    asked += 1
  }
  const twice = await failure(always.client({ onConfirm }).users.unlock('x'))
  assert.deepEqual([twice.code, asked], ['CONFIRMATION_REQUIRED', 1])
})

test('a certificate that is not trusted is met once, a refused connection again', async () => {
  const attempts = async (code: string) => {
    const client = openClient({
      url: 'https://127.0.0.1:1',
      wait: async () => {},
      fetch: async () => {
        throw new TypeError('fetch failed', { cause: { code } })
      },
    })
    const failure: unknown = await client.keys.create({ name: 'k', permissions: [] }).catch(e => e)
    assert.ok(isClientError(failure))
    assert.equal(failure.mayHaveApplied, false)
    return failure.attempts
  }
  assert.equal(await attempts('ECONNREFUSED'), 5)
  for (const code of ['DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID']) {
    assert.equal(await attempts(code), 1)
  }
})
