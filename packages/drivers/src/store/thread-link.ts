import { Worker } from 'node:worker_threads'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Touched } from '@holdfast/core/ports/catalog.ts'
import { FatalStoreError } from '../disk/disk-errors.ts'
import type { CommitReply, CommitRequest, ReplyError } from './commit-request.ts'
import type { CommitterLink } from './committer-link.ts'
import type { Recovery } from './open-log.ts'
import type { ReclaimStep } from './reclaimer.ts'
import { fromReplyError, toReplyError } from './reply-error.ts'
import type {
  FromThread,
  PackedRequest,
  PackedStaged,
  ThreadData,
  ToThread,
} from './thread-messages.ts'
import { Watchers } from './watchers.ts'

interface Waiting {
  readonly request: CommitRequest
  readonly settle: (reply: CommitReply) => void
}

/** Starts the committer thread; resolves once it has recovered the store. */
export async function linkThread(
  data: ThreadData,
): Promise<{ link: CommitterLink; recovery: Recovery }> {
  const worker = new Worker(new URL('./committer-thread.ts', import.meta.url), {
    workerData: data,
    name: 'committer',
  })
  const ready = Promise.withResolvers<Recovery>()
  const closed = Promise.withResolvers<void>()
  const link = new ThreadLink(worker, closed.promise)
  worker.on('message', (message: FromThread) => {
    if (message.kind === 'ready') ready.resolve(message.recovery)
    else if (message.kind === 'failed') ready.reject(fromReplyError(message.error))
    else if (message.kind === 'closed') closed.resolve()
    else link.receive(message)
  })
  worker.on('error', error => {
    ready.reject(error)
    link.lose(error)
  })
  worker.on('exit', () => {
    const gone = new FatalStoreError('the committer thread has ended')
    ready.reject(gone)
    link.lose(gone)
    closed.resolve()
  })
  return { recovery: await ready.promise, link }
}

class ThreadLink implements CommitterLink {
  readonly #worker: Worker
  readonly #closed: Promise<void>
  readonly #commits = new Map<number, readonly Waiting[]>()
  readonly #searches = new Map<number, PromiseWithResolvers<void>>()
  readonly #reclaims = new Map<number, (step: ReclaimStep | ReplyError) => void>()
  readonly #watchers = new Watchers()
  #queue: Waiting[] = []
  #nextId = 1
  #lost: Error | undefined
  #closing = false

  constructor(worker: Worker, closed: Promise<void>) {
    this.#worker = worker
    this.#closed = closed
  }

  commit(request: CommitRequest): Promise<CommitReply> {
    if (this.#closing) throw new HoldfastError('SHUTTING_DOWN')
    const { promise, resolve } = Promise.withResolvers<CommitReply>()
    if (this.#queue.length === 0) setImmediate(() => this.#send())
    this.#queue.push({ request, settle: resolve })
    return promise
  }

  advanceSearch(): Promise<void> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost)
    const waiting = Promise.withResolvers<void>()
    const id = this.#nextId++
    this.#searches.set(id, waiting)
    this.#post({ kind: 'search', id })
    return waiting.promise
  }

  async reclaim(): Promise<ReclaimStep> {
    if (this.#lost !== undefined) throw this.#lost
    if (this.#closing) throw new HoldfastError('SHUTTING_DOWN')
    const { promise, resolve } = Promise.withResolvers<ReclaimStep | ReplyError>()
    const id = this.#nextId++
    this.#reclaims.set(id, resolve)
    this.#post({ kind: 'reclaim', id })
    const step = await promise
    if ('fatal' in step) throw fromReplyError(step)
    return step
  }

  watch(watcher: (touched: Touched) => void): () => void {
    return this.#watchers.add(watcher)
  }

  async close(): Promise<void> {
    if (this.#closing) return await this.#closed
    this.#send()
    this.#closing = true
    if (this.#lost === undefined) this.#post({ kind: 'close' })
    await this.#closed
    await this.#worker.terminate()
  }

  receive(message: Extract<FromThread, { kind: 'commit' | 'search' | 'reclaim' }>): void {
    if (message.kind === 'reclaim') {
      if (!('fatal' in message.step)) this.#watchers.reclaimed(message.step)
      this.#reclaims.get(message.id)?.(message.step)
      this.#reclaims.delete(message.id)
      return
    }
    if (message.kind === 'search') {
      const waiting = this.#searches.get(message.id)
      this.#searches.delete(message.id)
      if (message.error === null) waiting?.resolve()
      else waiting?.reject(fromReplyError(message.error))
      return
    }
    this.#watchers.committed(message.replies)
    const waiting = this.#commits.get(message.id) ?? []
    this.#commits.delete(message.id)
    for (const [index, { settle }] of waiting.entries()) {
      const reply = message.replies[index]
      if (reply !== undefined) settle(reply)
    }
  }

  /** The thread is gone: what was under way may or may not have happened. */
  lose(error: Error): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    const reply = {
      ok: false as const,
      error: toReplyError(new FatalStoreError(error.message, { cause: error })),
    }
    for (const waiting of this.#commits.values()) for (const { settle } of waiting) settle(reply)
    this.#commits.clear()
    for (const { settle } of this.#queue.splice(0)) settle(reply)
    for (const waiting of this.#searches.values()) waiting.reject(fromReplyError(reply.error))
    this.#searches.clear()
    for (const resolve of this.#reclaims.values()) resolve(reply.error)
    this.#reclaims.clear()
  }

  /** One message per turn of the event loop, with the bodies in one buffer that moves over. */
  #send(): void {
    const waiting = this.#queue
    if (waiting.length === 0) return
    this.#queue = []
    let size = 0
    for (const { request } of waiting) {
      for (const { body } of request.staged) size += body?.length ?? 0
    }
    const bodies = size === 0 ? null : new Uint8Array(size)
    let at = 0
    const pack = (request: CommitRequest): PackedRequest => ({
      ...request,
      staged: request.staged.map(({ body, ...staged }): PackedStaged => {
        if (body === null || bodies === null) return { ...staged, bodyAt: body === null ? null : 0 }
        bodies.set(body, at)
        at += body.length
        return { ...staged, bodyAt: at - body.length }
      }),
    })
    const id = this.#nextId++
    const requests = waiting.map(({ request }) => pack(request))
    this.#commits.set(id, waiting)
    this.#post({ kind: 'commit', id, requests, bodies }, bodies === null ? [] : [bodies.buffer])
  }

  #post(message: ToThread, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer)
  }
}
