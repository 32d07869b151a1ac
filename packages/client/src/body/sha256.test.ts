import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import test from 'node:test'
import { StreamingSha256 } from './sha256.ts'

test('the hash is that of Node for every length around the block borders', () => {
  for (let length = 0; length <= 200; length += 1) {
    const bytes = randomBytes(length)
    assert.equal(new StreamingSha256().update(bytes).hex(), nodeHex(bytes), `${length} bytes`)
  }
})

test('the hash does not depend on how the bytes are cut', () => {
  const bytes = randomBytes(10_000)
  for (const step of [1, 3, 63, 64, 65, 127, 4096]) {
    const hash = new StreamingSha256()
    for (let at = 0; at < bytes.length; at += step) hash.update(bytes.subarray(at, at + step))
    assert.equal(hash.hex(), nodeHex(bytes), `chunks of ${step}`)
  }
})

test('lengths beyond 512 MiB fill the high word of the length', () => {
  const chunk = Buffer.alloc(8 * 1024 * 1024, 7)
  const hash = new StreamingSha256()
  const node = createHash('sha256')
  for (let i = 0; i < 65; i += 1) {
    hash.update(chunk)
    node.update(chunk)
  }
  assert.equal(hash.hex(), node.digest('hex'))
})

function nodeHex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
