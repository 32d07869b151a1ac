import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'

/** A connection whose bytes are the test's own, and which waits for answers, never for a while. */
export interface RawClient {
  send(bytes: string): void
  /** Sends these bytes and waits for so many whole answers, or the end of the connection. */
  ask(bytes: string, answers?: number): Promise<string>
  end(): void
}

export function openRaw(port: number): RawClient {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let isOver = false
  let told = () => {}
  socket
    .setNoDelay()
    .setEncoding('latin1')
    .setTimeout(30_000, () => socket.destroy())
  socket.on('error', () => {})
  socket.on('data', chunk => {
    text += chunk
    told()
  })
  socket.on('close', () => {
    isOver = true
    told()
  })
  return {
    send: bytes => socket.write(bytes, 'latin1'),
    async ask(bytes, answers = 1) {
      const isHead = bytes.startsWith('HEAD')
      socket.write(bytes, 'latin1')
      while (!isOver && wholeAnswers(text, isHead) < answers) {
        await new Promise<void>(resolve => {
          told = resolve
        })
      }
      const answered = text
      text = ''
      return answered
    },
    end: () => socket.end(),
  }
}

function wholeAnswers(text: string, isHead: boolean): number {
  let count = 0
  for (let at = 0; at < text.length; count += 1) {
    const headEnd = text.indexOf('\r\n\r\n', at) + 4
    if (headEnd < 4) return count
    const length = /content-length: (\d+)/i.exec(text.slice(at, headEnd))?.[1] ?? 0
    at = headEnd + (isHead ? 0 : Number(length))
    if (at > text.length) return count
  }
  return count
}

test('an answer is whole, however it comes', async t => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n'
  const server = createServer(socket => {
    socket.setNoDelay()
    socket.once('data', () => {
      socket.write(head.slice(0, 20))
      setImmediate(() => socket.write(`${head.slice(20)}a`))
      setImmediate(() => setImmediate(() => socket.write(`bc${head}def`)))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const client = openRaw((server.address() as AddressInfo).port)
  assert.equal(await client.ask('GET', 2), `${head}abc${head}def`)
  client.end()
})
