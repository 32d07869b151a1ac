import { ClientError } from '../client-error.ts'
import { after, monotonicMs } from '../timer.ts'

/** Ends an attempt in which nothing moves any more, or whose caller gave up. */
export interface Silence {
  readonly signal: AbortSignal
  /** Something moved; `graceMs` is how much longer than usual the next silence may last. */
  touch(graceMs?: number): void
  /** The turn is ours, not the server's: silence does not count until the next touch. */
  pause(): void
  /** Breaks the connection off, whatever state it is in. */
  abort(reason?: unknown): void
  /** Lets go of timer and signal; the connection goes on. */
  release(): void
}

export function watchSilence(timeoutMs: number, outer: AbortSignal | undefined): Silence {
  const controller = new AbortController()
  let deadlineMs = 0
  let cancel: (() => void) | undefined
  // One timer that looks again, instead of one timer for every chunk.
  const look = () => {
    const leftMs = deadlineMs - monotonicMs()
    if (leftMs > 0) cancel = after(leftMs, look)
    else abort(timedOut(timeoutMs))
  }
  const touch = (graceMs = 0) => {
    if (timeoutMs === 0 || controller.signal.aborted) return
    deadlineMs = monotonicMs() + timeoutMs + graceMs
    if (cancel === undefined) look()
  }
  const pause = () => {
    cancel?.()
    cancel = undefined
  }
  const stop = () => abort(outer?.reason)
  const release = () => {
    pause()
    outer?.removeEventListener('abort', stop)
  }
  const abort = (reason?: unknown) => {
    release()
    controller.abort(reason)
  }
  if (outer?.aborted) controller.abort(outer.reason)
  else outer?.addEventListener('abort', stop, { once: true })
  touch()
  return { signal: controller.signal, touch, pause, abort, release }
}

function timedOut(timeoutMs: number): ClientError {
  const message = `Nothing was sent or received for ${timeoutMs / 1000} seconds.`
  return new ClientError(message, { code: 'TIMEOUT', mayHaveApplied: true })
}
