import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adminKey, startServer, type TestServer } from '../started-server.test.ts'

const base = '/api/v2/buckets/holdfast/assets'
const TUNNEL = 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'
const LARGE = 32 * 1024 * 1024
let server: TestServer
let s3Port: number

before(async () => {
  server = await startServer({ env: { STORAGE_S3_PORT: '0' } })
  s3Port = Number(new URL(server.running.s3Url ?? '').port)
  // More than the kernel keeps for both ends, so that what comes behind it has to wait.
  await server.ask(`PUT ${base}/large`, { body: Buffer.alloc(LARGE, 'l') })
  await server.ask(`PUT ${base}/small`, { body: Buffer.alloc(200_000, 's') })
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

const get = (key: string) =>
  `GET ${base}/${key} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\n\r\n`

/** A client that reads nothing of what it asks for. */
function deaf(port: number, bytes: string): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}).pause()
  socket.write(bytes)
  return socket
}

async function settled(isSo: () => boolean): Promise<boolean> {
  for (let wait = 0; wait < 500 && !isSo(); wait += 1) await delay(10)
  return isSo()
}

test('what waits before a tunnel is over when its client leaves', async () => {
  const { load } = server.running.context
  const cases = [
    [server.port, get('large') + get('small').repeat(20) + TUNNEL],
    [s3Port, 'GET /holdfast/large HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20) + TUNNEL],
  ] as const
  for (const [port, bytes] of cases) {
    const socket = deaf(port, bytes)
    await Promise.race([once(socket, 'readable'), once(socket, 'close')])
    socket.destroy()
    assert.ok(await settled(() => load.active === 0), `${load.active} are counted for ever`)
  }
})

test('a client that asks for a tunnel and resets it ends nothing but that', async () => {
  for (const port of [server.port, s3Port]) {
    for (const before of ['', 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3)]) {
      // Node cannot reset a connection whose own end it is just closing, and spins for ever.
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      await once(
        socket.on('error', () => {}),
        'connect',
      )
      socket.write(before + TUNNEL)
      // Refused or closed: at the server, the tunnel was asked for by then.
      await Promise.race([once(socket, 'readable'), once(socket, 'close')])
      socket.resetAndDestroy()
    }
  }
  assert.ok(await settled(() => server.running.context.load.active === 0))
  assert.equal((await server.ask('GET /health/live')).status, 200)
})

test('what waits for its turn on a connection is not at work', async () => {
  const { load } = server.running.context
  const socket = deaf(server.port, get('large') + get('small').repeat(30))
  await once(socket, 'readable')
  assert.ok(load.active <= 1, `${load.active} at work`)
  socket.destroy()
  assert.ok(await settled(() => load.active === 0))
})

test('however many requests are in line, each is answered in its turn', async () => {
  const socket = deaf(server.port, get('large') + get('absent').repeat(3000) + get('small'))
  await once(socket, 'readable')
  const answers: string[] = []
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    answers.push(...(chunk.toString('latin1').match(/HTTP\/1\.1 \d{3}/g) ?? []))
  })
  socket.resume()
  assert.ok(await settled(() => answers.at(-1) === 'HTTP/1.1 200' && bytes > LARGE + 200_000))
  // An answer may begin in one chunk and end in the next.
  assert.ok(answers.length > 2900 && answers.length <= 3002, `${answers.length}`)
  socket.destroy()
})

test('requests that wait when their client leaves never begin', async () => {
  const seen = server.logLines.length
  const told = (text: string) => server.logLines.slice(seen).filter(line => line.includes(text))
  const socket = deaf(server.port, get('large') + get('small').repeat(40))
  await once(socket, 'readable')
  socket.resetAndDestroy()
  assert.ok(await settled(() => told('"message":"request"').length > 0))
  assert.ok(await settled(() => server.running.context.load.active === 0))
  await delay(50)
  assert.equal(told('"message":"request"').length, 1, 'the one at work has its own')
})

test('who reads nothing of what the long way answers has as little time', async () => {
  using accepted = acceptedSockets()
  // The empty query makes it the way of all requests.
  const socket = deaf(server.port, get('small?').repeat(64))
  const limited = () => accepted.sockets.some(({ timeout }) => timeout === 2 * 73_000)
  assert.ok(await settled(limited), `${accepted.sockets.map(({ timeout }) => timeout)}`)
  socket.destroy()
})

test('who does not end its connection after a refusal is cut', async () => {
  using accepted = acceptedSockets()
  for (const port of [server.port, s3Port]) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {}).write('nonsense\r\n\r\n')
    await once(socket.resume(), 'end')
    const [served] = accepted.sockets.splice(0)
    assert.ok(served !== undefined)
    if (!served.destroyed) await once(served, 'close')
    socket.destroy()
  }
})

/** The ends of the server: nothing that clients see tells of timers and descriptors. */
function acceptedSockets(): Disposable & { readonly sockets: Socket[] } {
  const sockets: Socket[] = []
  const seen = (message: unknown) => {
    if (typeof message !== 'object' || message === null || !('socket' in message)) return
    if (message.socket instanceof Socket) sockets.push(message.socket)
  }
  subscribe('net.server.socket', seen)
  return { sockets, [Symbol.dispose]: () => unsubscribe('net.server.socket', seen) }
}
