import { Worker } from 'node:worker_threads'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AssetFilter, AssetQuery } from '@holdfast/core/ports/asset-questions.ts'
import type { ReplyError } from '../../../../store/commit-request.ts'
import { fromReplyError, toReplyError } from '../../../../store/reply-error.ts'
import type { Place } from './asset-search.ts'
import type { SearchAside } from './long-search.ts'

export interface SearchThreadData {
  readonly path: string
}

export type SearchQuestion =
  | { readonly kind: 'places'; readonly query: AssetQuery }
  | { readonly kind: 'count'; readonly filter: AssetFilter }

export type ToSearchThread = SearchQuestion & { readonly id: number }
export type SearchAnswer =
  | { readonly places: readonly Place[] }
  | { readonly total: number }
  | { readonly error: ReplyError }
export type FromSearchThread = SearchAnswer & { readonly id: number }

/**
 * A thread that reads the catalog for long searches, one after the other; started when the first
 * one is asked for, and again after it was lost.
 */
export class SearchThread implements SearchAside, AsyncDisposable {
  readonly #path: string
  readonly #asked = new Map<number, PromiseWithResolvers<SearchAnswer>>()
  #worker: Worker | undefined
  #nextId = 1
  #isClosed = false

  constructor(path: string) {
    this.#path = path
  }

  async places(query: AssetQuery): Promise<readonly Place[]> {
    const answer = await this.#ask({ kind: 'places', query })
    if ('places' in answer) return answer.places
    throw unexpected(answer)
  }

  async count(filter: AssetFilter): Promise<number> {
    const answer = await this.#ask({ kind: 'count', filter })
    if ('total' in answer) return answer.total
    throw unexpected(answer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    const worker = this.#worker
    this.#lose(new HoldfastError('SHUTTING_DOWN'))
    await worker?.terminate()
  }

  #ask(question: SearchQuestion): Promise<SearchAnswer> {
    if (this.#isClosed) throw new HoldfastError('SHUTTING_DOWN')
    const answer = Promise.withResolvers<SearchAnswer>()
    const id = this.#nextId++
    this.#worker ??= this.#open()
    this.#asked.set(id, answer)
    // Only a question holds the process: a thread that waits for one does not.
    this.#worker.ref()
    this.#worker.postMessage({ ...question, id } satisfies ToSearchThread)
    return answer.promise
  }

  #open(): Worker {
    const worker = new Worker(new URL('./search-thread.ts', import.meta.url), {
      workerData: { path: this.#path } satisfies SearchThreadData,
      name: 'search',
    })
    worker.on('message', (answer: FromSearchThread) => {
      const asked = this.#asked.get(answer.id)
      this.#asked.delete(answer.id)
      if (this.#asked.size === 0) worker.unref()
      asked?.resolve(answer)
    })
    const lose = (cause: unknown) => {
      if (this.#worker !== worker) return
      const gone = new Error('the thread for searches has ended', { cause })
      this.#lose(fromReplyError(toReplyError(gone)))
    }
    worker.on('error', lose)
    worker.on('exit', lose)
    return worker
  }

  #lose(error: Error): void {
    this.#worker = undefined
    for (const { reject } of this.#asked.values()) reject(error)
    this.#asked.clear()
  }
}

function unexpected(answer: SearchAnswer): Error {
  return 'error' in answer ? fromReplyError(answer.error) : new HoldfastError('INTERNAL')
}
