import type { ServerResponse } from 'node:http'
import { HoldfastError } from '@holdfast/core/errors.ts'

const MiB = 1024 * 1024
const COUNTED_FROM = MiB
const OF_ONE_CALLER = 64 * MiB
const OF_ALL = 256 * MiB

/**
 * Answers of many bytes lie in memory until who asked has taken them: a page of a thousand records
 * with all the metadata that they may have is 30 MiB. So those of one caller, and those of all, are
 * bounded together; one alone is always sent.
 */
export class LargeAnswers {
  readonly #held = new Map<string, number>()
  #all = 0

  /** Until the response is over. TOO_MANY_REQUESTS where too much waits already. */
  hold(caller: string, bytes: number, response: Pick<ServerResponse, 'closed' | 'once'>): void {
    if (bytes < COUNTED_FROM || response.closed) return
    const own = this.#held.get(caller) ?? 0
    const isTooMuch = own > 0 && own + bytes > OF_ONE_CALLER
    if (isTooMuch || (this.#all > 0 && this.#all + bytes > OF_ALL)) {
      throw new HoldfastError('TOO_MANY_REQUESTS')
    }
    this.#held.set(caller, own + bytes)
    this.#all += bytes
    response.once('close', () => {
      const left = (this.#held.get(caller) ?? 0) - bytes
      if (left > 0) this.#held.set(caller, left)
      else this.#held.delete(caller)
      this.#all -= bytes
    })
  }
}
