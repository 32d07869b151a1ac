import type { AuditLink } from '@holdfast/core/identities.ts'
import type { Engine } from '../engine.ts'
import { headSealProblems, readHead } from './audit-head.ts'
import { type AuditInspection, inspectAudits } from './inspect-audits.ts'

export interface AuditReport {
  readonly rows: number
  /** Rows that were dropped for their age, as a sealed row tells. */
  readonly dropped: number
  /** Where the log breaks, a sentence each; empty when it is whole. */
  readonly problems: readonly string[]
  /** Where it breaks and somebody took note of it. */
  readonly acknowledged: readonly string[]
  /** What could not be proven for want of a key, a sentence each. */
  readonly unproven: readonly string[]
  /** The last row: a copy of it that is kept elsewhere shows whether the log is the same still. */
  readonly head: AuditLink
}

export interface VerifyAuditOptions {
  readonly signal?: AbortSignal
  /** Where the log once ended, from somewhere that nobody can write who can write the store. */
  readonly kept?: AuditLink | undefined
}

const PROBLEMS_MAX = 100

/**
 * Reads the whole audit log: every row must be what its hash says, follow from the one before, be
 * sealed with a key of the log and be found by what it says, and the log must reach at least as far
 * as the head that lies on the element. It begins with row 1, or behind the rows that a sealed row
 * says were dropped.
 */
export async function verifyAudits(
  engine: Engine,
  { signal, kept }: VerifyAuditOptions = {},
): Promise<AuditReport> {
  const head = await readHead(engine.element)
  const wanted = new Set([head?.seq ?? 0, kept?.seq ?? 0])
  const found = await inspectAudits(engine, { signal, wanted })
  const { rows, from, dropped, last, hashes } = found
  const problems = sentences(found.open)
  if (found.isCut) problems.push('more is wrong than is told here')
  const sealed = headSealProblems(head, engine.auditKeys)
  const unproven = [...found.unproven, ...sealed.unproven]
  problems.push(...sealed.problems)
  if (head !== undefined && sealed.problems.length === 0) {
    problems.push(...reachProblems(head, last, { hash: hashes.get(head.seq), what: 'the head' }))
  }
  if (kept !== undefined && kept.seq > 0 && kept.seq < from.seq) {
    const gone = kept.seq <= dropped ? 'was dropped' : 'is missing'
    unproven.push(`row ${kept.seq} ${gone}: the head that was kept can no longer be compared`)
  } else if (kept !== undefined) {
    const hash = kept.seq === from.seq ? from.hash : hashes.get(kept.seq)
    problems.push(...reachProblems(kept, last, { hash, what: 'the head that was kept' }))
  }
  const acknowledged = sentences(found.acknowledged)
  return { rows, dropped, problems, acknowledged, unproven, head: last }
}

function sentences(findings: AuditInspection['open']): string[] {
  return findings.slice(0, PROBLEMS_MAX).map(({ text }) => text)
}

/** The log must reach as far as the head, and have the row there that it names. */
function reachProblems(
  head: AuditLink,
  last: AuditLink,
  { hash, what }: { readonly hash: string | undefined; readonly what: string },
): string[] {
  if (head.seq > last.seq) {
    return [`the end is cut off: rows ${last.seq + 1} to ${head.seq} are missing`]
  }
  const isSame = head.seq === 0 || hash === head.hash
  return isSame ? [] : [`row ${head.seq} is not the one ${what} names`]
}
