import type { Touched } from '@holdfast/core/ports/catalog.ts'

/** What travels between the event loop and the committer: plain data only. */

/** What else is known of the bytes comes with the arguments of the transaction. */
export interface StagedBytes {
  readonly sha256: string
  readonly size: number
  readonly body: Uint8Array | null
  readonly temp: string | null
  /** What has this digest, a file or parts, is damaged; these bytes take its place. */
  readonly replaces: boolean
}

export interface CommitRequest {
  readonly name: string
  readonly args: unknown
  readonly actor: string
  readonly requestId: string
  readonly staged: readonly StagedBytes[]
}

export type CommitReply =
  | { readonly ok: true; readonly result: unknown; readonly touched: Touched | null }
  | { readonly ok: false; readonly error: ReplyError }

/** An error as it crosses threads. */
export interface ReplyError {
  /** Null for errors that are not ours; they reach callers as INTERNAL. */
  readonly code: string | null
  readonly message: string
  readonly details: Record<string, unknown>
  readonly stack: string
  /** Nothing more may be acknowledged. */
  readonly fatal: boolean
}
