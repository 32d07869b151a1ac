import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDocument } from './read-document.ts'

/** Each piece lies in the memory of the one before: who keeps them has the last many times. */
async function* lent(text: string): AsyncGenerator<Uint8Array> {
  const memory = Buffer.alloc(1)
  for (const byte of Buffer.from(text)) {
    memory[0] = byte
    yield memory
  }
}

test('a document keeps no piece that it came in', async () => {
  const text = 'abc'.repeat(5000)
  assert.equal((await readDocument(lent(text), 20_000))?.toString(), text)
  assert.equal((await readDocument(lent(''), 20_000))?.length, 0)
  assert.equal((await readDocument(lent('abc'), 3))?.toString(), 'abc')
  assert.equal(await readDocument(lent('abcd'), 3), undefined)
})
