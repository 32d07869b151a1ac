import type { Call } from '@holdfast/core/call.ts'
import type { Awaitable } from '@holdfast/core/ports/awaitable.ts'
import type { KeyedPage } from '@holdfast/core/ports/object-questions.ts'

/** Takes some 10 ms where nothing of it is shown; a page of common prefixes needs no more. */
const LOOKS_MAX = 8192

export interface TurnQuery {
  readonly limit: number
  readonly looksMax: number
  /** Where it stopped before. */
  readonly from?: string
}

/**
 * Lists that look at many keys and show few, since most of them are deleted or hidden: they go on
 * one at a time, one in each turn of the event loop, so that however many are asked for, everybody
 * else waits for one step at most. A short page would have to name the hidden key it ended at.
 */
export class ListTurns {
  #last: Promise<void> = Promise.resolve()

  async collect<Entry>(
    { signal }: Pick<Call, 'signal'>,
    limit: number,
    ask: (turn: TurnQuery) => Awaitable<KeyedPage<Entry>>,
  ): Promise<readonly Entry[]> {
    let { entries, stopped } = await ask({ limit, looksMax: LOOKS_MAX })
    while (stopped !== undefined && entries.length < limit) {
      await this.#next()
      // Nobody waits for it any more.
      signal.throwIfAborted()
      const turn = { limit: limit - entries.length, looksMax: LOOKS_MAX, from: stopped }
      const page = await ask(turn)
      entries = [...entries, ...page.entries]
      stopped = page.stopped
    }
    return entries
  }

  async #next(): Promise<void> {
    const turn = this.#last.then(() => new Promise<void>(resolve => setImmediate(resolve)))
    this.#last = turn
    await turn
  }
}
