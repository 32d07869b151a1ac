import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { startS3 } from './started-s3.test.ts'

const LONGEST = 4 * 1024 * 1024
const ASK = 'POST /holdfast?delete'

/** The first line that the server says to a document that is announced, and the line to it. */
async function announce(host: string, bytes: number): Promise<{ said: string; socket: Socket }> {
  const [hostname = '', port] = host.split(':')
  const socket = connect(Number(port), hostname)
  const head = [`${ASK} HTTP/1.1`, `Host: ${host}`, `Content-MD5: ${'A'.repeat(22)}==`]
  const body = [`Content-Length: ${bytes}`, 'Expect: 100-continue']
  socket.on('error', () => {}).write(`${[...head, ...body].join('\r\n')}\r\n\r\n`)
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return { said: chunk.toString('latin1').split('\r\n')[0] ?? '', socket }
}

test('strangers that let the server wait for documents do not fill its memory', async () => {
  await using s3 = await startS3()
  const open: Socket[] = []
  const say = async (bytes = LONGEST) => {
    const { said, socket } = await announce(s3.host, bytes)
    open.push(socket)
    return said
  }
  try {
    for (let count = 0; count < 8; count += 1) {
      assert.equal(await say(), 'HTTP/1.1 100 Continue')
    }
    assert.equal(await say(), 'HTTP/1.1 503 Service Unavailable')
    assert.equal(await say(1000), 'HTTP/1.1 100 Continue', 'a small one needs no room')
    const signed = await s3.send(ASK, { body: `<Delete>${' '.repeat(100_000)}` })
    assert.equal(signed.code, 'MalformedXML', 'who shows a key has room of its own')
    for (const socket of open) socket.destroy()
    // Whoever left is noticed a moment later.
    while ((await say()) !== 'HTTP/1.1 100 Continue') await new Promise(setImmediate)
  } finally {
    for (const socket of open) socket.destroy()
  }
})

test('long documents of strangers wait in the line of their address', async () => {
  await using s3 = await startS3()
  const { lists } = s3.server.running.context.engine
  const next = lists.next.bind(lists)
  const lines: string[] = []
  lists.next = async caller => {
    lines.push(caller)
    await next(caller)
  }
  const body = `<Delete>${' '.repeat(70_000)}<Object><Key>a</Key></Object></Delete>`
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  assert.equal((await s3.send(ASK, { auth: 'none', body, headers })).status, 200)
  assert.ok(lines.length >= 2, 'once to read it, and once to answer it')
  assert.deepEqual(
    lines.filter(line => !line.endsWith(' 127.0.0.1')),
    [],
  )
})
