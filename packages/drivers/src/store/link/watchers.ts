import type { Touched } from '@holdfast/core/ports/catalog.ts'
import type { CommitReply } from '../commit-request.ts'
import type { ReclaimStep } from '../reclaimer.ts'

/** Tells caches of the event loop what the committer touched, before anybody gets an answer. */
export class Watchers {
  readonly #watchers = new Set<(touched: Touched) => void>()

  add(watcher: (touched: Touched) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  committed(replies: readonly CommitReply[]): void {
    if (this.#watchers.size === 0) return
    for (const reply of replies) if (reply.ok && reply.touched !== null) this.#tell(reply.touched)
  }

  reclaimed({ moved }: ReclaimStep): void {
    if (moved.length > 0) this.#tell({ assets: [], records: { blobs: moved } })
  }

  #tell(touched: Touched): void {
    for (const watcher of this.#watchers) watcher(touched)
  }
}
