import { hash } from 'node:crypto'
import { type AuditRow, auditText, firstAuditLink } from '@holdfast/core/identities.ts'
import type { Engine } from '../engine.ts'
import { type AuditHead, HEAD_NOTE, sealOf } from './audit-log.ts'

export interface AuditReport {
  readonly rows: number
  /** Where the log breaks, a sentence each; empty when it is whole. */
  readonly problems: readonly string[]
}

const PAGE = 1000
const PROBLEMS_MAX = 100

/**
 * Reads the whole audit log: every row must be what its hash says and follow from the one before,
 * and the log must reach at least as far as the head that lies on the element.
 */
export async function verifyAudits(engine: Engine, signal?: AbortSignal): Promise<AuditReport> {
  const head = await readHead(engine)
  const problems: string[] = []
  let last: AuditRow | undefined
  let rows = 0
  let atHead: AuditRow | undefined
  for (;;) {
    signal?.throwIfAborted()
    const page: AuditRow[] = await engine.catalog.view.audits.after(last?.seq ?? 0, PAGE)
    for (const row of page) {
      rows += 1
      if (row.seq === head?.seq) atHead = row
      if (problems.length < PROBLEMS_MAX) problems.push(...problemsOf(row, last))
      last = row
    }
    if (page.length < PAGE) break
  }
  problems.push(...headProblems(engine, head, { last, atHead }))
  return { rows, problems }
}

function problemsOf(row: AuditRow, before: AuditRow | undefined): string[] {
  const expected = (before?.seq ?? 0) + 1
  if (row.seq !== expected) return [`rows ${expected} to ${row.seq - 1} are missing`]
  if (row.previous !== (before?.hash ?? firstAuditLink)) {
    return [`row ${row.seq} does not follow from the row before it`]
  }
  return row.hash === hash('sha256', auditText(row)) ? [] : [`row ${row.seq} was changed`]
}

function headProblems(
  engine: Engine,
  head: SealedHead | undefined,
  { last, atHead }: { last: AuditRow | undefined; atHead: AuditRow | undefined },
): string[] {
  if (head === undefined) return last === undefined ? [] : ['the head on the element is missing']
  if (head.seal !== sealOf(head, engine.settings.linkSecret)) {
    return ['the head on the element was changed']
  }
  if (head.seq > (last?.seq ?? 0)) {
    return [`the end is cut off: rows ${(last?.seq ?? 0) + 1} to ${head.seq} are missing`]
  }
  return atHead?.hash === head.hash ? [] : [`row ${head.seq} is not the one the head names`]
}

interface SealedHead extends AuditHead {
  readonly seal: string
}

async function readHead(engine: Engine): Promise<SealedHead | undefined> {
  const text = await engine.element.readNote(HEAD_NOTE)
  if (text === undefined) return undefined
  try {
    const { seq, hash: named, seal } = JSON.parse(text)
    return { seq: Number(seq), hash: String(named), seal: String(seal) }
  } catch {
    return { seq: 0, hash: '', seal: '' }
  }
}
