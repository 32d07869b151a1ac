import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { startServer } from '../../started-server.test.ts'

const LONGEST = 1024 * 1024

/** The first line that the server says to a body that is announced, and the line to it. */
async function announce(url: string, bytes: number): Promise<{ said: string; socket: Socket }> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  const head = ['POST /api/v2/auth/password/forgot HTTP/1.1', `Host: ${host}`]
  const body = ['Content-Type: application/json', `Content-Length: ${bytes}`]
  const lines = [...head, ...body, 'Expect: 100-continue']
  socket.on('error', () => {}).write(`${lines.join('\r\n')}\r\n\r\n`)
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return { said: chunk.toString('latin1').split('\r\n')[0] ?? '', socket }
}

test('strangers that let the server wait for bodies do not fill its memory', async () => {
  await using server = await startServer()
  const open: Socket[] = []
  const say = async (bytes = LONGEST) => {
    const { said, socket } = await announce(server.url, bytes)
    open.push(socket)
    return said
  }
  try {
    for (let count = 0; count < 32; count += 1) {
      assert.equal(await say(), 'HTTP/1.1 100 Continue')
    }
    assert.equal(await say(), 'HTTP/1.1 429 Too Many Requests')
    assert.equal(await say(1000), 'HTTP/1.1 100 Continue', 'a small one needs no room')
    const json = { name: 'theirs', description: 'x'.repeat(100_000) }
    const own = await server.ask('POST /api/v2/buckets', { json })
    assert.equal(own.status, 422, 'who shows a key has room of its own')
    for (const socket of open) socket.destroy()
    // Whoever left is noticed a moment later.
    let again = await say()
    for (let tries = 0; tries < 1000 && again !== 'HTTP/1.1 100 Continue'; tries += 1) {
      await new Promise(setImmediate)
      again = await say()
    }
    assert.equal(again, 'HTTP/1.1 100 Continue')
  } finally {
    for (const socket of open) socket.destroy()
  }
})
