import { Worker } from 'node:worker_threads'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { fromReplyError } from '../../../store/reply-error.ts'
import type { Slabs } from './slabs.ts'
import type { FromWriter, ToWriter } from './writer-messages.ts'

/** The event loop's end of one writer thread. */
export class Writer {
  bodies = 0
  readonly slabs: Slabs
  readonly #worker: Worker
  readonly #waiting = new Map<number, PromiseWithResolvers<FromWriter>[]>()
  readonly #onLost: (reason: string) => void
  #lost: Error | undefined
  #nextId = 1

  constructor(slabs: Slabs, onLost: (reason: string) => void) {
    this.slabs = slabs
    this.#onLost = onLost
    const url = new URL('./writer-thread.ts', import.meta.url)
    this.#worker = new Worker(url, {
      workerData: { slabs: slabs.memory },
      name: 'writer',
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
    })
    this.#worker.unref()
    this.#worker.on('message', (message: FromWriter) => this.#receive(message))
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
    this.#worker.postMessage(message)
    return await waiting.promise
  }

  forget(id: number): void {
    this.#waiting.delete(id)
  }

  async close(): Promise<void> {
    this.#lost ??= new HoldfastError('SHUTTING_DOWN')
    await this.#worker.terminate()
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
