import type { Hasher } from '@holdfast/core/checksums/shared-hasher.ts'
import type { ChecksumAlgorithm } from '@holdfast/core/objects.ts'
import { createXXHash3, createXXHash64, createXXHash128 } from 'hash-wasm'

/** xxHash with seed 0, canonical bytes (https://xxhash.com). */
export const xxhashes: ReadonlyMap<ChecksumAlgorithm, Hasher> = new Map<ChecksumAlgorithm, Hasher>([
  ['XXHASH64', await createXXHash64()],
  ['XXHASH3', await createXXHash3()],
  ['XXHASH128', await createXXHash128()],
])
