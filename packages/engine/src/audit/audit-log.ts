import { createHmac } from 'node:crypto'
import type { AuditEntry, AuditRow } from '@holdfast/core/identities.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Element } from '@holdfast/core/ports/element.ts'
import { systemPrincipal } from '@holdfast/core/principal.ts'
import type { Rate } from '@holdfast/core/rates/rate-table.ts'
import { commit } from '../commit.ts'
import { RefusalTally } from './refusal-tally.ts'

export interface AuditParts {
  readonly catalog: Catalog
  readonly element: Element
  readonly clock: Clock
  readonly secret: Uint8Array
  /** Refusals of one address that have rows of their own; more are counted. */
  readonly refusals?: Rate | undefined
  /** Told when rows could not be written. */
  readonly onError: (error: unknown) => void
}

const QUEUE_MAX = 10_000
const BATCH_MAX = 500
const HEAD_MS = 2_000
const TALLY_MS = 30_000
export const HEAD_NOTE = 'audit-head'

/**
 * Writes the audit log: what arrives while a commit is on its way goes into the next one. A flood
 * that would fill the memory is counted instead of kept, and the count is a row of its own.
 */
export class AuditLog {
  readonly #parts: AuditParts
  #queue: AuditEntry[] = []
  #lost = 0
  #running: Promise<void> | undefined
  #head: AuditRow | undefined
  #headTimer: Promise<void> | undefined
  readonly #closing = new AbortController()
  readonly #tally: RefusalTally
  #tallyTimer: Promise<void> | undefined

  constructor(parts: AuditParts) {
    this.#parts = parts
    const [a = 0, b = 0, c = 0, d = 0] = parts.secret
    this.#tally = new RefusalTally(parts.refusals, a | (b << 8) | (c << 16) | (d << 24))
  }

  /** Goes out with the next commit, within milliseconds; nobody waits for it. */
  record(entry: AuditEntry): void {
    if (this.#queue.length >= QUEUE_MAX) this.#lost += 1
    else this.#queue.push(entry)
    this.#start()
  }

  /** As `record`; of an address that causes too many, it is counted in a row of many. */
  recordRefusal(entry: AuditEntry): void {
    if (!this.#tally.count(entry, this.#parts.clock.monotonic())) this.record(entry)
    else this.#tallyTimer ??= this.#tellTallySoon()
  }

  /** Resolves when the row is durable. */
  async recordDurably(entry: AuditEntry): Promise<void> {
    // Never counted away: what fills the queue are refusals.
    this.#queue.push(entry)
    this.#start()
    await this.flush()
  }

  /** Resolves when everything recorded so far is durable. */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** As `flush`, and the head on the element names the last row. */
  async settle(): Promise<void> {
    await this.flush()
    await this.#writeHead()
  }

  /** The last rows, and where the log ends, reach the element. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#tallyTimer
    await this.flush()
    await this.#headTimer
    await this.#writeHead()
  }

  #start(): void {
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined
      if (this.#queue.length > 0) this.#start()
    })
  }

  async #drain(): Promise<void> {
    // Requests of the same turn share the commit.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const entries = this.#queue.splice(0, BATCH_MAX)
      const lost = this.#lost + entries.length
      if (this.#lost > 0) entries.push(this.#overflow())
      try {
        const call = { principal: systemPrincipal, requestId: 'audit', signal: none }
        this.#head = await commit(this.#parts, call, { name: 'audits.append', args: { entries } })
        this.#headTimer ??= this.#writeHeadSoon()
      } catch (error) {
        // The next row that can be written tells how many are not there.
        this.#lost += lost
        this.#parts.onError(error)
      }
    }
  }

  #overflow(): AuditEntry {
    const lost = this.#lost
    this.#lost = 0
    const { id, kind, name } = systemPrincipal
    return {
      at: new Date(this.#parts.clock.now()).toISOString(),
      ...{ actor: id, actorKind: kind, actorName: name },
      ...{ ip: '', agent: '', requestId: 'audit', action: 'auditOverflow', outcome: 'failed' },
      ...{ status: 0, code: null, resource: {}, detail: { lost } },
    }
  }

  async #tellTallySoon(): Promise<void> {
    await this.#parts.clock.sleep(TALLY_MS, this.#closing.signal).catch(() => {})
    this.#tallyTimer = undefined
    for (const row of this.#tally.rows()) this.record(row)
  }

  async #writeHeadSoon(): Promise<void> {
    try {
      await this.#parts.clock.sleep(HEAD_MS, this.#closing.signal)
    } catch {
      return
    }
    this.#headTimer = undefined
    await this.#writeHead()
  }

  async #writeHead(): Promise<void> {
    const row = this.#head
    if (row === undefined) return
    this.#head = undefined
    const { seq, hash } = row
    const note = JSON.stringify({ seq, hash, seal: sealOf({ seq, hash }, this.#parts.secret) })
    try {
      await this.#parts.element.writeNote(HEAD_NOTE, note)
    } catch (error) {
      this.#parts.onError(error)
    }
  }
}

const { signal: none } = new AbortController()

export interface AuditHead {
  readonly seq: number
  readonly hash: string
}

/** Who cannot read the secret of the store cannot move the head. */
export function sealOf({ seq, hash }: AuditHead, secret: Uint8Array): string {
  return createHmac('sha256', secret)
    .update(`holdfast-audit-head-v1\n${seq}\n${hash}`)
    .digest('hex')
}
