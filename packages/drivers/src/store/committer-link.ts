import type { CommitReply, CommitRequest } from './commit-request.ts'

/** How the event loop reaches the committer: in this thread or in its own. */
export interface CommitterLink {
  commit(request: CommitRequest): Promise<CommitReply>
  /** Resolves when the search index has caught up with every change committed so far. */
  advanceSearch(): Promise<void>
  close(): Promise<void>
}
