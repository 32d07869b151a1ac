import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { CheckRecords, RecordFault } from '@holdfast/core/ports/catalog.ts'
import type { ReclaimStep } from '../reclaimer.ts'
import { removeTwin } from './catalog-twin.ts'
import { type CheckOptions, type CheckStep, checkCatalog } from './check-catalog.ts'
import type { CheckThreadData } from './check-thread.ts'

export interface RunCheckOptions extends CheckOptions {
  /** In a thread of its own; else in this one, in turns, as tools and simulations do it. */
  readonly inThread: boolean
  readonly reclaim: () => Promise<ReclaimStep>
}

const NOTHING_FREED: ReclaimStep = { more: false, freedBytes: 0, removedPack: null, moved: [] }

/**
 * Lets comparisons of the catalog run while the store is at work, one at a time. Packs stay where
 * they are meanwhile: space is given back afterwards.
 */
export class CatalogCheck {
  readonly #options: RunCheckOptions
  #reclaiming: Promise<unknown> = Promise.resolve()
  #checking = 0
  #last: Promise<void> = Promise.resolve()

  constructor(options: RunCheckOptions) {
    this.#options = options
  }

  async reclaim(): Promise<ReclaimStep> {
    if (this.#checking > 0) return NOTHING_FREED
    const step = this.#options.reclaim()
    this.#reclaiming = step.catch(() => {})
    return await step
  }

  async *run(how: CheckRecords = {}): AsyncGenerator<RecordFault> {
    this.#checking += 1
    const before = this.#last
    const ended = Promise.withResolvers<void>()
    this.#last = ended.promise
    try {
      await before
      await this.#reclaiming
      for await (const step of this.#options.inThread ? this.#inThread(how) : this.#inTurns()) {
        how.signal?.throwIfAborted()
        if (typeof step === 'number') how.onRecords?.(step)
        else yield step
      }
    } finally {
      this.#checking -= 1
      ended.resolve()
    }
  }

  async *#inThread({ signal }: CheckRecords): AsyncGenerator<CheckStep> {
    const { catalogPath, dir, secret, elementId, reservedBytes } = this.#options
    const data: CheckThreadData = { catalogPath, dir, secret, elementId, reservedBytes }
    const url = new URL('./check-thread.ts', import.meta.url)
    const worker = new Worker(url, { workerData: data, name: 'catalog-check' })
    try {
      const until = { close: ['exit'], ...(signal !== undefined && { signal }) }
      for await (const [step] of on(worker, 'message', until)) yield step
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      await worker.terminate()
      removeTwin(catalogPath)
    }
  }

  async *#inTurns(): AsyncGenerator<CheckStep> {
    for (const step of checkCatalog(this.#options)) {
      yield step
      await new Promise(resolve => setImmediate(resolve))
    }
  }
}
