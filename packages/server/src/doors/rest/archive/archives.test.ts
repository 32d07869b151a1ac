import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { setBucketDocument } from '@holdfast/engine/buckets/documents.ts'
import { systemCall } from '@holdfast/engine/engine.ts'
import { adminKey, owner, startServer, upload } from '../../../started-server.test.ts'

const MiB = 1024 * 1024
const FILES = 200
const READERS = 6

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

test('archives that nobody takes hold no records of their assets, and are counted', async () => {
  await using server = await startServer()
  const form = new FormData()
  const files = Array.from({ length: FILES }, (_, at) => ({
    filename: `${at}.txt`,
    content_type: 'text/plain',
  }))
  const metadata = { text: 'm'.repeat(30_000) }
  form.append('request', JSON.stringify({ service: 'tests', owner_id: owner, files, metadata }))
  for (const { filename } of files) form.append('file', new Blob([filename]), filename)
  const uploaded = await server.ask('POST /api/v2/assets/batch-upload', { body: form })
  assert.equal(uploaded.status, 201, uploaded.text.slice(0, 500))
  // More than sockets take by themselves, so that the rest waits.
  const first = await upload(server, 'x'.repeat(32 * MiB), { key: 'first' })
  const ids = [first.id, ...uploaded.json.map(({ id }: { id: string }) => id)]
  const { answers } = server.running.context
  const { hold } = answers
  const held: number[] = []
  answers.hold = (caller, bytes, response) => {
    held.push(bytes)
    hold.call(answers, caller, bytes, response)
  }
  const body = JSON.stringify({ ids, format: 'tar' })
  const head = [
    'POST /api/v2/assets/batch-download HTTP/1.1',
    'host: x',
    `authorization: Bearer ${adminKey}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
  ]
  const slow = async () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    const [start] = await once(socket, 'data')
    socket.pause()
    assert.match(String(start), /^HTTP\/1.1 200 /)
    return socket
  }
  const settled = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const sockets = [await slow()]
  const before = settled()
  while (sockets.length < READERS) sockets.push(await slow())
  const each = (settled() - before) / (READERS - 1)
  for (const socket of sockets) socket.destroy()
  assert.ok(each < MiB, `${Math.round(each / 1024)} KiB each`)
  assert.equal(held.length, READERS)
  assert.ok(held.every(bytes => bytes > FILES * 1024))
})

test('nothing comes of what a policy denies before the last is judged', async () => {
  await using server = await startServer()
  const { engine } = server.running.context
  const uploads = Array.from({ length: 45 }, (_, at) => upload(server, 'text', { key: `k${at}` }))
  const ids = (await Promise.all(uploads)).map(({ id }) => id)
  const made = await server.ask('POST /api/v2/keys', {
    json: { name: 'reader', permissions: ['assets:read'] },
  })
  const ask = async (partial: boolean) => {
    const json = { ids, partial, format: 'tar' }
    return await server.ask('POST /api/v2/assets/batch-download', { json, key: made.json.key })
  }
  const next = engine.lists.next.bind(engine.lists)
  const Resource = 'arn:aws:s3:::holdfast/*'
  const statement = { Effect: 'Deny', Principal: '*', Action: 's3:GetObject', Resource }
  const document = { Version: '2012-10-17', Statement: [statement] }
  let turns = 0
  const denyInTheSecond: typeof next = async caller => {
    await next(caller)
    turns += 1
    if (turns !== 2) return
    const set = { bucket: 'holdfast', name: 'policy', document } as const
    await setBucketDocument(engine, systemCall('tests'), set)
  }
  assert.equal((await ask(false)).text.match(/text\0/g)?.length, 45)
  engine.lists.next = denyInTheSecond
  const late = await ask(true)
  assert.deepEqual([late.status, late.text.match(/text\0/g), failures(late.text)], [200, null, 45])
  assert.equal((await ask(false)).status, 404)
})

function failures(text: string): number {
  return text.match(/"code"/g)?.length ?? 0
}
