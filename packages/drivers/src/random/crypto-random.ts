import { randomFillSync } from 'node:crypto'
import type { Random } from '@holdfast/core/ports/random.ts'

const POOL_BYTES = 4096
let pool = new Uint8Array(0)
let used = 0

/** Cryptographic randomness; small requests are cut from a pool, since each system call costs. */
export const cryptoRandom: Random = Object.freeze({
  bytes(count: number): Uint8Array {
    if (count > 64) return randomFillSync(new Uint8Array(count))
    if (used + count > pool.length) {
      pool = randomFillSync(new Uint8Array(POOL_BYTES))
      used = 0
    }
    const bytes = pool.slice(used, used + count)
    used += count
    return bytes
  },
})
