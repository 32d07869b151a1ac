import { hash } from 'node:crypto'
import { type AuditRow, auditText, firstAuditLink } from '@holdfast/core/identities.ts'
import type { FiledAudit } from '@holdfast/core/ports/identity-questions.ts'
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
 * Reads the whole audit log: every row must be what its hash says, follow from the one before and
 * be found by what it says, and the log must reach at least as far as the head that lies on the
 * element.
 */
export async function verifyAudits(engine: Engine, signal?: AbortSignal): Promise<AuditReport> {
  const head = await readHead(engine)
  const problems: string[] = []
  let last: AuditRow | undefined
  let rows = 0
  let atHead: AuditRow | undefined
  for (let place: number | undefined; ; ) {
    signal?.throwIfAborted()
    const page: FiledAudit[] = await engine.catalog.view.audits.filed(place, PAGE)
    for (const filed of page) {
      rows += 1
      const { row } = filed
      if (problems.length < PROBLEMS_MAX) problems.push(...problemsOf(filed, last))
      if (row?.seq !== filed.place) continue
      if (row.seq === head?.seq) atHead = row
      last = row
    }
    place = page.at(-1)?.place
    // Beyond, numbers are no longer told apart, and none of ours comes there.
    if (page.length < PAGE || !Number.isSafeInteger(place)) break
    // Others go on meanwhile, however long the log is.
    await new Promise(resolve => setImmediate(resolve))
  }
  problems.push(...headProblems(engine, head, { last, atHead }))
  return { rows, problems }
}

function problemsOf(
  { place, row, isFiledRight }: FiledAudit,
  before: AuditRow | undefined,
): string[] {
  if (row === undefined) return [`row ${place} cannot be read`]
  const misfiled = [`row ${place} is not filed as what it says`]
  // It stands in no line with others.
  if (row.seq !== place) return misfiled
  return [...(isFiledRight ? [] : misfiled), ...chainProblems(row, before)]
}

function chainProblems(row: AuditRow, before: AuditRow | undefined): string[] {
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
