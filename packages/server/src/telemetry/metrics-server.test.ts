import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { IdentityCounts } from '@holdfast/engine/identity/identity-counts.ts'
import { openRaw } from '../raw-client.test.ts'
import { Metrics, type StoreFigures } from './metrics.ts'
import { metricsServer } from './metrics-server.ts'

const get = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'
const up = { status: 'up', critical: true, latency_ms: 1, reason: '' } as const
const parts = { database: up, storage: up, disk: up, redis: up, audit: up }
const figures: StoreFigures = {
  ...{
    stats: { assets: 0, bytes: 0, services: {} },
    blobs: { blobs: 0, bytes: 0, dead: 0, deadBlobs: 0 },
    connections: { open: 0, max: 1, closed: { idle: 0, refused: 0 } },
    damaged: 0,
  },
  ...{
    freeBytes: 1,
    totalBytes: 2,
    parts,
    active: 0,
    redis: undefined,
    certificateEndsMs: undefined,
  },
  identity: {
    ...{ counts: new IdentityCounts([]), remembered: 0, activeAccounts: 0 },
    ...{ signingKeys: 0, signsUntilMs: undefined },
  },
}

interface Scraped extends AsyncDisposable {
  readonly port: number
  /** How often the store was asked for its figures. */
  readonly asked: number
}

async function open(read: () => Promise<StoreFigures>): Promise<Scraped> {
  let asked = 0
  const metrics = new Metrics(async () => {
    asked += 1
    return await read()
  })
  const server: Server = metricsServer(metrics).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    get asked() {
      return asked
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

test('a connection that asks a thousand times at once is answered once', async () => {
  await using scraped = await open(async () => figures)
  const client = openRaw(scraped.port)
  const text = await client.ask(get.repeat(1000), 1000)
  assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 1)
  assert.equal(scraped.asked, 1)
})

test('whoever asks while the figures are read gets the same ones', async () => {
  const reading = Promise.withResolvers<StoreFigures>()
  await using scraped = await open(async () => await reading.promise)
  const clients = Array.from({ length: 5 }, () => openRaw(scraped.port))
  const answers = clients.map(async client => await client.ask(get))
  while (scraped.asked === 0) await new Promise(setImmediate)
  // By then the five before it are being answered.
  assert.match(await openRaw(scraped.port).ask('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), / 404 /)
  reading.resolve(figures)
  for (const answer of await Promise.all(answers)) assert.match(answer, /\nstorage_damaged_blobs 0/)
  assert.equal(scraped.asked, 1)
  assert.match(await openRaw(scraped.port).ask(get), / 200 /)
  assert.equal(scraped.asked, 2)
})

test('a client that leaves in the middle harms nobody', async () => {
  const reading = Promise.withResolvers<StoreFigures>()
  await using scraped = await open(async () => await reading.promise)
  const socket = connect({ port: scraped.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {}).write(get)
  while (scraped.asked === 0) await new Promise(setImmediate)
  socket.resetAndDestroy()
  reading.resolve(figures)
  assert.match(await openRaw(scraped.port).ask('CONNECT\r\n\r\n'), / 400 /)
  assert.match(await openRaw(scraped.port).ask(get), / 200 /)
})

test('a body that goes on has no connection after the answer', async () => {
  await using scraped = await open(async () => figures)
  for (const path of ['/metrics', '/other']) {
    const socket = connect({ port: scraped.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {})
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n`)
    const going = setInterval(() => socket.write('x'), 100)
    try {
      await once(socket.resume(), 'end', { signal: AbortSignal.timeout(20_000) })
    } finally {
      clearInterval(going)
      socket.destroy()
    }
  }
})
