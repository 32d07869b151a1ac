import type { Touched } from '@holdfast/core/ports/catalog.ts'
import type { CommitReply, CommitRequest, ReplyError } from './commit-request.ts'
import type { ReclaimStep } from './reclaimer.ts'

/** How the event loop reaches the committer: in this thread or in its own. */
export interface CommitterLink {
  commit(request: CommitRequest): Promise<CommitReply>
  /** Resolves when the search index has caught up with every change committed so far. */
  advanceSearch(): Promise<void>
  /** One step of giving space back, or why it failed. */
  reclaim(): Promise<ReclaimStep | ReplyError>
  /** Told of what commits and reclaims touched before their promises resolve. */
  watch(watcher: (touched: Touched) => void): () => void
  close(): Promise<void>
}
