import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keepPiece } from './gathered-pieces.ts'

const kept = (sizes: readonly number[]) => {
  const pieces: Uint8Array[] = []
  const sent = sizes.map((size, at) => new Uint8Array(size).fill(at))
  for (const piece of sent) keepPiece(pieces, piece)
  assert.ok(Buffer.concat(pieces).equals(Buffer.concat(sent)))
  return { pieces, sent }
}

test('tiny pieces are kept as few, and all of their bytes in order', () => {
  const ones = kept(Array.from({ length: 100_000 }, () => 1))
  assert.ok(ones.pieces.length < 32, String(ones.pieces.length))
  const mixed = kept(Array.from({ length: 20_000 }, (_, at) => 1 + ((at * 7919) % 13)))
  assert.ok(mixed.pieces.length < 64, String(mixed.pieces.length))
  const shrinking = kept(Array.from({ length: 700 }, (_, at) => 700 - at))
  assert.ok(shrinking.pieces.length <= 700)
})

test('pieces of a usual size are not copied', () => {
  const { pieces, sent } = kept([65_536, 65_536, 20_000])
  assert.deepEqual(pieces, sent)
  for (const [at, piece] of pieces.entries()) assert.equal(piece, sent[at])
})
