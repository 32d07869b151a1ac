import { topicOf } from '@holdfast/core/audit-entries.ts'
import type { Call } from '@holdfast/core/call.ts'
import { invalidFields } from '@holdfast/core/errors.ts'
import { type AuditRow, actorTypes, severities } from '@holdfast/core/identities.ts'
import { authorize } from '../access/decide.ts'
import type { Engine } from '../engine.ts'
import { BROKEN } from './chain-check.ts'
import { requireTimes } from './read-audits.ts'
import { ACKNOWLEDGED, DROPPED } from './upkeep/sealed-word.ts'
import { type AuditReport, verifyAudits } from './verify-audits.ts'

export interface ComplianceReport {
  readonly from: string
  readonly until: string
  /** The whole log, not only the rows of the period. */
  readonly chain: AuditReport
  /** Id of the key that seals now. */
  readonly sealedBy: string
  /** Rows of the period that were counted. */
  readonly rows: number
  /** False where the period has more rows than are counted. */
  readonly complete: boolean
  readonly byAction: Readonly<Record<string, number>>
  readonly byOutcome: Readonly<Record<string, number>>
  readonly bySeverity: Readonly<Record<string, number>>
  readonly byActorType: Readonly<Record<string, number>>
  readonly counts: Readonly<Record<ComplianceCount, number>>
}

const DAY_MS = 86_400_000
const PERIOD_DAYS = 30
const PAGE = 1000
const ROWS_MAX = 1_000_000
/** There are fewer; whoever writes the catalog can make up more. */
const ACTIONS_MAX = 500
const OTHERS = 'others'

const LOGINS: ReadonlySet<string> = new Set([
  ...['login', 'loginWithCode', 'redeemOpenId', 'refresh', 'issueToken'],
])
const ROTATIONS: ReadonlySet<string> = new Set([
  ...['rotateSigningKey', 'rotateSecret', 'audit.key.changed'],
])

const isDone = ({ entry }: AuditRow) => entry.outcome === 'success'
const isDoneAbout = (topic: string) => (row: AuditRow) =>
  isDone(row) && topicOf(row.entry.action) === topic

/** What one row adds to each. */
const counters = {
  refusedLogins: ({ entry }: AuditRow) => entry.outcome === 'refused' && LOGINS.has(entry.action),
  lockouts: (row: AuditRow) => isDone(row) && row.entry.action === 'lockUser',
  rightsChanges: isDoneAbout('rights'),
  policyChanges: isDoneAbout('policies'),
  keyChanges: isDoneAbout('keys'),
  keyRotations: (row: AuditRow) => isDone(row) && ROTATIONS.has(row.entry.action),
  administrativeReads: (row: AuditRow) =>
    isDone(row) &&
    /^(?:list|get|export|report|explain|s3\.Get|s3\.List)[A-Z]/.test(row.entry.action),
  chainBreaks: ({ entry }: AuditRow) => entry.action === BROKEN,
  acknowledgements: (row: AuditRow) => isDone(row) && row.entry.action === ACKNOWLEDGED,
  retentionRuns: (row: AuditRow) => isDone(row) && row.entry.action === DROPPED,
  /** Of floods, which have one row for many. */
  countedRefusals: ({ entry }: AuditRow) =>
    entry.action === 'refusals' && typeof entry.detail.count === 'number' ? entry.detail.count : 0,
} as const
export type ComplianceCount = keyof typeof counters

/**
 * What the log says about a period, the last thirty days unless told otherwise, and how far it can
 * be believed. Others go on meanwhile, however long the log is and however many ask.
 */
export async function reportAudits(
  engine: Engine,
  call: Call,
  wanted: {
    readonly from?: string | undefined
    readonly until?: string | undefined
    readonly rowsMax?: number
  },
): Promise<ComplianceReport> {
  authorize(call.principal, 'audit:view', {})
  const period = periodOf(engine, wanted)
  const { rowsMax = ROWS_MAX } = wanted
  const chain = await verifyAudits(engine, { signal: call.signal })
  const sums = new Sums()
  let complete = true
  for await (const page of pagesUntil(engine, call, chain.head.seq)) {
    for (const row of page) {
      const ms = Date.parse(row.entry.at)
      if (!(ms >= period.fromMs && ms < period.untilMs)) continue
      complete = sums.rows < rowsMax
      if (!complete) break
      sums.add(row)
    }
    if (!complete) break
  }
  return {
    from: new Date(period.fromMs).toISOString(),
    until: new Date(period.untilMs).toISOString(),
    ...{ chain, complete, sealedBy: engine.auditKeys.ring[0].id },
    ...sums.told(),
  }
}

class Sums {
  rows = 0
  readonly #byAction = new Map<string, number>()
  readonly #byOutcome = new Map(zeros(['success', 'refused', 'failed']))
  readonly #bySeverity = new Map(zeros(severities))
  readonly #byActorType = new Map(zeros(actorTypes))
  readonly #counts = new Map(zeros(Object.keys(counters)))

  add(row: AuditRow): void {
    const { action, outcome, severity, actorType } = row.entry
    this.rows += 1
    const isKnown = this.#byAction.has(action) || this.#byAction.size < ACTIONS_MAX
    count(this.#byAction, isKnown ? action : OTHERS)
    count(this.#byOutcome, outcome)
    count(this.#bySeverity, severity)
    count(this.#byActorType, actorType)
    for (const [name, of] of Object.entries(counters)) count(this.#counts, name, Number(of(row)))
  }

  told() {
    const counts = Object.keys(counters).map(name => [name, this.#counts.get(name) ?? 0])
    const told: Record<ComplianceCount, number> = Object.fromEntries(counts)
    return {
      rows: this.rows,
      byAction: Object.fromEntries([...this.#byAction].sort()),
      byOutcome: Object.fromEntries(this.#byOutcome),
      bySeverity: Object.fromEntries(this.#bySeverity),
      byActorType: Object.fromEntries(this.#byActorType),
      counts: told,
    }
  }
}

function zeros(names: readonly string[]): [string, number][] {
  return names.map(name => [name, 0])
}

function count(sums: Map<string, number>, name: string, by = 1): void {
  sums.set(name, (sums.get(name) ?? 0) + by)
}

/** All rows in their order: a filter would have to look through all of them in one turn. */
async function* pagesUntil(
  { catalog, lists }: Engine,
  { principal, signal }: Call,
  last: number,
): AsyncGenerator<readonly AuditRow[]> {
  for (let seq = 0; seq < last; ) {
    await lists.next(principal.id)
    signal.throwIfAborted()
    const page = await catalog.view.audits.after(seq, PAGE)
    const end = page.at(-1)
    if (end === undefined) return
    yield page.filter(row => row.seq <= last)
    seq = end.seq
  }
}

function periodOf(
  { clock }: Engine,
  { from, until }: { readonly from?: string | undefined; readonly until?: string | undefined },
): { readonly fromMs: number; readonly untilMs: number } {
  requireTimes({ ...(from && { from }), ...(until && { until }) })
  const untilMs = until === undefined ? clock.now() + 1 : Date.parse(until)
  const fromMs = from === undefined ? untilMs - PERIOD_DAYS * DAY_MS : Date.parse(from)
  if (fromMs < untilMs) return { fromMs, untilMs }
  throw invalidFields({ path: 'from', problem: 'must be before until' })
}
