/** Time as the store sees it. Injected, so that tests and simulations own it. */
export interface Clock {
  /** Wall clock, Unix milliseconds. May jump; nothing is deleted on its word alone. */
  now(): number
  /** Milliseconds that never go back, from an arbitrary start. */
  monotonic(): number
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
