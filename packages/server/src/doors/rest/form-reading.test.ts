import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { adminKey, startServer } from '../../started-server.test.ts'

const KiB = 1024
const MiB = 1024 * KiB

/** A server that has room for a MiB of the forms of a caller, and forms that never end. */
async function forms(env: Record<string, string> = {}) {
  const server = await startServer({ env: { STORAGE_MEMORY_LIMIT_ANSWERS_CALLER: '1MiB', ...env } })
  const open: Socket[] = []
  const { forms } = server.running.context
  const growing = forms.growing.bind(forms)
  const told = { held: 0, givenBack: 0 }
  forms.growing = (caller, response) => {
    const grow = growing(caller, response)
    return more => {
      grow(more)
      told.held += more
      told.givenBack -= Math.min(more, 0)
    }
  }
  const begin = (...parts: string[]): Socket => {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {}).write(`${HEAD}\r\n\r\n${parts.join('')}`)
    open.push(socket)
    return socket
  }
  return {
    server,
    begin,
    /** Until the server counts so much. */
    counted: async (bytes: number) => await until(() => told.held >= bytes),
    givenBack: async (bytes: number) => await until(() => told.givenBack >= bytes),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}

const HEAD = [
  'POST /api/v2/assets/batch-upload HTTP/1.1',
  'host: x',
  `authorization: Bearer ${adminKey}`,
  'content-type: multipart/form-data; boundary=b',
  'content-length: 100000000',
].join('\r\n')

const part = (more: string, text: string) =>
  `--b\r\ncontent-disposition: form-data; name="a"${more}\r\n\r\n${text}`
const file = (bytes: number) => part('; filename="x"', 'x'.repeat(bytes))

async function until(isSo: () => boolean): Promise<void> {
  for (let looks = 0; !isSo(); looks += 1) {
    assert.ok(looks < 4000, 'in vain')
    await wait(5)
  }
}

async function requireRefused(socket: Socket): Promise<void> {
  const [answer] = await once(socket, 'data')
  assert.match(String(answer), /^HTTP\/1.1 429 /)
}

test('what forms hold in memory is bounded, but one alone is always taken', async () => {
  await using all = await forms({ STORAGE_MEMORY_LIMIT_ANSWERS: '2MiB' })
  all.begin(`${file(200 * KiB)}\r\n`.repeat(20))
  await all.counted(19 * 200 * KiB)
  await requireRefused(all.begin(file(100 * KiB)))
})

test('what is on its way counts from its first bytes on', async () => {
  for (const begun of [part('', 'x'.repeat(100 * KiB)), file(100 * KiB)]) {
    await using all = await forms()
    for (let count = 0; count < 10; count += 1) all.begin(begun)
    await all.counted(10 * 80 * KiB)
    await requireRefused(all.begin(part('', 'x'.repeat(300 * KiB))))
  }
})

test('headers of parts count with what they are about', async () => {
  await using all = await forms()
  all.begin(`${part(`; filename="${'x'.repeat(15_000)}"`, 'x')}\r\n`.repeat(80))
  await all.counted(MiB)
  await requireRefused(all.begin(file(30 * KiB)))
})

test('a file on its way to the disk does not count, nor does a form that was refused', async () => {
  await using all = await forms()
  for (let count = 0; count < 8; count += 1) all.begin(file(300 * KiB))
  await all.givenBack(8 * 200 * KiB)
  const wrong = all.begin(`${file(150 * KiB)}\r\n`.repeat(2), '--b junk\r\n\r\n')
  const [answer] = await once(wrong, 'data')
  assert.match(String(answer), /^HTTP\/1.1 400 /)
  const form = new FormData()
  form.append('service', 's')
  form.append('description', 'x'.repeat(900 * KiB))
  form.append('file', new Blob(['x']), 'x')
  const refused = await all.server.ask('POST /api/v2/assets/upload', { body: form })
  assert.equal(refused.status, 422, refused.text)
})
