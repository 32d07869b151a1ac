import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { limitStall } from './stalled-answers.ts'

/** More than the kernel keeps for both ends. */
const LARGE = new Uint8Array(32 * 1024 * 1024)
const SMALL = new Uint8Array(16)

test('a connection of Node whose client reads nothing of an answer is cut', async () => {
  const sockets: Socket[] = []
  const server = createServer({ keepAliveTimeout: 100 }, (request, response) => {
    sockets.push(request.socket)
    limitStall(response)
    response.end(request.url === '/large' ? LARGE : SMALL)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const client = connect(address.port, '127.0.0.1').on('error', () => {})
  try {
    client.write('GET /small HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(client, 'data')
    const [socket] = sockets
    assert.ok(socket !== undefined)
    // What was taken at once has the time of an idle connection.
    assert.notEqual(socket.timeout, 2_200)
    client.pause()
    const closed = once(socket, 'close')
    client.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'timeout')
    assert.equal(socket.timeout, 2_200)
    await closed
  } finally {
    client.destroy()
    server.closeAllConnections()
    server.close()
  }
})
