import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type {
  LimitStore,
  LimitTraits,
  PlacesPolicy,
  RatePolicy,
  Stay,
} from '@holdfast/core/ports/limit-store.ts'
import type { Taken } from '@holdfast/core/rates/rate-table.ts'

export interface FallbackParts {
  /** Rejects where it cannot count; `probe` tells whether it can. */
  readonly outside: LimitStore & { probe(): Promise<void> }
  readonly local: LimitStore
  /** What becomes of callers while the one outside is away: counted here, or refused. */
  readonly without: 'local' | 'refuse'
  readonly clock: Clock
  readonly onChange: (state: 'up' | 'down', reason: string) => void
}

const RETRY_MS = 1000

/**
 * Counts outside, and in this process while that does not work. After the first failure nobody
 * waits for it any more, until a probe in the background found it again. What was allowed outside
 * is counted here as well, so that its going away gives nobody new tokens of this process.
 */
export class FallbackLimitStore implements LimitStore {
  readonly traits: LimitTraits
  readonly #parts: FallbackParts
  readonly #stop = new AbortController()
  #trouble: string | undefined
  #recovering: Promise<void> = Promise.resolve()
  #missed = 0

  constructor(parts: FallbackParts) {
    this.traits = parts.outside.traits
    this.#parts = parts
  }

  /** Why the one outside does not count; undefined when it does. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Questions that it did not answer, since the start. */
  get missed(): number {
    return this.#missed
  }

  /** Asks for the first time; tells what went wrong, and goes on without it. */
  async begin(): Promise<unknown> {
    try {
      await this.#parts.outside.probe()
      return undefined
    } catch (error) {
      this.#fail(error)
      return error
    }
  }

  async take(policy: RatePolicy, key: string): Promise<Taken> {
    const { outside, local } = this.#parts
    const taken = await this.#ask(() => outside.take(policy, key))
    if (taken === undefined) return await local.take(policy, key)
    if (taken.allowed) await local.take(policy, key)
    return taken
  }

  async giveBack(policy: RatePolicy, key: string): Promise<void> {
    const { outside, local } = this.#parts
    await local.giveBack(policy, key)
    if (this.#trouble === undefined) await outside.giveBack(policy, key)
  }

  async enter(policy: PlacesPolicy, key: string): Promise<Stay> {
    const { outside, local } = this.#parts
    const stay = await this.#ask(() => outside.enter(policy, key))
    if (stay === undefined) return await local.enter(policy, key)
    if (!stay.allowed) return stay
    const here = await local.enter(policy, key)
    const leave = async () => {
      await Promise.all([here.leave(), stay.leave()])
    }
    return { ...stay, leave }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#recovering
    await this.#parts.outside[Symbol.asyncDispose]()
    await this.#parts.local[Symbol.asyncDispose]()
  }

  /** Undefined where this process has to count; LIMITS_UNAVAILABLE where nobody may. */
  async #ask<T>(question: () => T | Promise<T>): Promise<T | undefined> {
    if (this.#trouble === undefined) {
      try {
        return await question()
      } catch (error) {
        this.#fail(error)
      }
    }
    this.#missed += 1
    if (this.#parts.without === 'refuse') throw new HoldfastError('LIMITS_UNAVAILABLE')
    return undefined
  }

  #fail(error: unknown): void {
    // Others that were under way fail with the first one.
    if (this.#trouble !== undefined || this.#stop.signal.aborted) return
    this.#trouble = error instanceof Error ? error.message : String(error)
    this.#parts.onChange('down', this.#trouble)
    this.#recovering = this.#recover()
  }

  async #recover(): Promise<void> {
    const { outside, clock, onChange } = this.#parts
    const { signal } = this.#stop
    while (!signal.aborted) {
      await clock.sleep(RETRY_MS, signal).catch(() => undefined)
      if (signal.aborted) return
      try {
        await outside.probe()
        this.#trouble = undefined
        onChange('up', '')
        return
      } catch (error) {
        this.#trouble = error instanceof Error ? error.message : String(error)
      }
    }
  }
}
