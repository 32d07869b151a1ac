import { Worker } from 'node:worker_threads'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Touched } from '@holdfast/core/ports/catalog.ts'
import { FatalStoreError } from '../../disk/disk-errors.ts'
import type { CommitReply, CommitRequest, ReplyError } from '../commit-request.ts'
import type { CommitterLink } from '../committer-link.ts'
import type { Recovery } from '../open-log.ts'
import type { ReclaimStep } from '../reclaimer.ts'
import { fromReplyError, toReplyError } from '../reply-error.ts'
import { BodyArena } from './body-arena.ts'
import type {
  FromThread,
  PackedRequest,
  PackedStaged,
  ThreadData,
  ToThread,
} from './thread-messages.ts'
import { Watchers } from './watchers.ts'

/** Enough for the small bodies of a few hundred requests; more go the longer way. */
const ARENA_BYTES = 16 * 1024 * 1024
/** So many requests are sent at once; fewer when the event loop has nothing else to do. */
const SEND_EVERY = 32

/** What a commit leaves behind dies young, if only it is given the time. */
const YOUNG_MB = 16

interface Waiting {
  readonly request: CommitRequest
  readonly settle: (reply: CommitReply) => void
}

interface Sent {
  readonly waiting: readonly Waiting[]
  /** How far the arena was filled behind it. */
  readonly mark: number
}

/** Starts the committer thread; resolves once it has recovered the store. */
export async function linkThread(
  data: Omit<ThreadData, 'arena'>,
): Promise<{ link: CommitterLink; recovery: Recovery }> {
  const arena = new BodyArena(ARENA_BYTES)
  const worker = new Worker(new URL('./committer-thread.ts', import.meta.url), {
    workerData: { ...data, arena: arena.memory } satisfies ThreadData,
    name: 'committer',
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  })
  const ready = Promise.withResolvers<Recovery>()
  const closed = Promise.withResolvers<void>()
  const link = new ThreadLink(worker, arena, closed.promise)
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
  readonly #arena: BodyArena
  readonly #closed: Promise<void>
  readonly #commits = new Map<number, Sent>()
  readonly #searches = new Map<number, PromiseWithResolvers<void>>()
  readonly #reclaims = new Map<number, (step: ReclaimStep | ReplyError) => void>()
  readonly #watchers = new Watchers()
  #queue: Waiting[] = []
  #nextId = 1
  #lost: Error | undefined
  #closing = false

  constructor(worker: Worker, arena: BodyArena, closed: Promise<void>) {
    this.#worker = worker
    this.#arena = arena
    this.#closed = closed
  }

  commit(request: CommitRequest): Promise<CommitReply> {
    if (this.#closing) throw new HoldfastError('SHUTTING_DOWN')
    const { promise, resolve } = Promise.withResolvers<CommitReply>()
    if (this.#queue.length === 0) setImmediate(() => this.#send())
    this.#queue.push({ request, settle: resolve })
    if (this.#queue.length >= SEND_EVERY) this.#send()
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

  async reclaim(): Promise<ReclaimStep | ReplyError> {
    if (this.#lost !== undefined) throw this.#lost
    if (this.#closing) throw new HoldfastError('SHUTTING_DOWN')
    const { promise, resolve } = Promise.withResolvers<ReclaimStep | ReplyError>()
    const id = this.#nextId++
    this.#reclaims.set(id, resolve)
    this.#post({ kind: 'reclaim', id })
    return await promise
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
    const sent = this.#commits.get(message.id)
    if (sent === undefined) return
    this.#commits.delete(message.id)
    // Answers come in the order in which the requests went.
    this.#arena.free(sent.mark)
    for (const [index, { settle }] of sent.waiting.entries()) {
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
    for (const { waiting } of this.#commits.values()) {
      for (const { settle } of waiting) settle(reply)
    }
    this.#commits.clear()
    for (const { settle } of this.#queue.splice(0)) settle(reply)
    for (const waiting of this.#searches.values()) waiting.reject(fromReplyError(reply.error))
    this.#searches.clear()
    for (const resolve of this.#reclaims.values()) resolve(reply.error)
    this.#reclaims.clear()
  }

  /** A message for a few requests, so that the committer is at work while others arrive. */
  #send(): void {
    const waiting = this.#queue
    if (waiting.length === 0) return
    this.#queue = []
    const id = this.#nextId++
    const requests = this.#inArena(waiting)
    this.#commits.set(id, { waiting, mark: this.#arena.mark })
    if (requests !== undefined) {
      this.#post({ kind: 'commit', id, requests, bodies: null })
      return
    }
    const packed = inOneBuffer(waiting)
    this.#post({ kind: 'commit', id, ...packed }, [packed.bodies.buffer])
  }

  /** Undefined when the arena has no room for all of them. */
  #inArena(waiting: readonly Waiting[]): PackedRequest[] | undefined {
    const packed: PackedRequest[] = []
    for (const { request } of waiting) {
      const staged: PackedStaged[] = []
      for (const { body, ...facts } of request.staged) {
        const bodyAt = body === null ? null : this.#arena.add(body)
        if (bodyAt === undefined) return undefined
        staged.push({ ...facts, bodyAt })
      }
      packed.push({ ...request, staged })
    }
    return packed
  }

  #post(message: ToThread, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer)
  }
}

/** For more bytes at once than the arena holds. */
function inOneBuffer(waiting: readonly Waiting[]): {
  readonly requests: PackedRequest[]
  readonly bodies: Uint8Array<ArrayBuffer>
} {
  let size = 0
  for (const { request } of waiting) {
    for (const { body } of request.staged) size += body?.length ?? 0
  }
  const bodies = new Uint8Array(size)
  let at = 0
  const requests = waiting.map(({ request }): PackedRequest => {
    const staged = request.staged.map(({ body, ...facts }): PackedStaged => {
      if (body === null) return { ...facts, bodyAt: null }
      bodies.set(body, at)
      at += body.length
      return { ...facts, bodyAt: at - body.length }
    })
    return { ...request, staged }
  })
  return { requests, bodies }
}
