import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Awaitable } from '@holdfast/core/ports/awaitable.ts'
import type { KeyedPage } from '@holdfast/core/ports/object-questions.ts'
import { CallerLines, lineOf, type Waiting } from './caller-lines.ts'
import { FairLine } from './identity/passwords/fair-line.ts'
import { placeOf } from './identity/passwords/place-of.ts'

/** Takes some 10 ms where nothing of it is shown; a page of common prefixes needs no more. */
export const LOOKS_MAX = 8192
/** What is longer is also long in the making, before it is sent. */
const SHORT_PAGE = 100
/**
 * Records of which each may be tens of kilobytes: a short page and the one behind it that tells of
 * more. Those of all callers may be read at once, and would each hold a moment over a turn.
 */
const PIECE = SHORT_PAGE + 1
/** Each may take several decisions, of some milliseconds each by the longest policies. */
const SLICE = 8
/** Long questions that wait for their turn. */
const LONG_MAX = 128
/** Turns that a step leaves at most to what comes from outside. */
const EMPTY_MAX = 15

export interface TurnQuery {
  readonly limit: number
  readonly looksMax: number
  /** Where it stopped before. */
  readonly from?: string
}

/**
 * Long looks at the catalog, such as lists of many keys of which few are shown, since most are
 * deleted or hidden: they go on one step in each turn of the event loop, so that however many are
 * asked for, everybody else waits for one step at most. A short page would have to name the hidden
 * key it ended at. Callers take turns, too: who asks for many holds up only those.
 *
 * Of what comes from outside the system may hand over one in a turn: as long as some came in the
 * last one, the next step waits, for a few turns. Behind long steps few would come in at all.
 */
export class ListTurns {
  readonly #arrived: () => number
  readonly #waiting = new CallerLines()
  readonly #long = new FairLine<PromiseWithResolvers<void>>(LONG_MAX)
  #isRunning = false
  #isLongRunning = false

  /** `arrived`: how many came from outside so far, one in a turn. */
  constructor(arrived: () => number = () => 0) {
    this.#arrived = arrived
  }

  async collect<Entry>(
    call: Waiting,
    limit: number,
    ask: (turn: TurnQuery) => Awaitable<KeyedPage<Entry>>,
  ): Promise<readonly Entry[]> {
    const giveWay = this.giveWay(call)
    if (limit > SHORT_PAGE) await giveWay()
    let { entries, stopped } = await ask({ limit, looksMax: LOOKS_MAX })
    while (stopped !== undefined && entries.length < limit) {
      await giveWay()
      const turn = { limit: limit - entries.length, looksMax: LOOKS_MAX, from: stopped }
      const page = await ask(turn)
      entries = [...entries, ...page.entries]
      stopped = page.stopped
    }
    return entries
  }

  /** A page of records that may be large: a piece in each turn, each behind the one before. */
  async inPieces<Entry>(
    giveWay: () => Promise<void>,
    limit: number,
    ask: (limit: number, before: readonly Entry[]) => Awaitable<readonly Entry[]>,
  ): Promise<Entry[]> {
    const entries: Entry[] = []
    for (;;) {
      const wanted = Math.min(PIECE, limit - entries.length)
      const piece = await ask(wanted, entries)
      entries.push(...piece)
      if (piece.length < wanted || entries.length >= limit) return entries
      await giveWay()
    }
  }

  /** For who looks in steps of its own: resolves when the next may be done. */
  giveWay(call: Waiting): () => Promise<void> {
    return async () => {
      await this.next(lineOf(call))
      // Nobody waits for it any more.
      call.signal.throwIfAborted()
    }
  }

  /**
   * Does something with many, in the order given: those who ask for much judge a slice in a turn
   * each, or a few callers with a thousand ids would hold everybody up. What was begun goes on to
   * its end, whoever waits for it. Where nobody does, the rest refuses at once by itself: it takes
   * no turns from what the caller asks for next.
   */
  async inSlices<Item, Done>(
    call: Waiting,
    items: readonly Item[],
    work: (item: Item) => Promise<Done>,
  ): Promise<Done[]> {
    const doing: Promise<Done>[] = []
    for (const item of items) {
      const isNext = items.length > SLICE && doing.length % SLICE === 0
      if (isNext && !call.signal.aborted) await this.next(lineOf(call))
      const one = work(item)
      // Told at the end: until then nobody waits for it, and that would end the process.
      one.catch(() => {})
      doing.push(one)
    }
    return await Promise.all(doing)
  }

  /**
   * What the catalog works out aside, for seconds maybe: one after the other, callers in turn.
   * TOO_MANY_REQUESTS where too many wait already, most of them of who asks.
   */
  async oneByOne<T>(call: Call, ask: () => Awaitable<T>): Promise<T> {
    if (this.#isLongRunning) {
      const turn = Promise.withResolvers<void>()
      this.#long.add(placeOf(call), turn)?.reject(new HoldfastError('TOO_MANY_REQUESTS'))
      await turn.promise
    }
    this.#isLongRunning = true
    try {
      // Nobody waits for it any more.
      call.signal.throwIfAborted()
      return await ask()
    } finally {
      const next = this.#long.next()
      if (next === undefined) this.#isLongRunning = false
      else next.resolve()
    }
  }

  /** Resolves when the next step of this caller may be done. */
  async next(caller: string): Promise<void> {
    await new Promise<void>(resolve => {
      this.#waiting.join(caller, resolve)
      if (this.#isRunning) return
      this.#isRunning = true
      setImmediate(() => this.#step())
    })
  }

  #step(): void {
    const arrived = this.#arrived()
    if (this.#waiting.letGo()) setImmediate(() => this.#rest(arrived, EMPTY_MAX))
    else this.#isRunning = false
  }

  /** Another turn without a step where somebody came in the last one. */
  #rest(before: number, turns: number): void {
    const arrived = this.#arrived()
    if (arrived === before || turns === 0) this.#step()
    else setImmediate(() => this.#rest(arrived, turns - 1))
  }
}
