import { createHash } from 'node:crypto'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type {
  LimitStore,
  LimitTraits,
  PlacesPolicy,
  RatePolicy,
  Stay,
} from '@holdfast/core/ports/limit-store.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import type { Taken } from '@holdfast/core/rates/rate-table.ts'
import {
  enterScript,
  giveBackScript,
  leaveScript,
  renewScript,
  takeScript,
} from './rate-scripts.ts'
import type { Script, ScriptRunner } from './redis-link.ts'

export interface RedisLimitParts {
  readonly link: ScriptRunner
  readonly clock: Clock
  readonly random: Random
  /** Before every key: who has the same one counts together. */
  readonly prefix: string
}

/** About 120 bytes each in Redis. */
const KEYS_MAX = 100_000
const KEY_CHARS_MAX = 100
const LEASE_MS = 30_000
const RENEWED_EVERY_MS = 10_000
/** Ids of one script call: Lua unpacks no more than some thousands. */
const IDS_AT_ONCE = 1000
/** Of these the oldest is forgotten first; its lease ends by itself. */
const STRANDED_MAX = 10_000
/** What is written lives so much longer than it is needed: clocks are set, too. */
const SLACK_MS = 60_000

interface Stranded {
  readonly place: string
  /** When Redis took it out for the first time. */
  freedMs: number | undefined
}

/**
 * Counts in a Redis that several processes share, each question one script there. Whoever is inside
 * holds a lease that its process renews, so places of a process that died are free after 30
 * seconds. Calls reject with `RedisFailure` when Redis does not do it in time; `leave` and
 * `giveBack` never reject.
 */
export class RedisLimitStore implements LimitStore {
  readonly traits: LimitTraits
  readonly #parts: RedisLimitParts
  readonly #seed: string
  /** Ids of those inside, by the key of Redis that counts them. */
  readonly #inside = new Map<string, Set<string>>()
  /** Nobody is inside by these ids, but Redis may think so: it did not answer, or was away. */
  readonly #stranded = new Map<string, Stranded>()
  readonly #stop = new AbortController()

  constructor(parts: RedisLimitParts, keysMax = KEYS_MAX) {
    this.traits = Object.freeze({ shared: true, keysMax })
    this.#parts = parts
    this.#seed = this.#newId()
    void this.#renewAgain()
  }

  async take({ name, rate }: RatePolicy, key: string): Promise<Taken> {
    const own = this.#keyOf('rate_limit', name)
    const args = [
      memberOf(key),
      micros(rate.windowMs),
      String(rate.quota),
      String(this.traits.keysMax),
      this.#seed,
      String(rate.windowMs + SLACK_MS),
    ]
    const answer = await this.#run(takeScript, [own, `${own}:pools`, `${own}:seed`], args)
    const [allowed = 0, left = 0, waitMicros = 0] = answer
    return { allowed: allowed === 1, left, waitMs: waitMicros / 1000 }
  }

  async giveBack({ name, rate }: RatePolicy, key: string): Promise<void> {
    const args = [memberOf(key), micros(rate.windowMs), String(rate.quota)]
    await this.#quietly(giveBackScript, this.#keyOf('rate_limit', name), args)
  }

  async enter({ name, places }: PlacesPolicy, key: string): Promise<Stay> {
    const place = `${this.#keyOf('places', name)}:${memberOf(key)}`
    const id = this.#newId()
    const args = [id, String(places), micros(LEASE_MS), String(LEASE_MS + SLACK_MS)]
    const [allowed = 0, left = 0] = await this.#run(enterScript, [place], args).catch(error => {
      this.#strand(place, id)
      throw error
    })
    if (allowed !== 1) return { allowed: false, left: 0, leave: () => {} }
    const ids = this.#inside.get(place) ?? new Set<string>()
    this.#inside.set(place, ids.add(id))
    return { allowed: true, left, leave: () => this.#leave(place, id) }
  }

  /** Resolves when Redis counts, and rejects with the reason why it does not. */
  async probe(): Promise<void> {
    await this.take({ name: 'probe', rate: { quota: 1000, windowMs: 1000 } }, '')
    await this.#freeStranded()
  }

  /** Keeps the places of this process for another lease; done by itself every ten seconds. */
  async renew(): Promise<void> {
    const kept = [...this.#inside].flatMap(([place, ids]) => {
      return inGroups([...ids]).map(group => {
        const args = [micros(LEASE_MS), String(LEASE_MS + SLACK_MS), ...group]
        return this.#quietly(renewScript, place, args)
      })
    })
    await Promise.all(kept)
    await this.#freeStranded()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    const leaving = [...this.#inside].flatMap(([place, ids]) => {
      return [...ids].map(id => this.#leave(place, id))
    })
    await Promise.all(leaving)
  }

  async #leave(place: string, id: string): Promise<void> {
    const ids = this.#inside.get(place)
    if (ids?.delete(id) !== true) return
    if (ids.size === 0) this.#inside.delete(place)
    await this.#run(leaveScript, [place], [id]).catch(() => this.#strand(place, id))
  }

  #strand(place: string, id: string): void {
    this.#stranded.set(id, { place, freedMs: undefined })
    const [oldest = id] = this.#stranded.keys()
    if (this.#stranded.size > STRANDED_MAX) this.#stranded.delete(oldest)
  }

  /**
   * A command that stood in the socket of a Redis that hung is done when it goes on, maybe after
   * this: so for the time of one lease each id is taken out again.
   */
  async #freeStranded(): Promise<void> {
    const nowMs = this.#parts.clock.monotonic()
    for (const [id, { freedMs = nowMs }] of this.#stranded) {
      if (freedMs + LEASE_MS < nowMs) this.#stranded.delete(id)
    }
    const byPlace = Map.groupBy(this.#stranded, ([, { place }]) => place)
    const freed = [...byPlace].flatMap(([place, stranded]) => {
      return inGroups(stranded.map(([id]) => id)).map(ids => this.#free(place, ids, nowMs))
    })
    await Promise.all(freed)
  }

  async #free(place: string, ids: string[], nowMs: number): Promise<void> {
    try {
      await this.#run(leaveScript, [place], ids)
      for (const id of ids) {
        const stranded = this.#stranded.get(id)
        if (stranded !== undefined) stranded.freedMs ??= nowMs
      }
    } catch {
      // It is away: the next probe that finds it comes here again.
    }
  }

  async #renewAgain(): Promise<void> {
    const { clock } = this.#parts
    const { signal } = this.#stop
    while (!signal.aborted) {
      await clock.sleep(RENEWED_EVERY_MS, signal).catch(() => undefined)
      if (!signal.aborted) await this.renew()
    }
  }

  async #run(script: Script, keys: string[], args: string[]): Promise<number[]> {
    const answer = await this.#parts.link.run(script, keys, args)
    return Array.isArray(answer) ? answer.map(Number) : []
  }

  async #quietly(script: Script, key: string, args: string[]): Promise<void> {
    await this.#parts.link.run(script, [key], args).catch(() => undefined)
  }

  /** In braces what has to lie on one node of a cluster. */
  #keyOf(kind: 'rate_limit' | 'places', policy: string): string {
    return `${this.#parts.prefix}{${kind}:${policy}}`
  }

  #newId(): string {
    return Buffer.from(this.#parts.random.bytes(16)).toString('base64url')
  }
}

/** Callers choose keys: a long one must not fill the memory of Redis. */
function memberOf(key: string): string {
  if (key.length <= KEY_CHARS_MAX) return `k:${key}`
  return `h:${createHash('sha256').update(key).digest('base64url')}`
}

function micros(ms: number): string {
  return String(Math.round(ms * 1000))
}

function inGroups(ids: readonly string[]): string[][] {
  const groups: string[][] = []
  for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
    groups.push(ids.slice(at, at + IDS_AT_ONCE))
  }
  return groups
}
