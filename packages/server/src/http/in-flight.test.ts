import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { IN_LINE_MAX, InFlight, WAITING_MAX } from './in-flight.ts'

/** A server that begins what it is asked for, and answers when it is told to. */
async function openServer() {
  const began: ServerResponse[] = []
  const left: number[] = []
  let parsed = 0
  const inFlight = new InFlight(requests => left.push(requests))
  const server = createServer((request, response) => {
    parsed += 1
    inFlight.admit(request, response, () => {
      inFlight.enter(request, response)
      began.push(response)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const sockets: Socket[] = []
  const ask = (requests: number) => {
    const socket = connect(address.port, '127.0.0.1').on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(requests))
    sockets.push(socket)
    return socket
  }
  const until = async (isSo: () => boolean) => {
    for (let wait = 0; wait < 1000 && !isSo(); wait += 1) await delay(5)
    assert.ok(isSo())
  }
  return {
    ...{ began, left, ask, until, parsed: () => parsed },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

test('requests begin after those before them, and never when their client left', async () => {
  await using server = await openServer()
  const { began, left, ask, until } = server
  const socket = ask(10)
  await until(() => server.parsed() === 10)
  assert.equal(began.length, 1)
  began[0]?.end()
  await until(() => began.length === 2)
  socket.resetAndDestroy()
  await until(() => left.length > 0)
  assert.deepEqual(left, [8])
  assert.equal(began.length, 2)
})

test('so many may wait on all connections, and who left makes room', async () => {
  await using server = await openServer()
  const { began, left, ask, until } = server
  const sockets: Socket[] = []
  const others = IN_LINE_MAX - 1
  const full = Math.floor(WAITING_MAX / others)
  for (let at = 0; at < full; at += 1) sockets.push(ask(IN_LINE_MAX))
  await until(() => server.parsed() === full * IN_LINE_MAX)
  sockets.push(ask(1 + WAITING_MAX - full * others))
  await until(() => began.length === full + 1)
  const late = ask(3)
  await until(() => began.length === full + 2)
  // Its first two are answered, its third would have to wait behind another.
  began.at(-1)?.end()
  await until(() => began.length === full + 3)
  began.at(-1)?.end()
  await once(late.resume(), 'close')
  assert.equal(began.length, full + 3)
  for (const socket of sockets) socket.resetAndDestroy()
  await until(() => left.length === sockets.length)
  assert.equal(
    left.reduce((sum, requests) => sum + requests, 0),
    WAITING_MAX,
  )
  const parsed = server.parsed()
  const next = ask(IN_LINE_MAX)
  await until(() => server.parsed() === parsed + IN_LINE_MAX)
  const at = began.length - 1
  for (let answered = 0; answered < IN_LINE_MAX; answered += 1) {
    began[at + answered]?.end()
    if (answered < IN_LINE_MAX - 1) await until(() => began.length === at + answered + 2)
  }
  next.destroy()
})
