/** The home of the clock in this package; browsers and Node share these globals. */

/** Milliseconds that never go back. */
export function monotonicMs(): number {
  return performance.now()
}

/** Calls once after `ms`; the answer cancels it. */
export function after(ms: number, call: () => void): () => void {
  const timer = globalThis.setTimeout(call, Math.min(ms, 0x7fff_ffff))
  return () => globalThis.clearTimeout(timer)
}

/** Resolves after `ms`, or rejects with the reason of the signal. */
export function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const abort = () => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = after(ms, () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}
