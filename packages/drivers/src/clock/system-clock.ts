import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '@holdfast/core/ports/clock.ts'

export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms: number, signal?: AbortSignal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal })
  },
})
