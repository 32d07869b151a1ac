import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { startServer } from '../../started-server.test.ts'
import { FairRequest } from './fair-request.ts'

/** One read of Node's, in chunks of one byte. */
const PIECES_OF_A_READ = Math.ceil(65_536 / 6)
const PIECES = 100_000
const HEAD = 'PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
const BODY = `${'1\r\na\r\n'.repeat(PIECES)}0\r\n\r\n`

async function serverOf(listener: RequestListener) {
  const server = createServer({ IncomingMessage: FairRequest }, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const close = async () => {
    server.closeAllConnections()
    server.close()
  }
  return { port: address.port, [Symbol.asyncDispose]: close }
}

/** All that a connection is answered until it is closed. */
async function answerTo(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(text)
  let answer = ''
  for await (const part of socket) answer += String(part)
  return answer
}

async function bytesOf(request: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const part of request) bytes += part.length
  return bytes
}

test('a body of tiny chunks leaves others their turn', async () => {
  let turn = 0
  let most = 0
  let isOver = false
  const tick = () => {
    turn += 1
    if (!isOver) setImmediate(tick)
  }
  tick()
  await using server = await serverOf((request, response) => {
    let before = turn
    let pieces = 0
    request.on('data', () => {
      if (turn !== before) pieces = 0
      before = turn
      pieces += 1
      most = Math.max(most, pieces)
    })
    request.on('end', () => response.setHeader('connection', 'close').end('x'))
  })
  assert.match(await answerTo(server.port, HEAD + BODY), /^HTTP\/1\.1 200/)
  isOver = true
  assert.ok(most > 1024 && most <= PIECES_OF_A_READ + 1024, `${most} in one turn`)
})

test('nothing of it is lost, nor is what follows on the connection', async () => {
  const lengths: Promise<number>[] = []
  await using server = await serverOf((request, response) => {
    const count = lengths.push(bytesOf(request))
    void lengths.at(-1)?.then(() => response.end(`#${count}`))
  })
  // A rest begins with the last piece, and with the one before.
  const short = (pieces: number) => `${HEAD}${'1\r\na\r\n'.repeat(pieces)}0\r\n\r\n`
  const last = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
  const sent = [short(1023), short(1024), short(1025), HEAD + BODY, last]
  const answer = await answerTo(server.port, sent.join(''))
  assert.deepEqual(await Promise.all(lengths), [1023, 1024, 1025, PIECES, 0])
  assert.match(answer, /#5$/)
})

test('a body that nobody reads is thrown away, and the next request is answered', async () => {
  let count = 0
  await using server = await serverOf((_, response) => {
    count += 1
    response.end(`#${count}`)
  })
  const last = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
  const answer = await answerTo(server.port, HEAD + BODY + last)
  assert.match(answer, /#2$/)
})

test('requests of both doors are such', async () => {
  await using server = await startServer()
  const taken: boolean[] = []
  const note = (told: unknown) => {
    const isOne = typeof told === 'object' && told !== null && 'request' in told
    taken.push(isOne && told.request instanceof FairRequest)
  }
  subscribe('http.server.request.start', note)
  try {
    for (const url of [server.url, server.running.s3Url ?? '']) {
      const answer = await fetch(`${url}/nowhere/x`, { method: 'POST', body: 'x' })
      await answer.arrayBuffer()
    }
  } finally {
    unsubscribe('http.server.request.start', note)
  }
  assert.deepEqual(taken, [true, true])
})
