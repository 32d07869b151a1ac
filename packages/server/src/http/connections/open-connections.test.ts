import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { OpenConnections } from './open-connections.ts'

class Client extends EventEmitter {
  readonly remoteAddress: string
  destroyed = false

  constructor(remoteAddress: string) {
    super()
    this.remoteAddress = remoteAddress
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    // As Node does: not at once.
    process.nextTick(() => this.emit('close'))
  }
}

/** Doors where nothing but connections is, and nobody is connected really. */
function openDoors(max: number) {
  const clock = { ms: 0, monotonic: () => clock.ms }
  const warned: object[] = []
  const log = { warn: (told: object) => warned.push(told) }
  const connections = new OpenConnections({ max, clock, log })
  const taken: unknown[] = []
  const door = () => {
    const server = createServer()
    server.removeAllListeners('connection')
    server.on('connection', socket => taken.push(socket))
    connections.watch(server)
    return server
  }
  const main = door()
  const connect = (address: string, server: Server = main) => {
    const client = new Client(address)
    server.emit('connection', client)
    return client
  }
  const of = (client: Client) => connections.of(client as unknown as Socket)
  return { connections, clock, warned, taken, door, main, connect, of }
}

const openOf = (clients: readonly Client[]) => clients.map(({ destroyed }) => !destroyed)

test('at the bound the longest idle one of the address that has most makes room', () => {
  const { connections, connect, of, door, taken } = openDoors(6)
  const s3 = door()
  const many = [connect('192.0.2.1'), connect('192.0.2.1', s3), connect('192.0.2.1')]
  const few = [connect('192.0.2.2'), connect('192.0.2.2')]
  const last = connect('192.0.2.3')
  // The first has just been answered: the second is idle for longer.
  of(many[0] as Client).begin()
  of(many[0] as Client).end()
  const newcomer = connect('192.0.2.4')
  assert.deepEqual(openOf(many), [true, false, true])
  assert.deepEqual(openOf([...few, last, newcomer]), [true, true, true, true])
  assert.equal(taken.at(-1), newcomer)
  assert.equal(connections.open, 6)
  assert.deepEqual(connections.closed, { idle: 1, refused: 0 })
})

test('addresses are those of callers: an IPv6 network, and one of IPv4 however it is spelt', () => {
  const { connect } = openDoors(4)
  const network = [connect('2001:db8::1'), connect('2001:db8::2:3')]
  const others = [connect('::ffff:192.0.2.1'), connect('192.0.2.2')]
  connect('192.0.2.3')
  assert.deepEqual(openOf([...network, ...others]), [false, true, true, true])
})

test('what is at work is never cut: idle ones of others go, then newcomers', () => {
  const { connections, connect, of } = openDoors(4)
  const busy = [connect('192.0.2.1'), connect('192.0.2.1'), connect('192.0.2.1')]
  for (const client of busy) of(client).begin()
  const idle = connect('192.0.2.2')
  // It has most by far, and nothing to give.
  const more = connect('192.0.2.1')
  assert.deepEqual(openOf([...busy, idle, more]), [true, true, true, true, false])
  const newcomer = connect('192.0.2.3')
  assert.deepEqual(openOf([...busy, idle, newcomer]), [true, true, true, false, true])
  of(newcomer).begin()
  assert.equal(connect('192.0.2.4').destroyed, true)
  assert.deepEqual(connections.closed, { idle: 1, refused: 2 })
  assert.equal(connections.open, 4)
  // Two at work on one connection: it is idle when both are over.
  const [first] = busy as [Client]
  of(first).begin()
  of(first).end()
  assert.equal(connect('192.0.2.4').destroyed, true)
  of(first).end()
  assert.equal(connect('192.0.2.4').destroyed, false)
  assert.equal(first.destroyed, true)
  assert.throws(() => of(more), /not watched/)
})

test('whoever is alone, as a proxy is, loses idle ones alone, and none below the bound', () => {
  const { connections, connect, of } = openDoors(1000)
  const kept = Array.from({ length: 1000 }, () => connect('192.0.2.1'))
  assert.equal(kept.filter(({ destroyed }) => destroyed).length, 0)
  for (const client of kept.slice(0, 500)) of(client).begin()
  const more = Array.from({ length: 400 }, () => connect('192.0.2.1'))
  assert.equal(more.filter(({ destroyed }) => destroyed).length, 0)
  assert.deepEqual(openOf(kept), [
    ...Array<boolean>(500).fill(true),
    ...Array<boolean>(400).fill(false),
    ...Array<boolean>(100).fill(true),
  ])
  assert.equal(connections.open, 1000)
})

test('places are free again when connections close, in whatever order', async () => {
  const { connections, connect, of } = openDoors(60)
  let seed = 7
  const below = (count: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % count
  }
  const open: Client[] = []
  for (let step = 0; step < 3000; step += 1) {
    const at = below(open.length + 1)
    const chosen = open[at]
    if (chosen === undefined || below(3) === 0) open.push(connect(`192.0.2.${below(7)}`))
    else if (below(2) === 0) chosen.destroy()
    else if (of(chosen).isIdle) of(chosen).begin()
    else of(chosen).end()
    if (step % 10 === 0) await new Promise(setImmediate)
    open.splice(0, open.length, ...open.filter(({ destroyed }) => !destroyed))
    assert.ok(connections.open <= 60)
  }
  await new Promise(setImmediate)
  assert.equal(connections.open, open.length)
  for (const client of open) client.destroy()
  await new Promise(setImmediate)
  assert.equal(connections.open, 0)
  const fresh = Array.from({ length: 60 }, () => connect('192.0.2.9'))
  assert.ok(fresh.every(({ destroyed }) => !destroyed))
})

test('a door that stops closes its idle ones, and all of its own when told to', () => {
  const { connect, of, door, main } = openDoors(10)
  const s3 = door()
  const [idle, busy, other] = [connect('192.0.2.1'), connect('192.0.2.1'), connect('192.0.2.1', s3)]
  of(busy).begin()
  main.closeIdleConnections()
  assert.deepEqual(openOf([idle, busy, other]), [false, true, true])
  assert.equal(of(busy).isClosing, true)
  assert.equal(of(other).isClosing, false)
  main.closeAllConnections()
  assert.deepEqual(openOf([busy, other]), [false, true])
})

test('the log is told at most once a minute', () => {
  const { clock, warned, connect } = openDoors(1)
  for (const ms of [0, 30_000, 59_999, 60_000]) {
    clock.ms = ms
    connect('192.0.2.1')
    connect('192.0.2.1')
  }
  assert.deepEqual(warned, [
    { max: 1, idle: 1, refused: 0 },
    { max: 1, idle: 6, refused: 0 },
  ])
})
