import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AuditEntry, AuditLink } from '@holdfast/core/identities.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Element } from '@holdfast/core/ports/element.ts'
import { systemPrincipal } from '@holdfast/core/principal.ts'
import type { Rate } from '@holdfast/core/rates/rate-table.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { commit } from '../commit.ts'
import { beginHead, type SealedHead, writeHead } from './audit-head.ts'
import { type AuditKeys, checkSeal, OF_STORE } from './audit-keys.ts'
import { BROKEN } from './chain-check.ts'
import { checkEnd } from './check-end.ts'
import { REFUSALS, RESETS, RefusalTally, VISITS } from './refusal-tally.ts'
import { brokenSince } from './upkeep/broken-since.ts'
import { ACKNOWLEDGED, DROPPED } from './upkeep/sealed-word.ts'

export interface AuditParts {
  readonly catalog: Catalog
  readonly element: Element
  readonly clock: Clock
  readonly keys: AuditKeys
  /** Rows that one address has for its refusals, visits or reset requests; more are counted. */
  readonly refusals?: Rate | undefined
  /** Told when rows could not be written. */
  readonly onError: (error: unknown) => void
  /** Told, a sentence each, why the log is not the one that this store left. */
  readonly onBroken?: ((problems: readonly string[]) => void) | undefined
  /** Told each head that was written. */
  readonly onSealed?: ((head: AuditLink) => void) | undefined
}

export interface AuditStart {
  readonly end: AuditLink
  /** Rows that tell of a log that was found broken at other times, which nobody acknowledged. */
  readonly brokenBefore: number
  /** Id of the key that sealed the log until now, where another one does from now on. */
  readonly changedFrom: string | undefined
}

export interface DroppedRows {
  /** Number of the first row, as the log has it. */
  readonly from: number
  readonly last: AuditLink
  /** All of them are older. */
  readonly before: string
}

const QUEUE_MAX = 10_000
const BATCH_MAX = 500
const HEAD_MS = 2_000
const TALLY_MS = 30_000

/**
 * Writes the audit log: what arrives while a commit is on its way goes into the next one. A flood
 * that would fill the memory is counted instead of kept, and the count is a row of its own.
 *
 * A log that does not end as this store left it gets a row that tells so before it gets any other,
 * and its head is not sealed again before that row is durable.
 */
export class AuditLog {
  readonly #parts: AuditParts
  #queue: AuditEntry[] = []
  /** Rows that ever came into the queue, and those of them that a commit has taken or lost. */
  #recorded = 0
  #settled = 0
  #lost = 0
  #running: Promise<void> | undefined
  /** Where the log ends, as far as this process wrote or checked it. */
  #end: AuditLink | undefined
  /** What the log must tell before anything else. */
  #owed: AuditEntry[] = []
  #isBroken = false
  /** No row that tells of a broken log lies behind it. */
  #brokenUntil = 0
  #head: AuditLink | undefined
  #headTimer: Promise<void> | undefined
  readonly #closing = new AbortController()
  readonly #refusals: RefusalTally
  readonly #visits: RefusalTally
  readonly #resets: RefusalTally
  #tallyTimer: Promise<void> | undefined

  constructor(parts: AuditParts) {
    this.#parts = parts
    const [a = 0, b = 0, c = 0, d = 0] = parts.keys.ofStore.secret
    const seed = a | (b << 8) | (c << 16) | (d << 24)
    this.#refusals = new RefusalTally(REFUSALS, parts.refusals, seed)
    this.#visits = new RefusalTally(VISITS, parts.refusals, seed)
    this.#resets = new RefusalTally(RESETS, parts.refusals, seed)
  }

  /** Where the log ends; undefined before the start. */
  get end(): AuditLink | undefined {
    return this.#end
  }

  /** Whether the log was found broken, and nobody acknowledged it. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** False while rows cannot be written: the next one that can tells how many are not there. */
  get isWritten(): boolean {
    return this.#lost === 0 && this.#owed.length === 0
  }

  /**
   * Checks that the log ends as it was left, before anything is added to it; in a new store, before
   * anything is written there. SETTINGS_INVALID where its key is the one of the store still.
   */
  async start(): Promise<AuditStart> {
    const { keys, catalog } = this.#parts
    const [key] = keys.ring
    await beginHead(this.#parts, key)
    const broken = await brokenSince(catalog.view.audits, keys)
    this.#isBroken = broken.length > 0
    this.#brokenUntil = broken.at(-1) ?? 0
    const { head, end, problems } = await checkEnd(this.#parts, keys)
    if (head !== undefined) requireKeyOfStore(keys, head)
    const sealedBy = head?.seal.split(':')[0]
    const isRekeyed = problems.length === 0 && sealedBy !== key.id
    this.#end = end
    if (problems.length > 0) this.#noteBroken(problems, { head, end })
    else if (isRekeyed) {
      const detail = { before: sealedBy ?? null, after: key.id }
      this.#owed.push(this.#entryOf('audit.key.changed', 'success', detail))
    }
    if (this.#owed.length > 0) this.#start()
    else if (head?.seq !== end.seq) this.#head = end
    await this.settle()
    const changedFrom = isRekeyed ? sealedBy : undefined
    return { end: this.#end, brokenBefore: broken.length, changedFrom }
  }

  /** Goes out with the next commit, within milliseconds; nobody waits for it. */
  record(entry: AuditEntry): void {
    if (this.#queue.length >= QUEUE_MAX) this.#lost += 1
    else this.#push(entry)
    this.#start()
  }

  /** As `record`; of an address that causes too many, it is counted in a row of many. */
  recordRefusal(entry: AuditEntry): void {
    this.#recordOrCount(this.#refusals, entry)
  }

  /** The same for visits by share link: whoever has one can cause as many as it likes. */
  recordVisit(entry: AuditEntry): void {
    this.#recordOrCount(this.#visits, entry)
  }

  /** The same for mails that anybody may ask for. */
  recordReset(entry: AuditEntry): void {
    this.#recordOrCount(this.#resets, entry)
  }

  /** Resolves when the row is durable. */
  async recordDurably(entry: AuditEntry): Promise<void> {
    // Never counted away: what fills the queue are refusals.
    this.#push(entry)
    this.#start()
    await this.flush()
  }

  /** Resolves when everything recorded so far is durable; what comes later is not waited for. */
  async flush(): Promise<void> {
    const until = this.#recorded
    const owes = this.#owed.length > 0
    while (this.#settled < until || (owes && this.#owed.length > 0)) {
      if (this.#running === undefined) return
      await this.#running
    }
  }

  /** Resolves when nothing is written: for who writes what nothing else may be written beside. */
  async #idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  #push(entry: AuditEntry): void {
    this.#recorded += 1
    this.#queue.push(entry)
  }

  /** As `flush`, and the head on the element names the last row. */
  async settle(): Promise<void> {
    await this.flush()
    await this.#writeHead()
  }

  /**
   * Takes away the rows from the first one to the last that is named, and adds one that tells so;
   * false where the log is not what the caller saw.
   */
  async drop({ from, last, before }: DroppedRows): Promise<boolean> {
    // Looked at again: who comes back from waiting may find that a row began the next commit.
    while (this.#running !== undefined) await this.#idle()
    const { seq: until, hash } = last
    const entry = this.#entryOf(DROPPED, 'success', { from, until, hash, before })
    const dropping = this.#drop(entry, last)
    const settled = dropping.then(
      () => {},
      () => {},
    )
    this.#running = settled.finally(() => this.#goOn())
    return await dropping
  }

  async #drop(entry: AuditEntry, last: AuditLink): Promise<boolean> {
    // What is owed goes first, with the next row.
    if (this.#owed.length > 0) return false
    const [key] = this.#parts.keys.ring
    const args = { entry, key, after: this.#end, last }
    const call = { principal: systemPrincipal, requestId: 'audit', signal: none }
    const done = await commit(this.#parts, call, { name: 'audits.drop', args })
    if (!done.isDropped) return false
    this.#end = { seq: done.seq, hash: done.hash }
    this.#head = this.#end
    this.#headTimer ??= this.#writeHeadSoon()
    return true
  }

  /** The last rows, and where the log ends, reach the element. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#tallyTimer
    await this.#idle()
    await this.#headTimer
    await this.#writeHead()
  }

  #recordOrCount(tally: RefusalTally, entry: AuditEntry): void {
    if (!tally.count(entry, this.#parts.clock.monotonic())) this.record(entry)
    else this.#tallyTimer ??= this.#tellTallySoon()
  }

  #start(): void {
    this.#running ??= this.#drain().finally(() => this.#goOn())
  }

  #goOn(): void {
    this.#running = undefined
    if (this.#queue.length > 0) this.#start()
  }

  async #drain(): Promise<void> {
    // Requests of the same turn share the commit.
    await Promise.resolve()
    if (this.#queue.length + this.#owed.length === 0) return
    const entries = this.#queue.splice(0, BATCH_MAX)
    const { length } = entries
    const lost = this.#lost + length
    if (this.#lost > 0) entries.push(this.#overflow())
    try {
      await this.#append(entries)
      this.#headTimer ??= this.#writeHeadSoon()
    } catch (error) {
      // The next row that can be written tells how many are not there.
      this.#lost += lost
      this.#parts.onError(error)
    } finally {
      this.#settled += length
    }
  }

  /** Again where the log ended elsewhere: then with a row before them that tells so. */
  async #append(entries: readonly AuditEntry[]): Promise<void> {
    const [key] = this.#parts.keys.ring
    const call = { principal: systemPrincipal, requestId: 'audit', signal: none }
    for (;;) {
      const owed = this.#owed.length
      const after = this.#end
      const args = { entries: [...this.#owed, ...entries], key, after }
      const { isMoved, seq, hash } = await commit(this.#parts, call, {
        name: 'audits.append',
        args,
      })
      const end = { seq, hash }
      this.#end = end
      if (isMoved) {
        const problem = `the log ended with row ${after?.seq} and now ends with row ${seq}`
        this.#noteBroken([problem], { head: after, end })
        continue
      }
      this.#owed.splice(0, owed)
      this.#head = end
      if (owed > 0) this.#brokenUntil = seq
      for (const entry of entries) this.#noteAcknowledged(entry)
      return
    }
  }

  #noteBroken(
    problems: readonly string[],
    { head, end }: { readonly head: AuditLink | undefined; readonly end: AuditLink },
  ): void {
    this.#isBroken = true
    // Where the row that tells it will lie is not known yet.
    this.#brokenUntil = Number.POSITIVE_INFINITY
    const left = head === undefined ? null : { seq: head.seq, hash: head.hash }
    const detail = { problems: [...problems], left, found: { ...end } }
    this.#owed.push(this.#entryOf(BROKEN, 'failed', detail))
    this.#parts.onBroken?.(problems)
  }

  #noteAcknowledged({ action, outcome, detail }: AuditEntry): void {
    if (action !== ACKNOWLEDGED || outcome !== 'success') return
    if (typeof detail.until === 'number' && detail.until >= this.#brokenUntil) {
      this.#isBroken = false
    }
  }

  #overflow(): AuditEntry {
    const lost = this.#lost
    this.#lost = 0
    return this.#entryOf('auditOverflow', 'failed', { lost })
  }

  #entryOf(action: string, outcome: AuditEntry['outcome'], detail: JsonObject): AuditEntry {
    const { id, kind, name } = systemPrincipal
    return {
      at: new Date(this.#parts.clock.now()).toISOString(),
      ...{ actor: id, actorKind: kind, actorName: name, ip: '', agent: '' },
      ...{ requestId: 'audit', action, outcome, status: 0, code: null, resource: {}, detail },
    }
  }

  async #tellTallySoon(): Promise<void> {
    await this.#parts.clock.sleep(TALLY_MS, this.#closing.signal).catch(() => {})
    this.#tallyTimer = undefined
    for (const tally of [this.#refusals, this.#visits, this.#resets]) {
      for (const row of tally.rows()) this.record(row)
    }
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
    const { keys, element, onError, onSealed } = this.#parts
    const head = this.#head
    if (head === undefined) return
    this.#head = undefined
    try {
      await writeHead(element, head, keys.ring[0])
      onSealed?.(head)
    } catch (error) {
      onError(error)
    }
  }
}

const { signal: none } = new AbortController()

/** Whoever can read the store could go on with its key for ever: it is dropped by name only. */
function requireKeyOfStore({ ring, ofStore }: AuditKeys, head: SealedHead): void {
  if (checkSeal('head', head, ring).is !== 'unknown') return
  if (checkSeal('head', head, [ofStore]).is !== 'good') return
  const problem = `until now the key of the store sealed the log: add ",${OF_STORE}" for one start`
  throw new HoldfastError('SETTINGS_INVALID', { errors: [{ path: 'STORAGE_AUDIT_KEY', problem }] })
}
