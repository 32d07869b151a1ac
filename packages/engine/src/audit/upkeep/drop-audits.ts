import type { AuditLink } from '@holdfast/core/identities.ts'
import type { Engine } from '../../engine.ts'
import { clockProblem } from '../../integrity/clock-problem.ts'
import { readHead } from '../audit-head.ts'
import type { AuditLog } from '../audit-log.ts'
import { inspectAudits } from '../inspect-audits.ts'

export interface DropReport {
  readonly dropped: number
  /** Why nothing was dropped that is old enough; null where nothing stood in the way. */
  readonly stopped: string | null
}

const PAGE = 1000
const DAY_MS = 86_400_000
const none: DropReport = { dropped: 0, stopped: null }

/**
 * Drops rows that are older than so many days, from the first one on. A log that is not whole, or
 * broken in ways that nobody acknowledged, loses nothing, or the drop would hide what is wrong.
 */
export async function dropAudits(
  engine: Engine,
  audit: AuditLog,
  { days, signal }: { readonly days: number; readonly signal?: AbortSignal },
): Promise<DropReport> {
  const beforeMs = engine.clock.now() - days * DAY_MS
  const [first] = await engine.catalog.view.audits.filed(undefined, 1)
  if (first === undefined || !isOlder(first.row?.entry.at, beforeMs)) return none
  const problem = await clockProblem(engine)
  if (problem !== null) return { dropped: 0, stopped: problem }
  await audit.settle()
  const { open, unproven } = await inspectAudits(engine, { signal })
  const [why] = [...open.map(({ text }) => text), ...unproven]
  if (why !== undefined) return { dropped: 0, stopped: `the log is not whole: ${why}` }
  const last = await lastOlder(engine, beforeMs)
  if (last === undefined) return none
  const from = first.place
  const before = new Date(beforeMs).toISOString()
  if (!(await audit.drop({ from, last, before }))) {
    return { dropped: 0, stopped: 'the log changed meanwhile' }
  }
  return { dropped: last.seq - from + 1, stopped: null }
}

/** The last row that may go: old, followed by one that goes on from it, and not the sealed head. */
async function lastOlder(
  { catalog, element }: Engine,
  beforeMs: number,
): Promise<AuditLink | undefined> {
  const head = (await readHead(element))?.seq ?? 0
  let last: AuditLink | undefined
  let previous: AuditLink | undefined
  for (let place: number | undefined; ; ) {
    const page = await catalog.view.audits.filed(place, PAGE)
    for (const { place: seq, row } of page) {
      if (previous !== undefined && row?.previous === previous.hash) last = previous
      if (seq >= head || (row !== undefined && !isOlder(row.entry.at, beforeMs))) return last
      previous = row === undefined ? undefined : { seq, hash: row.hash }
    }
    place = page.at(-1)?.place
    if (place === undefined) return last
    await new Promise(resolve => setImmediate(resolve))
  }
}

function isOlder(at: string | undefined, beforeMs: number): boolean {
  return at !== undefined && Date.parse(at) < beforeMs
}
