import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { adminKey, startServer } from '../../started-server.test.ts'

const FILE_BYTES = 200 * 1024

test('what forms hold in memory is bounded, but one alone is always taken', async () => {
  await using server = await startServer({
    env: { STORAGE_MEMORY_LIMIT_ANSWERS_CALLER: '4MiB', STORAGE_MEMORY_LIMIT_ANSWERS: '8MiB' },
  })
  const head = [
    'POST /api/v2/assets/batch-upload HTTP/1.1',
    'host: x',
    `authorization: Bearer ${adminKey}`,
    'content-type: multipart/form-data; boundary=b',
    'content-length: 100000000',
  ]
  const part = 'content-disposition: form-data; name="file"; filename="x"'
  const file = `--b\r\n${part}\r\n\r\n${'x'.repeat(FILE_BYTES)}\r\n`
  const begin = (): Socket => {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    return socket
  }
  const { forms } = server.running.context
  const { holdMore } = forms
  let held = 0
  forms.holdMore = (caller, growth, response) => {
    holdMore.call(forms, caller, growth, response)
    held += growth.bytes
  }
  const first = begin()
  first.write(file.repeat(41))
  for (let looks = 0; held < 30 * FILE_BYTES && looks < 2000; looks += 1) await wait(5)
  assert.ok(held >= 30 * FILE_BYTES, 'more than the limit of one caller')
  const second = begin()
  second.write(file.repeat(20))
  const [answer] = await once(second, 'data')
  assert.match(String(answer), /^HTTP\/1.1 429 /)
  second.destroy()
  first.destroy()
})
