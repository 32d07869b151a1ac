import type { Catalog, Touched } from '@holdfast/core/ports/catalog.ts'
import type { Principal } from '@holdfast/core/principal.ts'

export interface KnownToken {
  readonly principal: Principal
  readonly expiresMs: number
  /** Ids of the records that the principal was made of. */
  readonly madeOf: readonly string[]
}

const TOKENS_MAX = 10_000

/**
 * Tokens whose signature and owner were checked. The catalog tells of every change before the
 * change is answered, so a token is forgotten before anybody hears that it ended.
 */
export class TokenCache {
  readonly #known = new Map<string, KnownToken>()
  readonly #byRecord = new Map<string, Set<string>>()
  /** When a token of each session was last taken; lost on restart. */
  readonly #seen = new Map<string, number>()
  #changes = 0
  /** How often a token was known already. */
  hits = 0

  constructor(catalog: Catalog) {
    catalog.watch(touched => this.#forget(touched))
  }

  get(token: string, nowMs: number): Principal | undefined {
    const known = this.#known.get(token)
    if (known === undefined) return undefined
    if (known.expiresMs > nowMs) {
      this.#see(known.principal, nowMs)
      this.hits += 1
      return known.principal
    }
    this.#drop(token)
    return undefined
  }

  /** Without counting as a use. */
  has(token: string, nowMs: number): boolean {
    return (this.#known.get(token)?.expiresMs ?? 0) > nowMs
  }

  /** Unix milliseconds; undefined when no token of it was taken since its last refresh. */
  seenMs(sessionId: string): number | undefined {
    return this.#seen.get(sessionId)
  }

  #see({ sessionId }: Principal, nowMs: number): void {
    if (sessionId === undefined) return
    if (this.#seen.size >= TOKENS_MAX && !this.#seen.has(sessionId)) this.#seen.clear()
    this.#seen.set(sessionId, nowMs)
  }

  /** To be taken before the records are read, and handed to `set`. */
  get moment(): number {
    return this.#changes
  }

  /** Keeps nothing that was read before the last change. */
  set(
    token: string,
    known: KnownToken,
    { moment, nowMs }: { moment: number; nowMs: number },
  ): void {
    this.#see(known.principal, nowMs)
    if (moment !== this.#changes) return
    if (this.#known.size >= TOKENS_MAX) this.#clear()
    this.#known.set(token, known)
    for (const id of known.madeOf) {
      const tokens = this.#byRecord.get(id)
      if (tokens === undefined) this.#byRecord.set(id, new Set([token]))
      else tokens.add(token)
    }
  }

  /**
   * Where nobody has a name that was tried. What is under way asks anew for its rights then, as it
   * does after a change of a user: or whoever sends much could measure which names are known.
   */
  stir(): void {
    this.#changes += 1
  }

  /** All tokens that were made of it. */
  forget(id: string): void {
    this.#changes += 1
    this.#seen.delete(id)
    for (const token of this.#byRecord.get(id) ?? []) this.#drop(token)
  }

  #forget(touched: Touched): void {
    const { identities = [], keys, accessKeys } = touched.records
    for (const id of identities) this.forget(id)
    if ((keys ?? accessKeys) !== undefined) this.#changes += 1
  }

  #drop(token: string): void {
    const known = this.#known.get(token)
    if (known === undefined) return
    this.#known.delete(token)
    for (const id of known.madeOf) {
      const tokens = this.#byRecord.get(id)
      tokens?.delete(token)
      if (tokens?.size === 0) this.#byRecord.delete(id)
    }
  }

  #clear(): void {
    this.#known.clear()
    this.#byRecord.clear()
  }
}
