import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { bodyHash, bodyParts, stampOf } from './bodies.ts'
import type { LoadOutcome, LoadPlan, Traffic } from './load-plan.ts'
import { runPlan } from './run-plan.ts'

const sizeBytes = 5000
const objects = { pathPrefix: '/set/', headers: { 'X-Key': 'k' }, sizeBytes, tag: 'abcdef' }
const put: Traffic = { kind: 'put', ...objects, firstNumber: 7, statuses: [201] }
const get: Traffic = { kind: 'get', ...objects, firstNumber: 0, count: 3, hashEvery: 1 }

async function against(listener: RequestListener, plan: Partial<LoadPlan>): Promise<LoadOutcome> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  try {
    return await runPlan({
      port,
      connections: 4,
      traffic: get,
      until: { operations: 20 },
      deadlineMs: 5000,
      serverPids: [process.pid],
      ...plan,
    })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

function right(request: IncomingMessage): Buffer {
  const number = Number(request.url?.slice(-10))
  return Buffer.concat([Buffer.from(stampOf('abcdef', number)), ...bodyParts(sizeBytes)])
}

test('right answers are counted, hashed and free of errors', async () => {
  const outcome = await against((request, response) => response.end(right(request)), {})
  assert.deepEqual(outcome.errors, {})
  assert.equal(outcome.operations, 20)
  assert.equal(outcome.bytes, 20 * sizeBytes)
  assert.equal(outcome.hashedAnswers, 20)
})

test('an answer that comes byte by byte is understood', async () => {
  const outcome = await against(
    async (request, response) => {
      request.socket.setNoDelay(true)
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${sizeBytes}\r\n\r\n`
      const bytes = Buffer.concat([Buffer.from(head), right(request)])
      for (const end of [1, 20, head.length - 2, head.length + 3, head.length + 40]) {
        response.socket?.write(bytes.subarray(end === 1 ? 0 : previous(end, head), end))
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      response.socket?.end(bytes.subarray(head.length + 40))
    },
    { connections: 1, until: { operations: 1 } },
  )
  assert.deepEqual(outcome.errors, {})
  assert.equal(outcome.hashedAnswers, 1)
})

function previous(end: number, head: string): number {
  const ends = [1, 20, head.length - 2, head.length + 3, head.length + 40]
  return ends[ends.indexOf(end) - 1] ?? 0
}

test('every PUT has its own key and content, and they are what a GET expects', async () => {
  const seen = new Map<string, string>()
  const listener: RequestListener = async (request, response) => {
    const hash = createHash('sha256')
    for await (const chunk of request) hash.update(chunk)
    seen.set(request.url ?? '', hash.digest('hex'))
    response.writeHead(201, { 'Content-Length': 0 }).end()
  }
  for (const bytes of [sizeBytes, 300_000]) {
    seen.clear()
    const traffic: Traffic = { ...put, sizeBytes: bytes }
    const { errors, operations } = await against(listener, { traffic })
    assert.deepEqual(errors, {})
    assert.equal(operations, 20)
    assert.equal(seen.size, 20)
    for (let number = 7; number < 27; number += 1) {
      const key = `/set/${String(number).padStart(10, '0')}`
      assert.equal(seen.get(key), bodyHash(stampOf('abcdef', number), bytes), key)
    }
  }
})

const wrongAnswers: Record<string, [RequestListener, RegExp]> = {
  'another status': [
    (_, response) => response.writeHead(500).end('broken'),
    /^status 500 .*broken/,
  ],
  'a shorter body': [(_, response) => response.end('short'), /^length 5 instead of 5000/],
  'the body of another object': [
    (_, response) =>
      response.end(Buffer.concat([Buffer.from(stampOf('abcdef', 99)), ...bodyParts(sizeBytes)])),
    /^body of abcdef0000000099/,
  ],
  'one wrong bit': [
    (request, response) => {
      const body = right(request)
      body[4000]! ^= 1
      response.end(body)
    },
    /^wrong SHA-256/,
  ],
  'a connection that is cut': [
    (request, response) => {
      response.writeHead(200, { 'Content-Length': sizeBytes })
      response.write(right(request).subarray(0, 100), () => response.socket?.destroy())
    },
    /^closed by the server|^socket: ECONNRESET/,
  ],
}

for (const [what, [listener, expected]] of Object.entries(wrongAnswers)) {
  test(`${what} is an error`, async () => {
    const { errors } = await against(listener, { until: { operations: 1 } })
    // A wrong body is named by its stamp and by its hash: the first name counts.
    const names = Object.keys(errors)
    assert.ok(names.length > 0, 'nothing was noticed')
    assert.match(names[0] ?? '', expected)
  })
}

test('a server that never answers is given up at the deadline', async () => {
  const outcome = await against(() => {}, { deadlineMs: 200 })
  assert.deepEqual(outcome.errors, { 'not done after 200 ms': 1 })
})

test('a port where nobody listens is an error of every connection', async () => {
  const plan = { port: 1, connections: 3, traffic: get, until: { operations: 9 } }
  const outcome = await runPlan({ ...plan, deadlineMs: 1000, serverPids: [] })
  assert.deepEqual(outcome.errors, { 'socket: ECONNREFUSED': 3 })
  assert.equal(outcome.operations, 0)
})

test('a PUT that tells its MD5 tells that of its own body', async () => {
  const wrong: string[] = []
  const numbers = new Set<string>()
  const listener: RequestListener = async (request, response) => {
    const body = await buffer(request)
    const md5 = createHash('md5').update(body).digest('base64')
    if (request.headers['content-md5'] !== md5) wrong.push(request.url ?? '')
    numbers.add(body.toString('latin1', 6, 16))
    response.writeHead(201, { 'Content-Length': 0 }).end()
  }
  const outcome = await against(listener, { traffic: { ...put, tellsMd5: true } })
  assert.deepEqual([outcome.errors, wrong, numbers.size], [{}, [], 20])
})

test('a mix reads what was there and deletes only what it has put itself', async () => {
  const there = new Set(['/set/0000000000', '/set/0000000001', '/set/0000000002'])
  const wrong: string[] = []
  const outcome = await against(
    (request, response) => {
      const { method, url = '' } = request
      if (method === 'PUT') {
        request.resume()
        there.add(url)
        response.writeHead(201, { 'Content-Length': 0 }).end()
      } else if (method === 'DELETE') {
        if (!there.delete(url) || url.startsWith('/set/')) wrong.push(url)
        response.writeHead(204).end()
      } else {
        if (!there.has(url)) wrong.push(url)
        response.writeHead(200, { 'Content-Length': sizeBytes })
        response.end(method === 'GET' ? right(request) : undefined)
      }
    },
    {
      traffic: {
        kind: 'mixed',
        get: { ...get, kind: 'get' },
        put: { ...put, kind: 'put', pathPrefix: '/new/' },
        shares: { head: 0.3, put: 0.2, delete: 0.1 },
        deletedStatuses: [204],
      },
      until: { operations: 600 },
    },
  )
  assert.deepEqual([outcome.errors, wrong], [{}, []])
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'] as const) {
    assert.ok((outcome.byMethod[method]?.operations ?? 0) > 20, method)
  }
})
