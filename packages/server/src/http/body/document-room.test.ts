import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { DocumentRoom } from './document-room.ts'

const full = (error: unknown) => isHoldfastError(error) && error.code === 'TOO_MANY_REQUESTS'

const KiB = 1024

test('documents that wait for their end are bounded, for each caller and for all', () => {
  const room = new DocumentRoom({ documentBytesMax: 200 * KiB, ownDocumentBytesMax: 120 * KiB })
  const take = (caller: string, ofKiB: number) => room.take(caller, ofKiB * KiB)
  const first = take('ann', 80)
  assert.throws(() => take('ann', 60), full)
  using _ = take('bob', 120)
  assert.throws(() => take('carl', 17), full)
  for (let count = 0; count < 100; count += 1) take('carl', 16)
  first[Symbol.dispose]()
  take('ann', 80)[Symbol.dispose]()
  using __ = take('carl', 80)
  assert.throws(() => take('ann', 17), full)
})
