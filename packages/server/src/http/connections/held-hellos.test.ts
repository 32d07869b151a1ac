import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import { connect as connectPlain, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { holdHellos, isHelloWhole } from './held-hellos.ts'

const dir = mkdtempSync(join(tmpdir(), 'holdfast-hellos-'))
after(() => rmSync(dir, { recursive: true, force: true }))

/** What a client of TLS says first. */
async function newHello(): Promise<Buffer> {
  return await new Promise(resolve => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _coding, done) {
        resolve(chunk)
        done()
      },
    })
    connect({ socket: wire, servername: 'localhost' }).on('error', () => {})
  })
}

/** The same message in records of so many bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const records: Buffer[] = []
  for (let at = 5; at < hello.length; at += size) {
    const part = hello.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part)
  }
  return Buffer.concat(records)
}

async function openServer(turn: (socket: Socket) => Promise<void> | undefined) {
  const [cert, key] = [join(dir, 'tls.crt'), join(dir, 'tls.key')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const subject = ['-subj', '/CN=localhost', '-days', '3650']
  const files = ['-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, ...files], { stdio: 'ignore' })
  const options = { cert: readFileSync(cert), key: readFileSync(key) }
  const server = createServer(options, (_, response) => response.end('hello'))
  holdHellos(server, turn, systemClock)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function secured(port: number) {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  return socket
}

test('a hello is whole with its last byte, in however many records it comes', async () => {
  const hello = await newHello()
  for (const size of [1, 3, 100, 16_384]) {
    const bytes = inRecords(hello, size)
    for (const length of [0, 1, 4, 5, 6, 9, 10, bytes.length - 1]) {
      assert.equal(isHelloWhole(bytes.subarray(0, length)), false, `${length} by ${size}`)
    }
    assert.equal(isHelloWhole(bytes), true)
  }
  // Node says what is wrong with it.
  assert.equal(isHelloWhole(Buffer.from('G')), true)
  assert.equal(isHelloWhole(Buffer.from([22, 3, 1, 0, 1, 2])), true)
})

test('handshakes are made when it is their turn, and not before the hello is whole', async () => {
  const waiting: (() => void)[] = []
  const asked: Socket[] = []
  await using server = await openServer(socket => {
    asked.push(socket)
    return new Promise(resolve => waiting.push(resolve))
  })
  const hello = await newHello()
  const slow = connectPlain(server.port, '127.0.0.1')
  slow.write(hello.subarray(0, -1))
  const client = secured(server.port)
  while (asked.length === 0) await new Promise(setImmediate)
  assert.equal(asked.length, 1, 'half a hello has no turn')
  slow.write(hello.subarray(-1))
  while (asked.length < 2) await new Promise(setImmediate)
  let answered = false
  slow.once('data', () => {
    answered = true
  })
  waiting.shift()?.()
  const socket = await client
  assert.equal(answered, false, 'the other still waits')
  waiting.shift()?.()
  await once(slow, 'data')
  socket.destroy()
  slow.destroy()
})

test('who leaves while it waits is forgotten, and what never is a hello is cut', async () => {
  const waiting: (() => void)[] = []
  const asked: Socket[] = []
  await using server = await openServer(socket => {
    asked.push(socket)
    return new Promise(resolve => waiting.push(resolve))
  })
  const gone = connectPlain(server.port, '127.0.0.1')
  gone.write(await newHello())
  while (asked.length === 0) await new Promise(setImmediate)
  gone.resetAndDestroy()
  while (asked[0]?.destroyed === false) await new Promise(setImmediate)
  waiting.shift()?.()
  const endless = connectPlain(server.port, '127.0.0.1').on('error', () => {})
  endless.write(Buffer.concat([Buffer.from([22, 3, 1, 255, 255, 1, 255]), Buffer.alloc(20_000)]))
  await once(endless, 'close')
  assert.equal(asked.length, 1)
  const client = secured(server.port)
  while (waiting.length === 0) await new Promise(setImmediate)
  waiting.shift()?.()
  const socket = await client
  socket.destroy()
})

test('bytes behind the hello are not lost', async () => {
  await using server = await openServer(() => undefined)
  const wire = connectPlain(server.port, '127.0.0.1')
  // As a slow network brings it.
  const split = new Duplex({
    read() {},
    write(chunk: Buffer, _coding, done) {
      const pieces = [chunk.subarray(0, 3), chunk.subarray(3, 200), chunk.subarray(200)]
      for (const piece of pieces) if (piece.length > 0) wire.write(piece)
      done()
    },
  })
  wire.setNoDelay().on('data', chunk => split.push(chunk))
  const socket = connect({ socket: split, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const [answer] = await once(socket, 'data')
  assert.match(String(answer), /hello$/)
  wire.destroy()
})
