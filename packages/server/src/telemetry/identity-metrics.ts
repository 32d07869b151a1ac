import type { routes } from '@holdfast/contract/routes.ts'
import type { IdentityCounts } from '@holdfast/engine/identity/identity-counts.ts'
import { Counter, Gauge, type Registry } from 'prom-client'

/** What is known of keys, tokens and accounts at the moment of a scrape. */
export interface IdentityFigures {
  readonly counts: IdentityCounts
  /** Access tokens that were known from an earlier look. */
  readonly remembered: number
  /** Keys whose tokens are taken now. */
  readonly signingKeys: number
  /** How long the newest key signs, Unix milliseconds; undefined before the first one. */
  readonly signsUntilMs: number | undefined
  readonly activeAccounts: number
}

/** Where somebody proves who they are. */
export const attemptOperations = [
  ...(['login', 'loginWithCode', 'refresh', 'redeemOpenId', 'issueToken'] as const),
  ...(['changePassword', 'resetPassword', 'confirmSession'] as const),
] satisfies (keyof typeof routes)[]

/** Of what alarms are made: a counter that appears with 1 has not risen. */
const RESULTS = ['success', 'UNAUTHENTICATED', 'IDENTITY_UNAVAILABLE', 'TOO_MANY_REQUESTS']

/** Metrics of people, programs and their tokens. Nothing that a caller chose is a label. */
export class IdentityMetrics {
  readonly attempts: Counter<'operation' | 'result'>
  readonly #rotations: Counter<'trigger'>
  readonly #activeKeys: Gauge
  readonly #signsUntil: Gauge<'use'>
  readonly #created: Counter<'kind' | 'type'>
  readonly #validations: Counter<'issuer' | 'result'>
  readonly #checks: Counter<'place' | 'result'>
  readonly #lockouts: Counter
  readonly #accounts: Gauge

  constructor(registry: Registry) {
    const registers = [registry]
    this.attempts = new Counter({
      name: 'auth_attempts_total',
      help: 'Logins and what else proves who somebody is, by how it ended: success, or a code.',
      labelNames: ['operation', 'result'],
      registers,
    })
    for (const operation of attemptOperations) {
      for (const result of RESULTS) this.attempts.inc({ operation, result }, 0)
    }
    this.#rotations = new Counter({
      name: 'jwt_rotation_total',
      help: 'Signing keys made, the first one included: in their time, or because somebody asked.',
      labelNames: ['trigger'],
      registers,
    })
    this.#activeKeys = new Gauge({
      name: 'jwt_active_keys',
      help: 'Keys whose access tokens are taken.',
      registers,
    })
    this.#signsUntil = new Gauge({
      name: 'jwt_signing_until_timestamp_seconds',
      help: 'When the newest key stops signing; the next token after it makes another one.',
      // Without labels there would be a sample of 0 before the first key.
      labelNames: ['use'],
      registers,
    })
    this.#created = new Counter({
      name: 'tokens_created_total',
      help: 'Tokens issued, by whom they are for and by type.',
      labelNames: ['kind', 'type'],
      registers,
    })
    this.#validations = new Counter({
      name: 'token_validations_total',
      help:
        'Access tokens that came, by issuer (own, unknown, or a name of the settings) and by how ' +
        'it ended: success, or a code. Remembered: good at an earlier look, and still.',
      labelNames: ['issuer', 'result'],
      registers,
    })
    this.#checks = new Counter({
      name: 'identity_checks_total',
      help:
        'Checks of all people at the directory, and loads of the keys of issuers, by place and ' +
        'by how it ended: success, failed, or partial where the directory could not tell of some.',
      labelNames: ['place', 'result'],
      registers,
    })
    this.#lockouts = new Counter({
      name: 'auth_lockouts_total',
      help: 'Accounts that wrong guesses have locked.',
      registers,
    })
    this.#accounts = new Gauge({
      name: 'service_accounts_active',
      help: 'Service accounts that may act.',
      registers,
    })
  }

  set({ counts, remembered, ...now }: IdentityFigures): void {
    const { schedule, request } = counts.rotations
    this.#rotations.reset()
    this.#rotations.inc({ trigger: 'schedule' }, schedule)
    this.#rotations.inc({ trigger: 'request' }, request)
    this.#activeKeys.set(now.signingKeys)
    if (now.signsUntilMs !== undefined) {
      this.#signsUntil.set({ use: 'tokens' }, now.signsUntilMs / 1000)
    }
    this.#created.reset()
    for (const [kind, types] of Object.entries(counts.created)) {
      for (const [type, count] of Object.entries(types)) this.#created.inc({ kind, type }, count)
    }
    this.#validations.reset()
    this.#validations.inc({ issuer: 'any', result: 'remembered' }, remembered)
    for (const [issuer, results] of counts.validations) {
      for (const [result, count] of results) this.#validations.inc({ issuer, result }, count)
    }
    this.#checks.reset()
    for (const [place, results] of counts.checks) {
      for (const [result, count] of Object.entries(results)) {
        this.#checks.inc({ place, result }, count)
      }
    }
    this.#lockouts.reset()
    this.#lockouts.inc(counts.lockouts)
    this.#accounts.set(now.activeAccounts)
  }
}
