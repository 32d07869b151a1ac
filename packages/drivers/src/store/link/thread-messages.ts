import type { CommitReply, CommitRequest, ReplyError, StagedBytes } from '../commit-request.ts'
import type { LogOptions, Recovery } from '../open-log.ts'
import type { ReclaimStep } from '../reclaimer.ts'

/** Messages between the event loop and the committer thread. */

export interface ThreadData {
  readonly transactionsUrl: string
  readonly arena: SharedArrayBuffer
  readonly log: Omit<LogOptions, 'disk' | 'clock' | 'random' | 'transactions'>
}

/** Says where its body begins: in the arena, or where that is full, in `bodies`. */
export interface PackedStaged extends Omit<StagedBytes, 'body'> {
  readonly bodyAt: number | null
}

export interface PackedRequest extends Omit<CommitRequest, 'staged'> {
  readonly staged: readonly PackedStaged[]
}

export type ToThread =
  | {
      readonly kind: 'commit'
      readonly id: number
      readonly requests: readonly PackedRequest[]
      /** Null: they are in the arena. */
      readonly bodies: Uint8Array | null
    }
  | { readonly kind: 'search'; readonly id: number }
  | { readonly kind: 'reclaim'; readonly id: number }
  | { readonly kind: 'close' }

export type FromThread =
  | { readonly kind: 'ready'; readonly recovery: Recovery }
  | { readonly kind: 'failed'; readonly error: ReplyError }
  | { readonly kind: 'commit'; readonly id: number; readonly replies: readonly CommitReply[] }
  | { readonly kind: 'search'; readonly id: number; readonly error: ReplyError | null }
  | { readonly kind: 'reclaim'; readonly id: number; readonly step: ReclaimStep | ReplyError }
  | { readonly kind: 'closed' }
