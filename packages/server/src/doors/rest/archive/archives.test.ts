import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
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
