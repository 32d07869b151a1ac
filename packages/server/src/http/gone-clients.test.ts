import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { RequestListener, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { connect as tlsConnect } from 'node:tls'
import { nodeDisk } from '@holdfast/drivers/disk/node-disk.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { parseSettings } from '../config/parse-settings.ts'
import { openLog } from '../telemetry/log.ts'
import { Certificate } from './certificate.ts'

const dir = mkdtempSync(join(tmpdir(), 'holdfast-gone-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const pair = { certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') }
const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x']
const files = ['-keyout', pair.keyFile, '-out', pair.certFile]
execFileSync('openssl', ['req', '-x509', ...kind, ...files], { stdio: 'ignore' })

/** Shakes hands, and sends the last of that, the request and a reset in one go. */
async function askAndLeave(port: number, request: Uint8Array): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  const held: Buffer[] = []
  let isAnswered = false
  const below = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _, done) => {
      if (isAnswered) held.push(chunk)
      else socket.write(chunk)
      done()
    },
  })
  socket.on('data', chunk => {
    isAnswered = true
    below.push(chunk)
  })
  const client = tlsConnect({ socket: below, rejectUnauthorized: false, minVersion: 'TLSv1.3' })
  client.on('error', () => {})
  await once(client, 'secureConnect')
  await new Promise(resolve => client.write(request, resolve))
  socket.write(Buffer.concat(held))
  socket.resetAndDestroy()
  await once(socket, 'close')
  client.destroy()
}

/** Whatever the kernel knows already has been told by then. */
async function rounds(): Promise<void> {
  for (let round = 0; round < 20; round += 1) await setImmediate()
}

/** A server over TLS that looks for clients that are gone, by a clock of the test. */
async function watchedServer(listener: RequestListener) {
  const clock = new FakeClock(Date.now())
  const log = openLog(parseSettings({ env: {} }).settings, '1', { write: () => {} })
  const certificate = new Certificate(
    { ...pair, minVersion: 'TLSv1.2' },
    { disk: nodeDisk, clock, log },
  )
  const server = certificate.serve({}, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const over = new AbortController()
  const watching = certificate.watch(over.signal)
  const close = async () => {
    over.abort()
    await watching
    server.closeAllConnections()
    server.close()
  }
  return { clock, port: address.port, [Symbol.asyncDispose]: close }
}

const get = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')

for (const isRead of [true, false]) {
  const how = isRead ? 'is read to its end' : 'is read no further'
  test(`an answer to who left with the handshake is given up, the connection ${how}`, async () => {
    const asked = Promise.withResolvers<ServerResponse>()
    await using server = await watchedServer(({ socket }, response) => {
      if (!isRead) socket.pause()
      // The tickets of the handshake go out first, and meet the reset.
      global.setImmediate(() => {
        response.end('x')
        asked.resolve(response)
      })
    })
    await askAndLeave(server.port, get)
    const response = await asked.promise
    await rounds()
    // What this is about: the answer has been written, and nothing tells of its end.
    assert.deepEqual([response.writableEnded, response.closed], [true, false])
    await server.clock.advance(2_000)
    await rounds()
    assert.equal(response.closed, true)
  })
}

test('a client that is slow to take its answer is not taken for gone', async () => {
  const large = Buffer.alloc(32 * 1024 * 1024, 'slow ')
  await using server = await watchedServer((_, response) => response.end(large))
  const { port } = server
  const client = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  try {
    // Half-closed besides: it has said all that it will.
    client.end(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))
    await once(client, 'readable')
    await server.clock.advance(20_000)
    let bytes = 0
    for await (const chunk of client) bytes += chunk.length
    assert.ok(bytes > large.length)
  } finally {
    client.destroy()
  }
})
