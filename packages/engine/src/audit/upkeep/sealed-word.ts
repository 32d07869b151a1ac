import type { AuditEntry, AuditLink, AuditRow } from '@holdfast/core/identities.ts'

/** Action of the row by which somebody took note of what was found. */
export const ACKNOWLEDGED = 'acknowledgeAudits'
/** Action of the row that tells which rows were dropped for their age. */
export const DROPPED = 'audit.rows.dropped'

/**
 * What rows of the log say about the log itself. It counts only where a key of the log sealed it,
 * or rows that go on from it: whoever writes the catalog can make rows of both kinds.
 */
export class SealedWord {
  readonly #prints = new Set<string>()
  readonly #beginnings = new Map<number, string>()
  /** In line, but sealed with a key that is not at hand. */
  #pending: AuditRow[] = []

  /** A row in line with the one before it, of which nothing is wrong. */
  take(row: AuditRow, isProven: boolean): void {
    const { action, outcome } = row.entry
    const speaks = (action === ACKNOWLEDGED || action === DROPPED) && outcome === 'success'
    if (speaks) this.#pending.push(row)
    if (!isProven) return
    for (const { entry } of this.#pending) this.#believe(entry)
    this.#pending = []
  }

  /** Nothing behind it proves what is before. */
  noteBreak(): void {
    this.#pending = []
  }

  isAcknowledged(print: string): boolean {
    return this.#prints.has(print)
  }

  /** Whether the log may begin behind this row. */
  isBeginning({ seq, hash }: AuditLink): boolean {
    return seq === 0 || this.#beginnings.get(seq) === hash
  }

  #believe({ action, detail }: AuditEntry): void {
    if (action === ACKNOWLEDGED) {
      const { prints } = detail
      for (const print of Array.isArray(prints) ? prints : []) this.#prints.add(String(print))
      return
    }
    const { until, hash } = detail
    if (typeof until === 'number' && typeof hash === 'string') this.#beginnings.set(until, hash)
  }
}
