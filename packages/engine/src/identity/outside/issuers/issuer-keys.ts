import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { KeySetSource } from '@holdfast/core/ports/key-set.ts'
import type { CryptoKey } from 'jose'
import type { ForeignAlgorithm } from './issuer.ts'
import { type KnownKey, readKeySet } from './key-set.ts'

export interface IssuerKeysParts {
  readonly source: KeySetSource
  readonly algorithm: Exclude<ForeignAlgorithm, 'HS256'>
  readonly refreshSeconds: number
  readonly clock: Clock
  /** The set is another one now: what was checked with the old one must be checked again. */
  readonly onChange: () => void
  readonly onLoad: (isGood: boolean) => void
  readonly onProblem: (error: unknown) => void
}

/** Keys that could not be confirmed for so long are used no longer: one may have been withdrawn. */
const STALE_MS = 24 * 3_600_000
/** After a failure, and at least between two loads that unknown keys asked for. */
const AGAIN_MS = 30_000
const TOLD_MAX = 10
const KID_CHARS_MAX = 100

/**
 * The public keys of one issuer, loaded in the background and kept. A request never waits for a
 * load and never causes one of its own: a token whose key is not known is refused, and the next
 * load comes sooner, at most every 30 seconds.
 */
export class IssuerKeys {
  readonly #parts: IssuerKeysParts
  #known: readonly KnownKey[] = []
  #document: unknown
  #loadedMs: number | undefined
  #isWanted = false
  #wake: (() => void) | undefined

  constructor(parts: IssuerKeysParts) {
    this.#parts = parts
  }

  /** Whether there is any set to look into. */
  get isLoaded(): boolean {
    const age = this.#parts.clock.monotonic() - (this.#loadedMs ?? Number.NEGATIVE_INFINITY)
    return age < STALE_MS
  }

  /** By its name; without one, only where there is no choice. */
  find(kid: string | undefined): CryptoKey | undefined {
    if (!this.isLoaded) return undefined
    if (kid === undefined) return this.#known.length === 1 ? this.#known[0]?.key : undefined
    const found = this.#known.find(known => known.kid === kid)
    if (found === undefined) {
      this.#isWanted = true
      this.#wake?.()
    }
    return found?.key
  }

  /**
   * True when it went well. A failure keeps the keys there are until they are stale; a set without
   * a key that can be used is an answer, by which an issuer takes all of them back.
   */
  async load(signal: AbortSignal): Promise<boolean> {
    const { source, algorithm, clock, onChange, onLoad, onProblem } = this.#parts
    try {
      const document = await source.load(signal)
      const { known, weak } = await readKeySet(document, algorithm)
      const isNew = !isDeepStrictEqual(document, this.#document)
      this.#known = known
      this.#document = document
      this.#loadedMs = clock.monotonic()
      if (isNew) onChange()
      if (known.length === 0) {
        const more = weak.length === 0 ? '' : ` that is not too weak: ${named(weak)}`
        throw new Error(`no key for ${algorithm} in the set${more}`)
      }
      if (isNew && weak.length > 0)
        onProblem(new Error(`keys too weak to be taken: ${named(weak)}`))
      onLoad(true)
      return true
    } catch (error) {
      if (signal.aborted) return false
      onLoad(false)
      onProblem(error)
      if (!this.isLoaded) onChange()
      return false
    }
  }

  /** Loads now and again until the signal. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, refreshSeconds } = this.#parts
    while (!signal.aborted) {
      this.#isWanted = false
      const isGood = await this.load(signal)
      const early = new AbortController()
      const until = AbortSignal.any([signal, early.signal])
      try {
        await clock.sleep(AGAIN_MS, signal)
        this.#wake = () => early.abort()
        const moreMs = refreshSeconds * 1000 - AGAIN_MS
        if (isGood && !this.#isWanted && moreMs > 0) await clock.sleep(moreMs, until)
      } catch {
        // Woken, or over.
      }
      this.#wake = undefined
    }
  }
}

function named(kids: readonly string[]): string {
  return JSON.stringify(kids.slice(0, TOLD_MAX).map(kid => kid.slice(0, KID_CHARS_MAX)))
}
