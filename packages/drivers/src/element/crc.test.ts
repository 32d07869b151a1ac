import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { crc32 as zlibCrc32 } from 'node:zlib'
import { crc32c as plainCrc32c } from '@holdfast/core/checksums/crc32c.ts'
import { crc32, crc32c } from './crc.ts'

test('the fast sums are those of the standards, whole and in pieces', () => {
  const check = Buffer.from('123456789')
  assert.equal(crc32(check), 0xcbf43926)
  assert.equal(crc32c(check), 0xe3069283)
  const bytes = randomBytes(70_000)
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  // Lengths around the widths of vector instructions, at odd places in memory.
  for (let length = 0; length < 70_000; length += length < 300 ? 1 : 9_973) {
    const start = length % 17
    const piece = bytes.subarray(start, start + length)
    assert.equal(crc32(piece), zlibCrc32(piece), `${length} bytes`)
    assert.equal(crc32c(piece), plainCrc32c(piece), `${length} bytes`)
    const half = piece.subarray(0, length >> 1)
    const rest = shared.subarray(start + half.length, start + length)
    assert.equal(crc32(rest, crc32(half)), zlibCrc32(piece), `${length} bytes in two pieces`)
    assert.equal(crc32c(rest, crc32c(half)), plainCrc32c(piece), `${length} bytes in two pieces`)
  }
})
