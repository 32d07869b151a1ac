import { Worker } from 'node:worker_threads'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { fromReplyError } from '../../../store/reply-error.ts'
import type { Slabs } from './slabs.ts'
import type { FromWriter, ToWriter } from './writer-messages.ts'

export interface WriterOptions {
  /** What the thread is for; it runs `NAME-thread.ts`. */
  readonly name: 'writer' | 'md5'
  readonly onLost: (reason: string) => void
}

/** The event loop's end of one thread that looks at slabs: it writes them, or takes MD5s. */
export class Writer {
  bodies = 0
  readonly slabs: Slabs
  readonly #worker: Worker
  readonly #waiting = new Map<number, PromiseWithResolvers<FromWriter>[]>()
  readonly #onLost: (reason: string) => void
  readonly #outbox: ToWriter[] = []
  #lost: Error | undefined
  #nextId = 1

  constructor(slabs: Slabs, { name, onLost }: WriterOptions) {
    this.slabs = slabs
    this.#onLost = onLost
    this.#worker = new Worker(new URL(`./${name}-thread.ts`, import.meta.url), {
      workerData: { slabs: slabs.shared },
      name,
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
    })
    this.#worker.unref()
    this.#worker.on('message', (messages: readonly FromWriter[]) => {
      for (const message of messages) this.#receive(message)
    })
    this.#worker.on('error', error => this.#lose(error))
    this.#worker.on('exit', () => this.#lose(new Error('a writer thread has ended')))
  }

  newId(): number {
    return this.#nextId++
  }

  /** The thread answers the messages of one body in their order. */
  async ask(message: ToWriter): Promise<FromWriter> {
    if (this.#lost !== undefined) throw this.#lost
    const waiting = Promise.withResolvers<FromWriter>()
    const ofBody = this.#waiting.get(message.id)
    if (ofBody === undefined) this.#waiting.set(message.id, [waiting])
    else ofBody.push(waiting)
    if (this.#outbox.length === 0) setImmediate(() => this.#send())
    this.#outbox.push(message)
    return await waiting.promise
  }

  forget(id: number): void {
    this.#waiting.delete(id)
  }

  async close(): Promise<void> {
    this.#lost ??= new HoldfastError('SHUTTING_DOWN')
    await this.#worker.terminate()
  }

  /** All of one turn at once: waking a thread costs more than what it is woken for. */
  #send(): void {
    this.#worker.postMessage(this.#outbox.splice(0))
  }

  #receive(message: FromWriter): void {
    this.slabs.give(message.slabs)
    const waiting = this.#waiting.get(message.id)?.shift()
    if (message.kind === 'failed') waiting?.reject(fromReplyError(message.error))
    else waiting?.resolve(message)
  }

  /** Slabs that were on their way are lost with the thread. */
  #lose(cause: Error): void {
    const error = this.#lost ?? new HoldfastError('STORAGE_UNAVAILABLE', {}, { cause })
    for (const ofBody of this.#waiting.values()) for (const { reject } of ofBody) reject(error)
    this.#waiting.clear()
    if (this.#lost !== undefined) return
    this.#lost = error
    this.#onLost(cause.message)
  }
}
