import type { AuditEntry } from '@holdfast/core/identities.ts'
import { systemPrincipal } from '@holdfast/core/principal.ts'
import { addressKey } from '@holdfast/core/rates/address-key.ts'
import { type Rate, RateTable } from '@holdfast/core/rates/rate-table.ts'

interface Tally {
  count: number
  readonly first: AuditEntry
  last: AuditEntry
  /** Of each code of refusals, of each share link, or of each user. */
  readonly named: Map<string, number>
  readonly actions: Set<string>
}

/** What is counted, and how its rows tell of it. */
interface Kind {
  readonly action: string
  readonly outcome: AuditEntry['outcome']
  readonly field: string
  nameOf(entry: AuditEntry): string
  /** Whoever could come from as many addresses as it likes, at no risk. */
  isStranger(entry: AuditEntry): boolean
}

export const REFUSALS: Kind = {
  ...{ action: 'refusals', outcome: 'refused', field: 'codes' },
  nameOf: ({ code }) => code ?? 'none',
  isStranger: ({ actorKind }) => actorKind === 'anonymous',
}

/** Rows of them name the maker of the link, but anybody may have it. */
export const VISITS: Kind = {
  ...{ action: 'visits', outcome: 'success', field: 'shares' },
  nameOf: ({ detail }) => String(detail.share_id ?? 'none'),
  isStranger: () => true,
}

/** Mails with a token that anybody may ask for, by name; who is none of ours is `none`. */
export const RESETS: Kind = {
  ...{ action: 'resetRequests', outcome: 'success', field: 'users' },
  nameOf: ({ detail }) => String(detail.username ?? 'none'),
  isStranger: () => true,
}

/** Addresses with a row of their own each time, while others are told together. */
const ADDRESSES_MAX = 100
/** So many times the rows of one address are the rows of all strangers together. */
const STRANGERS = 10
const KEYS_MAX = 10_000
const NAMES_MAX = 20
/** Whoever is one too many is counted together with the others. */
const OTHERS = ''

/**
 * Refusals, visits by share links, or reset requests of addresses that cause too many: counted, and
 * told in one row each now and then. A flood of them costs neither a row nor memory for every one,
 * and none is missing from the count.
 */
export class RefusalTally {
  readonly #table: RateTable | undefined
  readonly #strangers: RateTable | undefined
  readonly #kind: Kind
  #tallies = new Map<string, Tally>()

  /** Without a rate each has a row of its own. */
  constructor(kind: Kind, rate: Rate | undefined, seed: number) {
    this.#kind = kind
    this.#table = rate && new RateTable(rate, { keysMax: KEYS_MAX, seed })
    const all = rate && { ...rate, quota: rate.quota * STRANGERS }
    this.#strangers = all && new RateTable(all, { keysMax: 1, seed })
  }

  /** True when it was counted here; false when it deserves a row of its own. */
  count(entry: AuditEntry, nowMs: number): boolean {
    if (this.#table === undefined) return false
    const key = addressKey(entry.ip)
    const isAlone = this.#table.take(key, nowMs).allowed
    if (isAlone && this.#mayStranger(entry, nowMs)) return false
    const known = this.#tallies.get(key)
    const place = known === undefined && this.#tallies.size >= ADDRESSES_MAX ? OTHERS : key
    const tally = this.#tallies.get(place) ?? newTally(entry)
    this.#tallies.set(place, tally)
    tally.count += 1
    tally.last = entry
    const name = this.#kind.nameOf(entry)
    if (tally.named.size < NAMES_MAX || tally.named.has(name)) {
      tally.named.set(name, (tally.named.get(name) ?? 0) + 1)
    }
    if (tally.actions.size < NAMES_MAX) tally.actions.add(entry.action)
    return true
  }

  /** Whoever has a network of many addresses would fill the disk else, without any credential. */
  #mayStranger(entry: AuditEntry, nowMs: number): boolean {
    if (!this.#kind.isStranger(entry)) return true
    return this.#strangers?.take('', nowMs).allowed !== false
  }

  /** One row for each address; counting begins anew. */
  rows(): AuditEntry[] {
    const tallies = this.#tallies
    this.#tallies = new Map()
    return [...tallies].map(([key, tally]) => rowOf(this.#kind, key, tally))
  }
}

function newTally(first: AuditEntry): Tally {
  return { count: 0, first, last: first, named: new Map(), actions: new Set() }
}

function rowOf(kind: Kind, key: string, tally: Tally): AuditEntry {
  const { count, first, last, named, actions } = tally
  const { action, outcome, field } = kind
  const { id, kind: actorKind, name } = systemPrincipal
  return {
    at: last.at,
    ...{ actor: id, actorKind, actorName: name, requestId: last.requestId },
    // The network where it is one of many: single addresses of it were not kept.
    ip: key === OTHERS ? '' : key,
    agent: last.agent,
    ...{ action, outcome, status: last.status, code: last.code },
    resource: {},
    detail: {
      count,
      since: first.at,
      until: last.at,
      [field]: Object.fromEntries(named),
      actions: [...actions],
    },
  }
}
