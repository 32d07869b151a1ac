import type { ServerResponse } from 'node:http'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { LimitSettings } from '../../config/limit-settings.ts'

const MiB = 1024 * 1024
const COUNTED_FROM = MiB
/** Times as much for who holds nothing: a few who take nothing must not keep all others out. */
const FOR_NEWCOMERS = 2

type Response = Pick<ServerResponse, 'closed' | 'once'>

export type AnswerRoom = Pick<LimitSettings, 'answerBytesMax' | 'ownAnswerBytesMax'>

/**
 * Whom an answer counts for: strangers by address, or one of them could keep out all others, or
 * whoever made the share link that they came by.
 */
export function holderOf({ kind, id }: Pick<Principal, 'kind' | 'id'>, ip: string): string {
  return kind === 'anonymous' || kind === 'share' ? `anonymous ${ip}` : id
}

/**
 * Answers of many bytes lie in memory until who asked has taken them: a page of a thousand records
 * with all the metadata that they may have is 30 MiB. So those of one caller, and those of all, are
 * bounded together; one alone is always sent.
 */
export class LargeAnswers {
  readonly #room: AnswerRoom
  readonly #held = new Map<string, number>()
  /** The last page of each caller that is being made. */
  readonly #making = new Map<string, Promise<void>>()
  #all = 0

  constructor(room: AnswerRoom) {
    this.#room = room
  }

  /** Pages of a caller one by one: what they are made of is several times as large. */
  async inLine<Made>(caller: string, make: () => Promise<Made>): Promise<Made> {
    const before = this.#making.get(caller)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#making.set(caller, promise)
    await before
    try {
      return await make()
    } finally {
      resolve()
      if (this.#making.get(caller) === promise) this.#making.delete(caller)
    }
  }

  /**
   * Until the response is over. TOO_MANY_REQUESTS where too much waits already: what changes
   * something has to ask before it does, since it cannot be refused once it is done.
   */
  hold(caller: string, bytes: number, response: Response): void {
    if (bytes >= COUNTED_FROM) this.growing(caller, response)(bytes)
  }

  /** The same of what grows until it is over: to be told how much more it holds, or less. */
  growing(caller: string, response: Response): (more: number) => void {
    let held: number | undefined
    return more => {
      if (response.closed) return
      if (more > 0) this.#requireRoom(caller, held ?? 0, more)
      if (held === undefined) response.once('close', () => this.#add(caller, -(held ?? 0)))
      held = (held ?? 0) + more
      this.#add(caller, more)
    }
  }

  #requireRoom(caller: string, before: number, more: number): void {
    const own = this.#held.get(caller) ?? 0
    const others = own - before
    const { answerBytesMax, ownAnswerBytesMax } = this.#room
    const isTooMuch = others > 0 && own + more > ownAnswerBytesMax
    const ofAll = others > 0 ? answerBytesMax : FOR_NEWCOMERS * answerBytesMax
    if (isTooMuch || (this.#all > before && this.#all + more > ofAll)) {
      throw new HoldfastError('TOO_MANY_REQUESTS')
    }
  }

  #add(caller: string, bytes: number): void {
    const own = (this.#held.get(caller) ?? 0) + bytes
    if (own > 0) this.#held.set(caller, own)
    else this.#held.delete(caller)
    this.#all += bytes
  }
}
