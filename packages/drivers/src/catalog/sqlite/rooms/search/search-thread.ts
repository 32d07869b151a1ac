import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { toReplyError } from '../../../../store/reply-error.ts'
import { openDatabase } from '../../database.ts'
import { openTables } from '../../tables.ts'
import type {
  FromSearchThread,
  SearchAnswer,
  SearchThreadData,
  ToSearchThread,
} from './search-thread-link.ts'

/** Long searches, from a connection of their own, which holds a moment only for one statement. */

const CACHE_BYTES = 8 * 1024 * 1024

function main(port: MessagePort, { path }: SearchThreadData): void {
  const db = openDatabase(path, { readonly: true, cacheBytes: CACHE_BYTES })
  const { assetSearch } = openTables(db)

  const answerTo = (question: ToSearchThread): SearchAnswer => {
    try {
      if (question.kind === 'count') return { total: assetSearch.count(question.filter) }
      return { places: assetSearch.places(question.query) }
    } catch (error) {
      return { error: toReplyError(error) }
    }
  }

  port.on('message', (question: ToSearchThread) => {
    port.postMessage({ ...answerTo(question), id: question.id } satisfies FromSearchThread)
  })
}

if (parentPort !== null) main(parentPort, workerData)
