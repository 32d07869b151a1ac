import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { runSeed, SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { ParseInTurn, type ParseTurn } from './parse-in-turn.ts'

interface Began {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

interface Pair {
  readonly key: Buffer
  readonly cert: Buffer
}

/** A server that parses in turn, and answers when it is told to. */
async function openServer(turn: ParseTurn = () => undefined, pair?: Pair) {
  const began: Began[] = []
  const failed: string[] = []
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    began.push({ request, response })
    server.emit('began')
  }
  const server: Server = pair ? createTlsServer(pair, listener) : createServer(listener)
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    if (parsing.isHeld(error, socket)) return
    failed.push(error.code ?? '')
  })
  server.on('connect', ({ socket }: IncomingMessage) => {
    failed.push('CONNECT')
    socket
      .on('error', () => {})
      .on('end', () => socket.destroy())
      .resume()
  })
  const parsing = new ParseInTurn(server, turn)
  server.on(pair ? 'secureConnection' : 'connection', parsing.take)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const sockets: Socket[] = []
  const open = (bytes: string) => {
    const place = { port: address.port, host: '127.0.0.1', noDelay: true }
    const socket = pair ? connectTls({ ...place, ca: pair.cert }) : connect(place)
    socket.on('error', () => {}).write(bytes)
    sockets.push(socket)
    return socket
  }
  return {
    ...{ server, began, failed, open },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const get = (target: number | string) => `GET /${target} HTTP/1.1\r\nHost: x\r\n\r\n`

async function until(isSo: () => boolean): Promise<void> {
  for (let wait = 0; wait < 1000 && !isSo(); wait += 1) await delay(5)
  assert.ok(isSo())
}

test('a request is parsed when the one before is answered', async () => {
  await using opened = await openServer()
  const { began, open } = opened
  const text = Array.from({ length: 50 }, (_, at) => get(at)).join('')
  const socket = open(text)
  const answers: string[] = []
  socket.on('data', (chunk: Buffer) => answers.push(chunk.toString('latin1')))
  for (let at = 0; at < 50; at += 1) {
    await until(() => began.length > at)
    await new Promise(setImmediate)
    assert.equal(began.length, at + 1, 'none is parsed before')
    assert.equal(began[at]?.request.url, `/${at}`)
    began[at]?.response.end(`answer ${at}.`)
  }
  await until(() => answers.join('').includes('answer 49.'))
  assert.deepEqual(
    answers.join('').match(/answer \d+/g),
    Array.from({ length: 50 }, (_, at) => `answer ${at}`),
  )
})

test('one that waited begins when it is its turn', async () => {
  const waiting: (() => void)[] = []
  await using opened = await openServer(() => new Promise(resolve => waiting.push(resolve)))
  const { began, open } = opened
  open(get(1) + get(2) + get(3)).resume()
  for (const at of [1, 2]) {
    await until(() => began.length === at)
    assert.equal(waiting.length, 0)
    began[at - 1]?.response.end()
    await until(() => waiting.length === 1)
    await delay(20)
    assert.equal(began.length, at)
    waiting.shift()?.()
  }
  await until(() => began.length === 3)
})

test('what waits on a connection is not read on', async () => {
  await using opened = await openServer()
  const socket = opened.open(get(1))
  const bytes = Buffer.from(get('more').repeat(20_000))
  let written = 0
  for (let round = 0; round < 100 && !socket.writableNeedDrain; round += 1) {
    written += bytes.length
    socket.write(bytes)
    await delay(1)
  }
  await delay(100)
  assert.equal(opened.began.length, 1)
  assert.ok(socket.writableLength > 0, `${written} bytes are taken before they are asked for`)
})

test('nothing is parsed behind a tunnel, nor behind what is no request', async () => {
  await using opened = await openServer()
  const { began, failed, open } = opened
  const tunnel = open(`${get(1)}CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n${get(2).repeat(9)}`)
  await until(() => failed.length === 1)
  began[0]?.response.end('first')
  await once(tunnel, 'data')
  await delay(20)
  assert.equal(began.length, 1)
  assert.deepEqual(failed.splice(0), ['CONNECT'])
  tunnel.destroy()
  const nonsense = open(`${get(3)}nonsense\r\n\r\n${'more\r\n\r\n'.repeat(99)}`)
  await until(() => failed.length > 0)
  began[1]?.response.end('third')
  await once(nonsense, 'data')
  nonsense.write(get(4))
  await delay(20)
  assert.equal(began.length, 2)
  assert.deepEqual(failed, ['HPE_INVALID_METHOD'])
})

test('the end of a tunnel ends nothing of the connection that got its parser', async () => {
  await using opened = await openServer()
  const { server, failed, open } = opened
  const errors: unknown[] = []
  server.on('clientError', error => errors.push(error))
  const tunnel = open('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => failed.length === 1)
  const [taken] = await Promise.all([once(server, 'connection'), open(get(1).slice(0, 9))])
  const other = taken[0] as Socket
  await until(() => other.bytesRead > 0)
  tunnel.end()
  await delay(50)
  assert.deepEqual(errors, [])
})

const UPGRADE =
  'GET /up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n'

test('a request for an upgrade behind another ends the connection after the answer', async () => {
  await using opened = await openServer()
  const { began, failed, open } = opened
  const socket = open(get(1) + UPGRADE + get(2))
  await until(() => began.length === 1)
  await delay(20)
  began[0]?.response.end('first')
  assert.match((await buffer(socket)).toString(), /first$/)
  assert.deepEqual([began.length, failed], [1, []])
})

test('a client that ends its side is answered what it asked for before the last', async () => {
  await using opened = await openServer()
  const { began, open } = opened
  const socket = open('')
  socket.allowHalfOpen = true
  socket.end(get(1) + get(2) + get(3))
  const answer = buffer(socket)
  for (let at = 0; at < 3; at += 1) {
    await until(() => began.length > at)
    began[at]?.response.end(`answer ${at}.`)
  }
  assert.match((await answer).toString(), /answer 0.*answer 1/s)
})

test('a client that ends its side is closed when the last of what waited has begun', async () => {
  await using opened = await openServer()
  const { began, open } = opened
  const socket = open('')
  socket.allowHalfOpen = true
  socket.end(get(1) + get(2))
  await until(() => began.length === 1)
  await delay(20)
  const answer = buffer(socket)
  began[0]?.response.end('answer 1.')
  await until(() => began.length === 2)
  // As by Node, which answers nobody who has ended.
  assert.match((await answer).toString(), /answer 1\.$/)
})

test('however the bytes come, they are the requests that were sent', async () => {
  await using opened = await openServer()
  await speaksAtRandom(opened)
})

test('however the bytes come over TLS, they are the requests that were sent', async () => {
  await using opened = await openServer(() => undefined, newPair())
  await speaksAtRandom(opened)
})

/** Node hands on what TLS holds decrypted also when it is told to stop. */
function newPair(): Pair {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-parse-'))
  try {
    const files = ['-keyout', join(dir, 'key'), '-out', join(dir, 'cert')]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const subject = ['-subj', '/CN=x', '-addext', 'subjectAltName=IP:127.0.0.1']
    const args = ['req', '-x509', ...kind, '-days', '2', ...subject, ...files]
    execFileSync('openssl', args, { stdio: 'ignore' })
    return { key: readFileSync(join(dir, 'key')), cert: readFileSync(join(dir, 'cert')) }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

async function speaksAtRandom(opened: Awaited<ReturnType<typeof openServer>>): Promise<void> {
  const random = new SeededRandom(runSeed())
  const { server } = opened
  for (let round = 0; round < 60; round += 1) {
    const sent = Array.from({ length: 1 + random.below(12) }, (_, at) => randomRequest(random, at))
    const socket = opened.open('')
    const seen: string[] = []
    let isAtWork = false
    const answerAll = async () => {
      for (const { request, response } of opened.began.splice(0)) {
        assert.ok(!isAtWork, 'two are parsed at once')
        isAtWork = true
        const body = (await buffer(request)).toString('latin1')
        seen.push(`${request.method} ${request.url} ${body}`)
        if (random.below(3) === 0) await new Promise(setImmediate)
        response.once('close', () => {
          isAtWork = false
        })
        response.end()
      }
    }
    const failing = Promise.withResolvers<never>()
    const answering = () => void answerAll().catch(failing.reject)
    server.on('began', answering)
    const bytes = Buffer.from(sent.map(({ text }) => text).join(''), 'latin1')
    const isTiny = random.below(4) === 0
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(isTiny ? 4 : 3000)
      socket.write(bytes.subarray(at, at + size))
      at += size
      if (random.below(isTiny ? 20 : 3) === 0) await new Promise(setImmediate)
    }
    socket.resume()
    await Promise.race([until(() => seen.length === sent.length), failing.promise])
    server.off('began', answering)
    assert.deepEqual(
      seen,
      sent.map(({ told }) => told),
    )
    socket.destroy()
  }
  assert.deepEqual(
    opened.failed.filter(code => code !== 'ECONNRESET'),
    [],
  )
}

/** Bodies with all that could be taken for the end of a head. */
function randomRequest(random: SeededRandom, at: number) {
  const pick = (...items: string[]) => random.pick(items)
  const parts = ['\r\n\r\n', '\r\n', '\r', '\n', 'x', get('none'), 'y'.repeat(500)]
  const body = Array.from({ length: random.below(8) }, () => pick(...parts)).join('')
  const before = pick('', '', '\r\n', '\r\n\r\n')
  const head = (method: string, fields: string) =>
    `${before}${method} /${at} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`
  if (random.below(2) === 0) return { text: head('GET', ''), told: `GET /${at} ` }
  const told = `POST /${at} ${body}`
  if (random.below(2) === 0) {
    return { text: `${head('POST', `Content-Length: ${body.length}\r\n`)}${body}`, told }
  }
  let chunks = ''
  for (let from = 0; from < body.length; ) {
    const piece = body.slice(from, from + 1 + random.below(700))
    chunks += `${piece.length.toString(16)}\r\n${piece}\r\n`
    from += piece.length
  }
  const end = pick('0\r\n\r\n', '0\r\nDigest: x\r\n\r\n')
  return { text: `${head('POST', 'Transfer-Encoding: chunked\r\n')}${chunks}${end}`, told }
}
