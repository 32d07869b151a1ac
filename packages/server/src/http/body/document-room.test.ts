import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { DocumentRoom } from './document-room.ts'

const full = (error: unknown) => isHoldfastError(error) && error.code === 'TOO_MANY_REQUESTS'

test('documents that wait for their end are bounded, for each caller and for all', () => {
  const room = new DocumentRoom({ bytesMax: 100, ownBytesMax: 60, freeBytes: 10 })
  const first = room.take('ann', 40)
  assert.throws(() => room.take('ann', 30), full)
  using _ = room.take('bob', 60)
  assert.throws(() => room.take('carl', 11), full)
  for (let count = 0; count < 100; count += 1) room.take('carl', 10)
  first[Symbol.dispose]()
  room.take('ann', 40)[Symbol.dispose]()
  using __ = room.take('carl', 40)
  assert.throws(() => room.take('ann', 11), full)
})
