import type { AuditLink } from '@holdfast/core/identities.ts'
import type { FiledAudit } from '@holdfast/core/ports/identity-questions.ts'
import type { Engine } from '../engine.ts'
import { headSealProblems, readHead } from './audit-head.ts'
import { ChainCheck } from './chain-check.ts'

export interface AuditReport {
  readonly rows: number
  /** Where the log breaks, a sentence each; empty when it is whole. */
  readonly problems: readonly string[]
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

const PAGE = 1000
const PROBLEMS_MAX = 100

/**
 * Reads the whole audit log: every row must be what its hash says, follow from the one before, be
 * sealed with a key of the log and be found by what it says, and the log must reach at least as far
 * as the head that lies on the element.
 */
export async function verifyAudits(
  engine: Engine,
  { signal, kept }: VerifyAuditOptions = {},
): Promise<AuditReport> {
  const keys = engine.auditKeys
  const head = await readHead(engine.element)
  const check = new ChainCheck(keys.ring)
  const problems: string[] = []
  let rows = 0
  const hashes = new Map<number, string>()
  for (let place: number | undefined; ; ) {
    signal?.throwIfAborted()
    const page: FiledAudit[] = await engine.catalog.view.audits.filed(place, PAGE)
    for (const filed of page) {
      rows += 1
      const found = check.take(filed)
      if (problems.length < PROBLEMS_MAX) problems.push(...found)
      const { row } = filed
      if (row?.seq !== filed.place) continue
      if (row.seq === head?.seq || row.seq === kept?.seq) hashes.set(row.seq, row.hash)
    }
    place = page.at(-1)?.place
    // Beyond, numbers are no longer told apart, and none of ours comes there.
    if (page.length < PAGE || !Number.isSafeInteger(place)) break
    // Others go on meanwhile, however long the log is.
    await new Promise(resolve => setImmediate(resolve))
  }
  const { last } = check
  const sealed = headSealProblems(head, keys)
  problems.push(...sealed.problems)
  if (head !== undefined && sealed.problems.length === 0) {
    problems.push(...reachProblems(head, last, { hash: hashes.get(head.seq), what: 'the head' }))
  }
  if (kept !== undefined) {
    const what = 'the head that was kept'
    problems.push(...reachProblems(kept, last, { hash: hashes.get(kept.seq), what }))
  }
  return { rows, problems, unproven: [...check.unproven(), ...sealed.unproven], head: last }
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
