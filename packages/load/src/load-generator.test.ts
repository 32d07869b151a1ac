import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { LoadGenerator } from './load-generator.ts'
import type { LoadPlan } from './load-plan.ts'

/** A server that answers nothing by itself, and the first request that it is asked. */
async function waiting() {
  const asked = Promise.withResolvers<ServerResponse>()
  const server = createServer((_, response) => asked.resolve(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const plan: LoadPlan = {
    port: address.port,
    connections: 1,
    traffic: { kind: 'call', paths: ['/'], headers: {} },
    until: { operations: 1 },
    deadlineMs: 60_000,
    serverPids: [],
  }
  return {
    plan,
    asked: asked.promise,
    [Symbol.dispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

test('a load process ends with its parent, in the middle of a plan too', async () => {
  using server = await waiting()
  const child = fork(join(import.meta.dirname, 'load-process.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  assert.ok(child.stderr)
  const said = text(child.stderr)
  const ended = once(child, 'exit')
  child.send(server.plan)
  const answer = await server.asked
  child.disconnect()
  answer.end('late')
  assert.deepEqual([await ended, await said], [[0, null], ''])
})

test('a plan for a load process that has ended, or ends, is refused', async () => {
  using server = await waiting()
  using generator = new LoadGenerator()
  const running = generator.run(server.plan)
  await server.asked
  generator[Symbol.dispose]()
  await assert.rejects(running, /the load process ended/)
  await assert.rejects(generator.run(server.plan), /the load process ended/)
})
