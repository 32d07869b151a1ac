import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyBuffers, gather } from './body-buffers.ts'

test('a buffer is long enough, and used again by bodies of its size only', () => {
  const buffers = new BodyBuffers(1024 * 1024)
  for (const bytes of [0, 1, 4096, 4097, 8192, 65_535, 65_536]) {
    const buffer = buffers.take(bytes)
    assert.ok(buffer.length >= bytes && buffer.length < Math.max(4097, 2 * bytes), `${bytes}`)
    buffers.giveBack(buffer)
    assert.notEqual(buffers.take(2 * buffer.length), buffer)
    assert.equal(buffers.take(buffer.length), buffer)
  }
})

test("a buffer is nobody else's until it is given back", () => {
  const buffers = new BodyBuffers(1024 * 1024)
  const [one, two] = [buffers.take(100), buffers.take(100)]
  assert.notEqual(one, two)
  buffers.giveBack(one)
  assert.equal(buffers.take(4096), one)
  assert.notEqual(buffers.take(4096), two)
})

test('no more is kept than may be', () => {
  const buffers = new BodyBuffers(8192)
  const taken = [1, 2, 3].map(() => buffers.take(4096))
  for (const buffer of taken) buffers.giveBack(buffer)
  const again = [1, 2, 3].map(() => buffers.take(4096))
  assert.equal(again.filter(buffer => taken.includes(buffer)).length, 2)
})

test('a body is gathered in order, and refused beyond its memory', async () => {
  const memory = Buffer.alloc(8)
  assert.equal((await gather(pieces('abc', '', 'de'), memory)).toString(), 'abcde')
  assert.equal((await gather(pieces(), memory)).length, 0)
  assert.equal((await gather(pieces('12345678'), memory)).toString(), '12345678')
  await assert.rejects(gather(pieces('12345678', '9'), memory), { code: 'LENGTH_MISMATCH' })
})

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}
