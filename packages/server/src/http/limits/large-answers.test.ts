import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { startS3 } from '../../doors/s3/started-s3.test.ts'
import { adminKey, owner, startServer } from '../../started-server.test.ts'
import { holderOf, LargeAnswers } from './large-answers.ts'

const MiB = 1024 * 1024
const code = { code: 'TOO_MANY_REQUESTS' }

const room = { answerBytesMax: 256 * MiB, ownAnswerBytesMax: 64 * MiB }

class Response extends EventEmitter {
  closed = false
}

test('large answers that nobody takes are bounded, of one caller and of all', () => {
  const answers = new LargeAnswers(room)
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
  for (const caller of ['b', 'c', 'd', 'e']) hold(caller, 60 * MiB)
  assert.throws(() => hold('a', 2 * MiB), code, 'newcomers alone go further')
  for (const caller of ['f', 'g', 'h']) hold(caller, 60 * MiB)
  assert.throws(() => hold('i', 60 * MiB), code)
  taken.emit('close')
  hold('i', 60 * MiB)
})

test('what grows counts with each step, less counts as well, and all of it until its end', () => {
  const answers = new LargeAnswers(room)
  const response = new Response()
  const grow = answers.growing('a', response as never)
  for (let at = 0; at < 100; at += 1) grow(MiB)
  assert.equal(response.listenerCount('close'), 1)
  const other = answers.growing('a', new Response() as never)
  assert.throws(() => other(1), code)
  grow(-40 * MiB)
  other(4 * MiB)
  assert.throws(() => grow(1), code)
  grow(-60 * MiB)
  grow(60 * MiB)
  assert.throws(() => other(1), code)
  response.closed = true
  response.emit('close')
  grow(MiB)
  other(60 * MiB)
  assert.throws(() => answers.hold('a', MiB, new Response() as never), code)
})

test('long pages of one caller are made one by one, whatever becomes of them', async () => {
  const answers = new LargeAnswers(room)
  const steps: string[] = []
  const make = (caller: string, name: string) =>
    answers.inLine(caller, async () => {
      steps.push(`${name} begins`)
      await nextTurn()
      steps.push(`${name} ends`)
      if (name === 'bad') throw new Error(name)
      return name
    })
  const made = [make('a', 'bad'), make('a', 'good'), make('b', 'other')]
  const outcomes = await Promise.allSettled(made)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
  const expected = ['bad begins', 'other begins', 'bad ends', 'good begins']
  assert.deepEqual(steps, [...expected, 'other ends', 'good ends'])
  assert.equal(await make('a', 'later'), 'later')
})

test('who has left holds nothing', () => {
  const answers = new LargeAnswers(room)
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
  assert.equal((await server.ask(`GET ${page}`)).status, 200)
  const ofOne = turns
  // Its own, three for pieces of what is read, and one for each half megabyte that is written.
  assert.ok(ofOne > 34, `${ofOne} turns`)
  turns = 0
  const sockets = Array.from({ length: 5 }, () => {
    const socket = connect(server.port, '127.0.0.1').pause()
    socket.write(`GET ${page} HTTP/1.1\r\nhost: x\r\nx-api-key: ${adminKey}\r\n\r\n`)
    return socket
  })
  await Promise.all(sockets.map(socket => once(socket, 'readable')))
  assert.equal((await server.ask(`GET ${page}`)).json.code, 'TOO_MANY_REQUESTS')
  assert.equal(turns, 6 * ofOne)
  assert.equal((await server.ask(`GET ${path}/versions/history?limit=5`)).status, 200)
  turns = 0
  await server.ask(`GET ${path}/links?limit=10`)
  assert.equal(turns, 0)
  await server.ask(`GET ${path}/links`)
  assert.equal(turns, 1, 'it has a hundred unless told otherwise')
  for (const socket of sockets) socket.destroy()
  await server.ask('GET /health/live')
  let status = 429
  for (let at = 0; at < 100 && status === 429; at += 1) {
    status = (await server.ask(`GET ${page}`)).status
  }
  assert.equal(status, 200)
})

test('strangers are told apart by their addresses, and are nobody else', () => {
  const holders = [
    holderOf({ kind: 'anonymous', id: 'anonymous' }, '1.1.1.1'),
    holderOf({ kind: 'anonymous', id: 'anonymous' }, '2.2.2.2'),
    holderOf({ kind: 'user', id: '1.1.1.1' }, '1.1.1.1'),
  ]
  assert.equal(new Set(holders).size, 3)
  const [stranger] = holders
  const visitor = { kind: 'share', id: 'whoever made the link' } as const
  assert.equal(holderOf(visitor, '1.1.1.1'), stranger, 'nor whoever made their link')
  assert.equal(holderOf({ kind: 'user', id: 'a' }, '1'), holderOf({ kind: 'user', id: 'a' }, '2'))
})

test('a batch whose answer has no room is refused before it is done', async () => {
  await using server = await startServer()
  const { answers } = server.running.context
  const { json: me } = await server.ask('GET /api/v2/auth/me')
  const files = Array.from({ length: 100 }, (_, at) => ({
    filename: `${at}`,
    key: `k${at}`,
    content_type: 'text/plain',
  }))
  const metadata = { text: 'm'.repeat(30_000) }
  const send = () => {
    const body = new FormData()
    body.append('request', JSON.stringify({ files, metadata, service: 's', owner_id: owner }))
    for (const { filename } of files) body.append('files', new Blob(['x']), filename)
    return server.ask('POST /api/v2/assets/batch-upload', { body })
  }
  const waiting = new Response()
  answers.hold(me.id, 62 * MiB, waiting as never)
  const refused = await send()
  assert.deepEqual([refused.status, refused.json.code], [429, code.code])
  assert.equal(refused.headers['retry-after'], '1')
  assert.equal((await server.ask('GET /api/v2/assets?limit=1')).json.total, 0)
  waiting.emit('close')
  const hold = answers.hold.bind(answers)
  let held = 0
  answers.hold = (...args) => {
    held += 1
    hold(...args)
  }
  const done = await send()
  assert.equal(done.status, 201)
  assert.ok(done.text.length > MiB)
  assert.equal(held, 1, 'before it was done, and not once more')
})

test('documents of S3 that nobody takes are bounded, too', async () => {
  await using s3 = await startS3()
  const { answers } = s3.server.running.context
  // Each of these letters is six in a document.
  const keys = Array.from({ length: 200 }, (_, at) => `${'"'.repeat(1000)}${at}`)
  for (const key of keys) await s3.send(`PUT /holdfast/${encodeURIComponent(key)}`)
  const holders: string[] = []
  let isFull = false
  answers.hold = (holder, bytes) => {
    if (bytes < MiB) return
    holders.push(holder)
    if (isFull) throw new HoldfastError('TOO_MANY_REQUESTS')
  }
  const objects = keys.map(key => `<Object><Key>${key}</Key></Object>`).join('')
  const asks = [
    ['GET /holdfast?list-type=2', {}],
    ['GET /holdfast', {}],
    ['GET /holdfast?versions', {}],
    ['POST /holdfast?delete', { body: `<Delete>${objects}</Delete>` }],
  ] as const
  isFull = true
  for (const [line, options] of asks) {
    const answer = await s3.send(line, options)
    assert.deepEqual([answer.status, answer.code], [503, 'SlowDown'], line)
    assert.equal(answer.headers['retry-after'], '1')
  }
  isFull = false
  let turns = 0
  const { engine } = s3.server.running.context
  const { next } = engine.lists
  engine.lists.next = async caller => {
    turns += 1
    await next.call(engine.lists, caller)
  }
  for (const [line, options] of asks) {
    const { status, text } = await s3.send(line, options)
    assert.deepEqual([status, text.length > MiB], [200, true], line)
    assert.equal(text.split('<Key>').length, 201, 'nothing was removed where it was refused')
  }
  assert.equal(turns, 3 + 27, 'of lists, of a document and its answer, and of 25 slices')
  assert.equal(holders.length, 8, 'one time for each')
  turns = 0
  await s3.send('GET /holdfast?uploads')
  assert.equal(turns, 1)
  const part = '<Part><PartNumber>1</PartNumber><ETag>"e"</ETag></Part>'
  const completion = `<CompleteMultipartUpload>${part.repeat(2000)}</CompleteMultipartUpload>`
  turns = 0
  await s3.send('POST /holdfast/k?uploadId=u', { body: completion, auth: 'none' })
  assert.equal(turns, 1, 'a long document is read in a turn of its own')
  assert.equal((await s3.send('HEAD /holdfast?list-type=2')).status, 200)
  assert.equal(holders.length, 8)
})

test('pages of share links have turns, and are bounded where nobody takes them', async () => {
  await using server = await startServer()
  // Each of these letters is five in a page, twice.
  const keys = Array.from({ length: 200 }, (_, at) => `${'&'.repeat(1000)}${at}`)
  for (const key of keys) {
    await server.ask(`PUT /api/v2/buckets/holdfast/assets/${encodeURIComponent(key)}`, {
      body: 'a',
    })
  }
  const share = await server.ask('POST /api/v2/shares', { json: { bucket: 'holdfast' } })
  const page = new URL(share.json.url).pathname
  const { answers, engine } = server.running.context
  const holders: string[] = []
  let isFull = true
  answers.hold = (holder, bytes) => {
    if (bytes >= MiB) holders.push(holder)
    if (isFull && bytes >= MiB) throw new HoldfastError('TOO_MANY_REQUESTS')
  }
  let turns = 0
  const { next } = engine.lists
  engine.lists.next = async caller => {
    if (caller === 'anonymous 127.0.0.1') turns += 1
    await next.call(engine.lists, caller)
  }
  assert.equal((await server.ask(`GET ${page}`, { key: null })).status, 429)
  isFull = false
  assert.equal((await server.ask(`GET ${page}`, { key: null })).status, 200)
  // Each waits for its page, and between the pieces in which that is read.
  assert.equal(turns, 4)
  assert.deepEqual(holders, ['anonymous 127.0.0.1', 'anonymous 127.0.0.1'])
})

test('how much may wait, arrive and be made is what the settings say', async () => {
  await using s3 = await startS3({
    env: {
      STORAGE_MEMORY_LIMIT_ANSWERS: '8MiB',
      STORAGE_MEMORY_LIMIT_ANSWERS_CALLER: '3MiB',
      STORAGE_MEMORY_LIMIT_DOCUMENTS: '5MiB',
      STORAGE_MEMORY_LIMIT_DOCUMENTS_CALLER: '4MiB',
      STORAGE_API_KEYS_PER_MAKER: '3',
      STORAGE_CATALOG_READERS: '5',
      STORAGE_AUDIT_RUNS_PER_CALLER: '4',
      STORAGE_S3_KEYS_PER_USER: '1',
      STORAGE_SHARES_PER_MAKER: '2',
    },
  })
  const { server } = s3
  const { answers } = server.running.context
  const hold = (caller: string, bytes: number) => {
    answers.hold(caller, bytes, new Response() as never)
  }
  hold('a', 2 * MiB)
  assert.throws(() => hold('a', 2 * MiB), code)
  for (const caller of ['b', 'c']) hold(caller, 7 * MiB)
  assert.throws(() => hold('d', MiB), code, 'newcomers have twice as much')
  // A document that never ends takes its place; the next one of the same caller finds none.
  const waiting = connect(Number(new URL(s3.url).port), '127.0.0.1')
  const fields = `host: ${s3.host}\r\nexpect: 100-continue\r\ncontent-length: ${4 * MiB}`
  waiting.write(`POST /holdfast/k?uploadId=u HTTP/1.1\r\n${fields}\r\n\r\n`)
  assert.match(String(await once(waiting, 'data')), /^HTTP\/1.1 100 /)
  const more = { auth: 'none', body: 'x'.repeat(20_000) } as const
  assert.equal((await s3.send('POST /holdfast/k?uploadId=u', more)).code, 'SlowDown')
  waiting.destroy()
  const share = async () => {
    return (await server.ask('POST /api/v2/shares', { json: { bucket: 'holdfast' } })).status
  }
  assert.deepEqual([await share(), await share(), await share()], [201, 201, 413])
  const { limits } = server.running.context.engine
  const { userKeysMax, makerKeysMax, momentsMax, auditRunsMax } = limits
  assert.deepEqual([userKeysMax, makerKeysMax, momentsMax, auditRunsMax], [1, 3, 5, 4])
})
