import type { Sha256 } from './body/sha256.ts'
import type { RetryEvent, RetryPolicy } from './wire/retry.ts'

export type Confirm = (proof: {
  readonly password: string
  readonly code?: string
}) => Promise<unknown>

export interface ClientOptions {
  /** Address of the server, such as `http://127.0.0.1:8005`; a path in it stays in front. */
  readonly url: string
  /** API key or access token. Without one, only what is open to all can be read. */
  readonly key?: string | undefined
  /**
   * An attempt fails when nothing was sent or received for so long. Default 60,000; 0 waits for
   * ever. For a deadline over everything, pass a signal.
   */
  readonly timeoutMs?: number
  readonly retry?: Partial<RetryPolicy>
  /** Told before every wait for another attempt. */
  readonly onRetry?: (event: RetryEvent) => void
  /**
   * Called when a session alone is not enough (CONFIRMATION_REQUIRED): asks the person for the
   * password, and gives it to `confirm`, with the code where that is refused with
   * SECOND_FACTOR_REQUIRED. The call goes on when it resolves. Without it, calls fail.
   */
  readonly onConfirm?: (confirm: Confirm) => Promise<void>
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch
  /** A faster SHA-256 than the one in this package, such as Node's. */
  readonly sha256?: () => Sha256
  /** Waits between attempts; tests own the time with it. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>
  /** A number from 0 up to 1. */
  readonly random?: () => number
}

/** What every call takes. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Instead of that of the client. */
  readonly timeoutMs?: number | undefined
}
