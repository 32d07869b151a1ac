import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { adminKey, startServer } from '../../started-server.test.ts'
import { LargeAnswers } from './large-answers.ts'

const MiB = 1024 * 1024
const code = { code: 'TOO_MANY_REQUESTS' }

class Response extends EventEmitter {
  closed = false
}

test('large answers that nobody takes are bounded, of one caller and of all', () => {
  const answers = new LargeAnswers()
  const hold = (caller: string, bytes: number) => {
    const response = new Response()
    answers.hold(caller, bytes, response as never)
    return response
  }
  const first = hold('a', 100 * MiB)
  assert.throws(() => hold('a', MiB), code)
  hold('a', MiB - 1)
  first.emit('close')
  const taken = hold('a', 40 * MiB)
  assert.throws(() => hold('a', 25 * MiB), code)
  for (const caller of ['b', 'c', 'd']) hold(caller, 60 * MiB)
  assert.throws(() => hold('e', 60 * MiB), code)
  taken.emit('close')
  hold('e', 60 * MiB)
})

test('who has left holds nothing', () => {
  const answers = new LargeAnswers()
  const left = new Response()
  left.closed = true
  for (let at = 0; at < 10; at += 1) answers.hold('a', 60 * MiB, left as never)
  answers.hold('a', 60 * MiB, new Response() as never)
})

test('who takes nothing of long pages gets no more of them, and others are served', async () => {
  await using server = await startServer()
  const put = await server.ask('PUT /api/v2/buckets/holdfast/assets/a', { body: 'a' })
  const path = `/api/v2/assets/${put.json.id}`
  // Of each change the history tells what was and what is.
  for (let at = 0; at < 300; at += 1) {
    await server.ask(`PUT ${path}/metadata`, { json: { text: `${at}`.padEnd(30_000, 'm') } })
  }
  const { engine } = server.running.context
  let turns = 0
  const next = engine.lists.next.bind(engine.lists)
  engine.lists.next = async caller => {
    turns += 1
    await next(caller)
  }
  const page = `${path}/versions/history?limit=1000`
  const sockets = Array.from({ length: 5 }, () => {
    const socket = connect(server.port, '127.0.0.1').pause()
    socket.write(`GET ${page} HTTP/1.1\r\nhost: x\r\nx-api-key: ${adminKey}\r\n\r\n`)
    return socket
  })
  await Promise.all(sockets.map(socket => once(socket, 'readable')))
  assert.equal((await server.ask(`GET ${page}`)).json.code, 'TOO_MANY_REQUESTS')
  assert.equal(turns, 6, 'one turn for each long page')
  assert.equal((await server.ask(`GET ${path}/versions/history?limit=5`)).status, 200)
  for (const socket of sockets) socket.destroy()
  await server.ask('GET /health/live')
  let status = 429
  for (let at = 0; at < 100 && status === 429; at += 1) {
    status = (await server.ask(`GET ${page}`)).status
  }
  assert.equal(status, 200)
})
