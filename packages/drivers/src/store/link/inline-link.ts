import type { CommitReply, CommitRequest } from '../commit-request.ts'
import type { CommitterLink } from '../committer-link.ts'
import type { OpenedLog } from '../open-log.ts'
import { toReplyError } from '../reply-error.ts'
import { Watchers } from './watchers.ts'

const BATCH_MAX = 1024
const SEARCH_STEP = 1000

interface Waiting {
  readonly request: CommitRequest
  readonly settle: (reply: CommitReply) => void
}

/** The committer in this thread, for tools and simulations; requests of a tick share a batch. */
export function linkInline(log: OpenedLog): CommitterLink {
  let waiting: Waiting[] = []
  let running: Promise<void> | undefined
  const watchers = new Watchers()

  const drain = async (): Promise<void> => {
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH_MAX)
      const replies = await log.committer.run(batch.map(({ request }) => request))
      watchers.committed(replies)
      for (const [index, { settle }] of batch.entries()) {
        const reply = replies[index]
        if (reply !== undefined) settle(reply)
      }
    }
    running = undefined
  }

  /** Nothing may slip between the statements of a transaction that is under way. */
  const idle = async (): Promise<void> => {
    while (running !== undefined) await running
  }

  return {
    commit(request) {
      const { promise, resolve } = Promise.withResolvers<CommitReply>()
      waiting.push({ request, settle: resolve })
      running ??= drain()
      return promise
    },
    async advanceSearch() {
      await idle()
      while (log.committer.advanceSearch(SEARCH_STEP)) await idle()
    },
    async reclaim() {
      await idle()
      try {
        const step = log.committer.reclaim()
        watchers.reclaimed(step)
        return step
      } catch (error) {
        return toReplyError(error)
      }
    },
    watch: watcher => watchers.add(watcher),
    async close() {
      await idle()
      waiting = []
      log.close()
    },
  }
}
