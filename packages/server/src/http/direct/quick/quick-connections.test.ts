import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { openRaw } from '../../../raw-client.test.ts'
import { OpenConnections } from '../../connections/open-connections.ts'
import { plainHeaders } from '../plain-headers.ts'
import { putHeaders } from '../put-headers.ts'
import { type QuickAnswer, type QuickIntake, takeQuickly } from './quick-connections.ts'

/** More than the kernel keeps for both ends. */
const LARGE = 32 * 1024 * 1024

interface Door extends AsyncDisposable {
  readonly server: Server
  readonly port: number
  /** Decides on the oldest `/later` that still waits; without an answer Node has to do it. */
  settle(isAnswered: boolean): Promise<void>
  /** The connection, once so many bytes have come on it. */
  arrived(bytes: number): Promise<Socket>
  /** When the first connection has timed out for the first time: whether it was cut then. */
  readonly cutAtOnce: Promise<boolean>
  /** When the first connection is closed. */
  readonly closed: Promise<void>
}

interface Times {
  readonly handedOver: () => void
  readonly headersMs: number
  readonly keepAliveMs: number
  readonly silentBodyMs: number
}

/** Answers with the body that it took; what begins with `n` is Node's. */
class Intake implements QuickIntake {
  readonly #length: number
  #text = ''

  constructor(length: number) {
    this.#length = length
  }

  get missing(): number {
    return this.#length - this.#text.length
  }

  add(chunk: Buffer, from: number): void {
    this.#text += chunk.toString('latin1', from)
  }

  async serve(socket: Socket): Promise<QuickAnswer | undefined> {
    if (this.#text.startsWith('n')) return undefined
    const body = `quick PUT /${this.#text}`
    return over =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`, over)
  }

  giveUp(): Buffer {
    const length = `Content-Length: ${this.#length}`
    return Buffer.from(`PUT /given HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n${this.#text}`)
  }
}

/** A server whose paths say how they are answered: `/now`, `/later`, `/large`, others by Node. */
async function openDoor({ handedOver, ...times }: Partial<Times> = {}): Promise<Door> {
  const { headersMs = 60_000, keepAliveMs = 60_000, silentBodyMs = 60_000 } = times
  const waiting: ((isAnswered: boolean) => void)[] = []
  let accepted: Socket | undefined
  const cutAtOnce = Promise.withResolvers<boolean>()
  const closed = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end(`node ${request.method} ${request.url}`))
  })
  takeQuickly(server, {
    connections: new OpenConnections({ max: 100, clock: systemClock, log: { warn: () => {} } }),
    quick: ({ url }, socket) => {
      const body = url === '/large' ? 'x'.repeat(LARGE) : `quick ${url}`
      const text = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      const answer: QuickAnswer = over => socket.write(text, 'latin1', over)
      if (url.startsWith('/now') || url === '/large') return answer
      if (!url.startsWith('/later')) return undefined
      return new Promise(resolve => {
        waiting.push(isAnswered => resolve(isAnswered ? answer : undefined))
      })
    },
    readHeaders: plainHeaders,
    refuseSilent: socket => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n'),
    puts: {
      take: ({ headers }) => new Intake(headers.length),
      readHeaders: putHeaders,
      silentMs: silentBodyMs,
      refuseCut: socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    },
    ...{ headersMs, keepAliveMs, handedOver: handedOver ?? (() => {}) },
  })
  server.on('connection', socket => {
    accepted = socket
    socket.once('timeout', () => cutAtOnce.resolve(socket.destroyed))
    socket.once('close', () => closed.resolve())
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    ...{ server, port, cutAtOnce: cutAtOnce.promise, closed: closed.promise },
    settle: async isAnswered => {
      await until(() => waiting.length > 0)
      waiting.shift()?.(isAnswered)
    },
    arrived: async bytes => {
      await until(() => accepted !== undefined && accepted.bytesRead >= bytes)
      assert.ok(accepted)
      return accepted
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 5))
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
const put = (body: string, length = body.length) =>
  `PUT /put HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n${body}`
const bodies = (text: string) => text.match(/(?:quick|node)(?: [A-Z]+)? \/[\w/]*?(?=HTTP|$)/g)

test('requests that came while one was answered are answered after it, in order', async () => {
  await using door = await openDoor()
  const client = openRaw(door.port)
  let sent = 0
  for (const path of ['/later/1', '/now/2', '/later/3', '/now/4', '/node/5', '/now/6']) {
    client.send(get(path))
    sent += get(path).length
    // Each its own piece.
    await door.arrived(sent)
  }
  await door.settle(true)
  assert.match(await client.ask('', 2), /quick \/now\/2$/)
  await door.settle(true)
  const last = ['quick /later/3', 'quick /now/4', 'node GET /node/5', 'node GET /now/6']
  assert.deepEqual(bodies(await client.ask('', 4)), last)
  client.end()
})

test('what is not answered after a wait is read by Node, with all that came since', async () => {
  await using door = await openDoor()
  const client = openRaw(door.port)
  client.send(get('/later/1'))
  await door.arrived(1)
  const put = 'PUT /put/2 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n'
  client.send(`${put}bo`)
  await door.arrived(get('/later/1').length + put.length + 2)
  await door.settle(false)
  const text = await client.ask(`dy${get('/now/3')}`, 3)
  assert.deepEqual(bodies(text), ['node GET /later/1', 'node PUT /put/2', 'node GET /now/3'])
  client.end()
})

test('a client that closed its side gets its answer, or is closed without one', async () => {
  for (const isAnswered of [true, false]) {
    await using door = await openDoor()
    const errors: unknown[] = []
    door.server.on('clientError', (error, socket) => {
      errors.push(error)
      socket.destroy()
    })
    const client = openRaw(door.port)
    // Two will not come, so this waits for the end.
    const text = client.ask(get('/later'), 2)
    const socket = await door.arrived(get('/later').length)
    client.end()
    await until(() => socket.readableEnded)
    await door.settle(isAnswered)
    assert.deepEqual(bodies(await text), isAnswered ? ['quick /later'] : null)
    assert.deepEqual(errors, [])
  }
})

test('a silent connection is told so, and cut if it does not close', async () => {
  await using door = await openDoor({ headersMs: 100 })
  const client = connect({ port: door.port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => {})
  let text = ''
  client.setEncoding('latin1').on('data', chunk => {
    text += chunk
  })
  await once(client, 'end')
  assert.equal(text, 'HTTP/1.1 408 Request Timeout\r\n\r\n')
  await door.closed
  client.destroy()
})

test('a connection that was slow to read is cut when it says nothing more', async () => {
  await using door = await openDoor({ keepAliveMs: 100 })
  const client = connect(door.port, '127.0.0.1').on('error', () => {})
  client.pause()
  client.write(get('/large'))
  assert.equal(await door.cutAtOnce, false)
  client.resume()
  await door.closed
})

test('an idle connection is kept as long as one of Node', async () => {
  await using door = await openDoor({ keepAliveMs: 60_000 })
  door.server.keepAliveTimeout = 60_000
  for (const path of ['/now', '/node']) {
    const client = openRaw(door.port)
    await client.ask(get(path))
    const socket = await door.arrived(1)
    await until(() => socket.timeout !== 0)
    assert.equal(socket.timeout, 61_000, path)
    client.end()
    await once(socket, 'close')
  }
})

test('a connection whose client reads nothing of an answer is cut', async () => {
  await using door = await openDoor({ keepAliveMs: 100 })
  const client = connect(door.port, '127.0.0.1').on('error', () => {})
  client.pause()
  client.write(get('/large'))
  await door.closed
  client.destroy()
})

test('a body is taken in pieces; what comes with its end is the next request', async () => {
  await using door = await openDoor()
  const client = openRaw(door.port)
  let sent = 0
  for (const piece of [put('a', 4), 'b', 'c']) {
    client.send(piece)
    sent += piece.length
    await door.arrived(sent)
  }
  assert.deepEqual(bodies(await client.ask('d')), ['quick PUT /abcd'])
  client.send(put('e', 2))
  await door.arrived(sent + 1 + put('e', 2).length)
  const text = await client.ask(`f${get('/now/2')}`, 2)
  assert.deepEqual(bodies(text), ['node PUT /given', 'node GET /now/2'])
  client.end()
})

test('a body that pauses, or is not taken in the end, is read by Node with its head', async () => {
  await using door = await openDoor({ silentBodyMs: 20 })
  for (const first of ['slow', 'n']) {
    const client = openRaw(door.port)
    client.send(put(first, first.length + 1))
    const pause = first === 'slow' ? 100 : 0
    await new Promise(resolve => setTimeout(resolve, pause))
    assert.deepEqual(bodies(await client.ask('!')), ['node PUT /given'])
    client.end()
  }
})

test('a body that pauses while the server stops is still taken, however it comes', async () => {
  await using door = await openDoor({ silentBodyMs: 20 })
  const client = openRaw(door.port)
  const body = 'x'.repeat(70)
  const head = put('', body.length)
  client.send(head)
  const socket = await door.arrived(head.length)
  door.server.closeIdleConnections()
  await once(socket, 'timeout')
  for (const [index, piece] of [...body.slice(1)].entries()) {
    client.send(piece)
    await door.arrived(head.length + index + 1)
  }
  assert.deepEqual(bodies(await client.ask('x')), [`quick PUT /${body}`])
  client.end()
})

test('a body in more pieces than are worth it is read by Node', async () => {
  await using door = await openDoor()
  const client = openRaw(door.port)
  const body = 'x'.repeat(70)
  client.send(put('', body.length))
  let sent = put('', body.length).length
  for (const piece of body.slice(1)) {
    client.send(piece)
    sent += 1
    await door.arrived(sent)
  }
  assert.deepEqual(bodies(await client.ask('x')), ['node PUT /given'])
  client.end()
})

test('a client that ends in the middle of a body is told so', async () => {
  await using door = await openDoor()
  const client = connect({ port: door.port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => {})
  let text = ''
  client.setEncoding('latin1').on('data', chunk => {
    text += chunk
  })
  client.end(put('half', 5))
  await once(client, 'end')
  assert.equal(text, 'HTTP/1.1 400 Bad Request\r\n\r\n')
  await door.closed
})

test('a connection is told of when it is for Node, before Node reads it', async () => {
  const seen: string[] = []
  await using door = await openDoor({ handedOver: () => void seen.push('handed over') })
  door.server.prependListener('request', ({ url = '' }) => void seen.push(url))
  const client = connect(door.port, '127.0.0.1')
  client.write('GET /now HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(client, 'data')
  assert.deepEqual(seen, [])
  for (const url of ['/one', '/two']) {
    client.write(`GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await until(() => seen.at(-1) === url)
  }
  assert.deepEqual(seen, ['handed over', '/one', '/two'])
  client.destroy()
})
