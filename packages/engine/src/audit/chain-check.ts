import { hash } from 'node:crypto'
import {
  type AuditLink,
  type AuditRow,
  auditText,
  firstAuditLink,
} from '@holdfast/core/identities.ts'
import type { FiledAudit } from '@holdfast/core/ports/identity-questions.ts'
import { type AuditKey, checkSeal, type SealFinding } from './audit-keys.ts'
import { SealedWord } from './upkeep/sealed-word.ts'

/** Action of the row that a log gets which was found broken, before it gets any other. */
export const BROKEN = 'audit.chain.broken'

/** Something wrong with a row. */
export interface Finding {
  /** One sentence for a person. */
  readonly text: string
  /** Of the sentence and of the row as it is: whatever changes about it is another finding. */
  readonly print: string
}

/** Where a check begins: at a place that is known to be good, and by which key. */
interface Beginning extends AuditLink {
  readonly rank?: number | undefined
}

/** Holds row after row against the one before and against the keys. */
export class ChainCheck {
  readonly #keys: readonly AuditKey[]
  #last: AuditLink
  /** Of the last row whose key is at hand: after a newer key no older one seals. */
  #rank: number
  /** Rows that no row behind them proves yet. */
  #unknown: UnknownRows[] = []
  /** Rows that none ever will, since the chain breaks behind them. */
  readonly #lost: UnknownRows[] = []
  /** What rows of the log say about the log. */
  readonly word = new SealedWord()

  constructor(keys: readonly AuditKey[], from: Beginning = { seq: 0, hash: firstAuditLink }) {
    this.#keys = keys
    this.#last = { seq: from.seq, hash: from.hash }
    this.#rank = from.rank ?? keys.length
  }

  get last(): AuditLink {
    return this.#last
  }

  /** What is wrong with it. */
  take(filed: FiledAudit): Finding[] {
    const { row } = filed
    const said = row === undefined ? '' : JSON.stringify(row)
    const print = (text: string) => hash('sha256', `${text}\n${said}`).slice(0, PRINT_CHARS)
    return this.#problems(filed).map(text => ({ text, print: print(text) }))
  }

  /** Which rows nothing proves, for want of their key; to be asked at the end. */
  unproven(): string[] {
    return [...this.#lost, ...this.#unknown].map(({ id, from, until }) => {
      const rows = from === until ? `row ${from} is` : `rows ${from} to ${until} are`
      return `${rows} sealed with the key ${id}, which is not here: only the chain was checked`
    })
  }

  #problems({ place, row, isFiledRight }: FiledAudit): string[] {
    if (row === undefined) return [`row ${place} cannot be read`]
    const misfiled = [`row ${place} is not filed as what it says`]
    // It stands in no line with others.
    if (row.seq !== place) return misfiled
    const chain = this.#chainProblems(row)
    const found = checkSeal('row', row, this.#keys)
    if (chain.length > 0) this.#noteBreak()
    const seal = this.#sealProblems(row, found, chain.length === 0)
    if (chain.length + seal.length === 0) this.word.take(row, found.is === 'good')
    this.#last = { seq: row.seq, hash: row.hash }
    return [...(isFiledRight ? [] : misfiled), ...chain, ...seal]
  }

  /** No hash behind it is over what is before. */
  #noteBreak(): void {
    if (this.#lost.length < RANGES_MAX) this.#lost.push(...this.#unknown)
    this.#unknown = []
    this.word.noteBreak()
  }

  #chainProblems(row: AuditRow): string[] {
    const expected = this.#last.seq + 1
    if (row.seq !== expected) return [`rows ${expected} to ${row.seq - 1} are missing`]
    if (row.previous !== this.#last.hash) {
      return [`row ${row.seq} does not follow from the row before it`]
    }
    return row.hash === hash('sha256', auditText(row)) ? [] : [`row ${row.seq} was changed`]
  }

  #sealProblems(row: AuditRow, found: SealFinding, isInLine: boolean): string[] {
    const { seq, entry } = row
    if (found.is === 'bad') return [`row ${seq} is forged: no key of this store sealed it`]
    if (found.is === 'unknown') {
      this.#noteUnknown(seq, found.id)
      return []
    }
    if (found.rank > this.#rank) return [`row ${seq} is sealed with an older key than one before`]
    this.#rank = found.rank
    // Its hash is over theirs.
    if (isInLine) this.#unknown = []
    if (entry.action !== BROKEN) return []
    return [`row ${seq} tells that the log was found broken: ${JSON.stringify(entry.detail)}`]
  }

  #noteUnknown(seq: number, id: string): void {
    const last = this.#unknown.at(-1)
    if (last?.id === id && last.until === seq - 1) last.until = seq
    else if (this.#unknown.length < RANGES_MAX) this.#unknown.push({ id, from: seq, until: seq })
  }
}

interface UnknownRows {
  readonly id: string
  readonly from: number
  until: number
}

const RANGES_MAX = 100
const PRINT_CHARS = 32
