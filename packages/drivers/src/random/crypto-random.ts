import { randomFillSync } from 'node:crypto'
import type { Random } from '@holdfast/core/ports/random.ts'

const POOL_BYTES = 4096
/** Filled again and again: what was given out is a copy. */
const pool = new Uint8Array(POOL_BYTES)
let used = POOL_BYTES

/** Cryptographic randomness; small requests are cut from a pool, since each system call costs. */
export const cryptoRandom: Random = Object.freeze({
  bytes(count: number): Uint8Array {
    if (count > 64) return randomFillSync(new Uint8Array(count))
    if (used + count > pool.length) {
      randomFillSync(pool)
      used = 0
    }
    const bytes = pool.slice(used, used + count)
    used += count
    return bytes
  },
})
