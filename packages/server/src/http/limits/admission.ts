import type { ServerResponse } from 'node:http'
import { type ErrorCode, HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { LimitStore, RatePolicy } from '@holdfast/core/ports/limit-store.ts'
import type { OwnRateLimit, Principal } from '@holdfast/core/principal.ts'
import { addressKey } from '@holdfast/core/rates/address-key.ts'
import { guessLimits, type LimitPolicies, type Subject } from './limit-policies.ts'
import { ACCOUNT, type Asked, rateLimitFields, waitSeconds } from './rate-limit-fields.ts'

/** A request as far as its limits are concerned. */
export interface Visit {
  readonly ip: string
  readonly response: ServerResponse
  /** Code of the refusal that was answered. */
  readonly code: string | undefined
}

export interface AdmissionParts {
  readonly store: LimitStore
  readonly policies: LimitPolicies
  readonly clock: Clock
  /** Told of every refusal, by the name of the policy. */
  readonly onRefusal: (policy: string, visit: Visit) => void
}

/** One every twenty seconds: tokens of the shortest life that is useful are renewed less often. */
const REFRESHES = { quota: 30, windowMs: 10 * 60 * 1000 } as const
/** Who got one of these was kept out, and does not use up what belongs to those inside. */
const KEPT_OUT: ReadonlySet<number> = new Set([401, 403, 404, 423])
/** Not 207: of many things, none may have been open. */
function isOpened(status: number): boolean {
  return (status < 300 && status !== 207) || status === 304
}

/** The guess was right, whatever became of it. */
const RIGHT_GUESS: ReadonlySet<string> = new Set<ErrorCode>([
  'ACCOUNT_DISABLED',
  'CREDENTIAL_EXPIRED',
  'PASSWORD_CHANGE_REQUIRED',
  'SECOND_FACTOR_REQUIRED',
  'SECOND_FACTOR_ENROLMENT_REQUIRED',
  'SECRET_EXPIRED',
])
const WRONG_GUESS: ReadonlySet<number> = new Set([401, 403, 423, 429])
const WRONG_AGAIN: ReadonlySet<string> = new Set<ErrorCode>(['UNAUTHENTICATED', 'ACCOUNT_LOCKED'])

/** One request on its way through the limits, until its connection is done with it. */
export class Admission {
  readonly #parts: AdmissionParts
  readonly #visit: Visit
  readonly #asked: Asked[] = []
  readonly #buckets = new Set<string>()
  readonly #after: ((status: number | undefined) => void)[] = []
  #isTooFast = false

  constructor(parts: AdmissionParts, visit: Visit) {
    this.#parts = parts
    this.#visit = visit
  }

  /** Headers that the answer carries, refusals too. */
  get fields(): Record<string, string> | undefined {
    return rateLimitFields(this.#asked, this.#parts.clock.now())
  }

  // Each rejects with RATE_LIMITED or, where too many are inside, TOO_MANY_REQUESTS.

  async address(): Promise<void> {
    if (!this.#isLimited('address')) return
    await this.#pass('address', addressKey(this.#visit.ip))
  }

  /** Whoever is nobody in particular is limited by the address alone. */
  async principal({ kind, id, rateLimit }: Principal): Promise<void> {
    if (rateLimit !== undefined) await this.#account(rateLimit)
    if (kind === 'anonymous' || !this.#isLimited('principal')) return
    await this.#pass('principal', `${kind} ${id}`)
  }

  /**
   * To be asked when the caller is known; who is kept out of the bucket uses nothing up. Who may
   * not know of it is neither told of its limits nor refused by them: the answer is the one for a
   * bucket that is not there.
   */
  async bucket(name: string, isKnown: boolean): Promise<void> {
    if (!this.#isLimited('bucket') || this.#buckets.has(name)) return
    this.#buckets.add(name)
    const policy = this.#parts.policies.rates.bucket
    if (isKnown) await this.#pass('bucket', name)
    if (policy === undefined) return
    this.#onceOver(status => {
      if (!isKnown) void this.#takeUnseen(policy, name)
      else if (status !== undefined && KEPT_OUT.has(status)) {
        void this.#parts.store.giveBack(policy, name)
      }
    })
  }

  /**
   * A guess of what people remember. The token is taken before anybody looks at the guess, so that
   * guesses at the same time get no more; only a right one is given back. `again` is one of a known
   * caller: most of its refusals, such as FORBIDDEN, say nothing of the guess.
   */
  async guess(when: 'first' | 'again' = 'first'): Promise<void> {
    for (const { policy, key } of guessLimits(this.#parts.policies, this.#visit.ip)) {
      await this.#take(policy, key, 'quiet')
      this.#onceOver(status => {
        if (status === undefined) return
        const code = this.#visit.code ?? ''
        const isWrong =
          when === 'again'
            ? WRONG_AGAIN.has(code)
            : WRONG_GUESS.has(status) && !RIGHT_GUESS.has(code)
        if (!isWrong || this.#isTooFast) void this.#parts.store.giveBack(policy, key)
      })
    }
  }

  /**
   * The next tokens of a session, of which each leaves a row in the audit log: as many as guesses
   * of an address, but never fewer than programs ask for that renew too often. Its token was good,
   * so it is no guess, also where it comes too soon.
   */
  async refresh(sessionId: string): Promise<void> {
    const { login } = this.#parts.policies.rates
    if (login === undefined) return
    const { quota, windowMs } = login.rate
    const rate = {
      quota: Math.max(quota, REFRESHES.quota),
      windowMs: Math.min(windowMs, REFRESHES.windowMs),
    }
    const policy = { name: 'refresh', rate }
    const { allowed, waitMs } = await this.#parts.store.take(policy, sessionId)
    if (allowed) return
    this.#isTooFast = true
    throw this.refusal(policy, waitMs)
  }

  /** The refusal of one whose wait is known. */
  refusal(policy: RatePolicy, waitMs: number): HoldfastError {
    this.#asked.push({ policy, taken: { left: 0, waitMs } })
    this.#parts.onRefusal(policy.name, this.#visit)
    const details = { policies: [policy.name], retry_after: waitSeconds(waitMs) }
    return new HoldfastError('RATE_LIMITED', details)
  }

  async #account({ clientId, perMinute }: OwnRateLimit): Promise<void> {
    await this.#take({ name: ACCOUNT, rate: { quota: perMinute, windowMs: 60_000 } }, clientId)
  }

  #isLimited(subject: Subject): boolean {
    const { rates, places } = this.#parts.policies
    return rates[subject] !== undefined || places[subject] !== undefined
  }

  async #pass(subject: Subject, key: string): Promise<void> {
    const { policies, store, onRefusal } = this.#parts
    const { rates, places } = policies
    const rate = rates[subject]
    if (rate !== undefined) await this.#take(rate, key)
    const policy = places[subject]
    if (policy === undefined) return
    const stay = await store.enter(policy, key)
    this.#asked.push({ policy, left: stay.left })
    if (!stay.allowed) {
      onRefusal(policy.name, this.#visit)
      throw new HoldfastError('TOO_MANY_REQUESTS', { policies: [policy.name], retry_after: 1 })
    }
    this.#onceOver(() => void stay.leave())
  }

  /**
   * Taken when the answer is known, and only for what was open after all: whatever else strangers
   * ask, or leave before they hear, would use up what belongs to those inside.
   */
  async #takeUnseen(policy: RatePolicy, key: string): Promise<void> {
    const { headersSent, statusCode } = this.#visit.response
    if (!headersSent || !isOpened(statusCode)) return
    try {
      await this.#parts.store.take(policy, key)
    } catch (error) {
      // Nobody is there to be told that nobody can count.
      if (!isHoldfastError(error) || error.code !== 'LIMITS_UNAVAILABLE') throw error
    }
  }

  /** Quiet ones are told of only when they refuse: what is left would help who guesses. */
  async #take(policy: RatePolicy, key: string, told?: 'quiet'): Promise<void> {
    const taken = await this.#parts.store.take(policy, key)
    if (!taken.allowed) throw this.refusal(policy, taken.waitMs)
    if (told !== 'quiet') this.#asked.push({ policy, taken })
  }

  /** Runs when the answer is out, with its status; undefined when nobody received it. */
  #onceOver(run: (status: number | undefined) => void): void {
    const { response } = this.#visit
    if (response.closed) {
      run(undefined)
      return
    }
    this.#after.push(run)
    if (this.#after.length > 1) return
    response.once('close', () => {
      const status = response.writableFinished ? response.statusCode : undefined
      for (const each of this.#after) each(status)
    })
  }
}
