import { Worker } from 'node:worker_threads'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { FairLine, type Place } from './fair-line.ts'

interface Hash {
  readonly kind: 'hash'
  readonly text: string
  readonly cost: number
}

interface Compare {
  readonly kind: 'compare'
  readonly text: string
  /** What bcrypt made, which tells the cost. */
  readonly against: string
}

export type PasswordWork = Hash | Compare
export type FromPasswordThread =
  | { readonly result: string | boolean }
  | { readonly problem: string }

interface Asked {
  readonly work: PasswordWork
  readonly answer: PromiseWithResolvers<string | boolean>
}

const RUNNING_MAX = 2
const WAITING_MAX = 64

/**
 * Threads for bcrypt alone, two for the process, however many stores it has open. Anybody can ask
 * for a quarter of a second of work without a credential: in the pool of Node it would keep reads
 * of files waiting, and at the same priority it would take a core from all other requests.
 */
class PasswordThreads {
  readonly #idle: Worker[] = []
  readonly #asked = new Map<Worker, Asked>()
  readonly #waiting = new FairLine<Asked>(WAITING_MAX)

  async run(work: PasswordWork, place: Place): Promise<string | boolean> {
    const asked = { work, answer: Promise.withResolvers<string | boolean>() }
    if (this.#asked.size < RUNNING_MAX) this.#begin(asked)
    else {
      const lost = this.#waiting.add(place, asked)
      lost?.answer.reject(new HoldfastError('TOO_MANY_REQUESTS'))
    }
    return await asked.answer.promise
  }

  #begin(asked: Asked): void {
    const worker = this.#idle.pop() ?? this.#open()
    this.#asked.set(worker, asked)
    // Only work holds the process: a thread that waits for some does not.
    worker.ref()
    worker.postMessage(asked.work)
  }

  #open(): Worker {
    const worker = new Worker(new URL('./password-thread.ts', import.meta.url), {
      name: 'password',
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 },
    })
    worker.on('message', (told: FromPasswordThread) => {
      const asked = this.#asked.get(worker)
      worker.unref()
      this.#idle.push(worker)
      this.#next(worker)
      if ('result' in told) asked?.answer.resolve(told.result)
      else asked?.answer.reject(new Error(`bcrypt: ${told.problem}`))
    })
    const lose = (cause: unknown) => {
      const asked = this.#asked.get(worker)
      const at = this.#idle.indexOf(worker)
      if (at >= 0) this.#idle.splice(at, 1)
      this.#next(worker)
      asked?.answer.reject(new Error('a thread for passwords has ended', { cause }))
    }
    worker.on('error', lose)
    worker.on('exit', lose)
    return worker
  }

  #next(done: Worker): void {
    if (!this.#asked.delete(done)) return
    const next = this.#waiting.next()
    if (next !== undefined) this.#begin(next)
  }
}

const threads = new PasswordThreads()

/** TOO_MANY_REQUESTS where too much waits already, most of it of who asks. */
export async function inPasswordThread(work: Hash, place: Place): Promise<string>
export async function inPasswordThread(work: Compare, place: Place): Promise<boolean>
export async function inPasswordThread(
  work: PasswordWork,
  place: Place,
): Promise<string | boolean> {
  return await threads.run(work, place)
}
