import type { IncomingMessage } from 'node:http'
import type { BlockList } from 'node:net'
import { BoundedCache } from '@holdfast/core/bounded-cache.ts'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { LimitStore, RatePolicy } from '@holdfast/core/ports/limit-store.ts'
import { addressKey } from '@holdfast/core/rates/address-key.ts'
import type { Taken } from '@holdfast/core/rates/rate-table.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import { clientAddress } from '../caller/client-address.ts'
import { Admission, type Visit } from './admission.ts'
import type { LimitPolicies } from './limit-policies.ts'

export interface LimitParts {
  readonly policies: LimitPolicies
  readonly store: LimitStore
  readonly clock: Clock
  readonly proxies: BlockList
  readonly metrics: Metrics
  readonly log: Log
}

/** Who may have sent a credential: a program, or a browser that a page of others told to. */
export type Carrier = 'program' | 'page'

const BLOCKED_MAX = 10_000
const GOOD_MAX = 10_000
const LOOKED_EVERY_MS = 1000
const WARNED_EVERY_MS = 3_600_000

/** The limits of one server, for all doors. */
export class Limits {
  readonly #parts: LimitParts
  /** Addresses with too many wrong credentials, and until when (monotonic). */
  readonly #blocked = new Map<string, number>()
  /** When the first of them is free again. */
  #dueMs = Number.POSITIVE_INFINITY
  readonly #good = new BoundedCache<true>(GOOD_MAX)
  #latestGood: { readonly ip: string; readonly name: string } | undefined
  #warnedMs = Number.NEGATIVE_INFINITY

  constructor(parts: LimitParts) {
    this.#parts = parts
  }

  admission(visit: Visit): Admission {
    const { store, policies, clock } = this.#parts
    return new Admission({ store, policies, clock, onRefusal: this.#tell }, visit)
  }

  /**
   * Whether a request has to go the way on which limits are looked at. Asked first of all for every
   * request: without limits that is two comparisons.
   */
  concerns(request: IncomingMessage): boolean {
    if (this.#parts.policies.everyRequest) return true
    if (!this.blocksAny) return false
    const forwarded = request.headers['x-forwarded-for']
    const remote = request.socket.remoteAddress
    return this.isBlocked(clientAddress({ remote, forwarded }, this.#parts.proxies))
  }

  /** False when nothing concerns any request, whoever it comes from. */
  get mayConcern(): boolean {
    return this.#parts.policies.everyRequest || this.blocksAny
  }

  get asksBuckets(): boolean {
    const { rates, places } = this.#parts.policies
    return (rates.bucket ?? places.bucket) !== undefined
  }

  /** Whether any address is; spares finding out which one it is. */
  get blocksAny(): boolean {
    if (this.#blocked.size === 0) return false
    const nowMs = this.#parts.clock.monotonic()
    if (nowMs >= this.#dueMs) this.#forgetDue(nowMs)
    return this.#blocked.size > 0
  }

  /** Those that never come back would keep all requests off the short way. */
  #forgetDue(nowMs: number): void {
    this.#dueMs = Number.POSITIVE_INFINITY
    for (const [key, untilMs] of this.#blocked) {
      if (untilMs <= nowMs) this.#blocked.delete(key)
      else this.#dueMs = Math.min(this.#dueMs, untilMs)
    }
    // Not anew for each of many that end one after the other.
    this.#dueMs = Math.max(this.#dueMs, nowMs + LOOKED_EVERY_MS)
  }

  /** In any way: such requests take the way on which it is told which one. */
  isBlocked(ip: string): boolean {
    return this.#waitMs(placeOf(ip, 'program')) > 0 || this.#waitMs(placeOf(ip, 'page')) > 0
  }

  /** Throws for an address with too many wrong credentials, before one more is looked at. */
  requireUnblocked(ip: string, admission: Admission, carrier: Carrier = 'program'): void {
    const waitMs = this.#waitMs(placeOf(ip, carrier))
    const policy = this.#parts.policies.rates.credentials
    if (waitMs > 0 && policy !== undefined) throw admission.refusal(policy, waitMs)
  }

  /** A name that came with a good credential, for doors whose credentials differ every time. */
  remember(ip: string, name: string): void {
    // Nobody else was asked about since: it cannot have been forgotten.
    if (this.#latestGood?.name === name && this.#latestGood.ip === ip) return
    const key = `${addressKey(ip)} ${name}`
    if (this.#good.get(key) === undefined) this.#good.set(key, true)
    this.#latestGood = { ip, name }
  }

  wasGood(ip: string, name: string): boolean {
    this.#latestGood = undefined
    return this.#good.get(`${addressKey(ip)} ${name}`) === true
  }

  /**
   * Counts a credential that was wrong. Those of pages count for themselves: else a page of others
   * would keep out whoever shares the address of one visitor, with keys, tokens and all.
   */
  async countWrong(ip: string, carrier: Carrier = 'program'): Promise<void> {
    const { policies, clock } = this.#parts
    const policy = policies.rates.credentials
    if (policy === undefined) return
    const key = placeOf(ip, carrier)
    const { left, waitMs } = await this.#takeOrWait(policy, key)
    if (left > 0) return
    const nowMs = clock.monotonic()
    // Whoever is pushed out here is back with the next wrong one: the store still knows.
    if (this.#blocked.size >= BLOCKED_MAX) this.#blocked.clear()
    this.#blocked.set(key, nowMs + waitMs)
    this.#dueMs = Math.min(this.#dueMs, nowMs + waitMs)
  }

  /** Where nobody may count, one at a time: whoever guesses must not gain by that. */
  async #takeOrWait(policy: RatePolicy, key: string): Promise<Pick<Taken, 'left' | 'waitMs'>> {
    try {
      return await this.#parts.store.take(policy, key)
    } catch (error) {
      if (!isHoldfastError(error) || error.code !== 'LIMITS_UNAVAILABLE') throw error
      return { left: 0, waitMs: policy.rate.windowMs / policy.rate.quota }
    }
  }

  #waitMs(key: string): number {
    const untilMs = this.#blocked.get(key)
    if (untilMs === undefined) return 0
    const waitMs = untilMs - this.#parts.clock.monotonic()
    if (waitMs <= 0) this.#blocked.delete(key)
    return waitMs
  }

  readonly #tell = (policy: string, { response, ip }: Visit): void => {
    const { metrics, clock, log } = this.#parts
    metrics.limited.inc({ policy })
    const { req } = response
    if (req.headers['x-forwarded-for'] === undefined) return
    const peer = clientAddress(
      { remote: req.socket.remoteAddress, forwarded: undefined },
      this.#parts.proxies,
    )
    // An address that a header names was believed, so the proxy is known.
    if (peer !== ip || clock.monotonic() - this.#warnedMs < WARNED_EVERY_MS) return
    this.#warnedMs = clock.monotonic()
    log.warn({ policy, proxy: ip }, 'all callers of a proxy count as one: STORAGE_TRUSTED_PROXIES')
  }
}

function placeOf(ip: string, carrier: Carrier): string {
  return carrier === 'program' ? addressKey(ip) : `${carrier} ${addressKey(ip)}`
}
