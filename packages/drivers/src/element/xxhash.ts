import type { Hasher } from '@holdfast/core/checksums/shared-hasher.ts'
import type { DigestName } from '@holdfast/core/digests.ts'
import { createXXHash3, createXXHash64, createXXHash128 } from 'hash-wasm'

/** The hashes of xxHash with seed 0, canonical bytes (https://xxhash.com), one of each a thread. */
export const xxhashes: ReadonlyMap<DigestName, Hasher> = new Map<DigestName, Hasher>([
  ['xxhash64', await createXXHash64()],
  ['xxhash3', await createXXHash3()],
  ['xxhash128', await createXXHash128()],
])
