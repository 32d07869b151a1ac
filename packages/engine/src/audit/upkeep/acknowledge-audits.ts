import type { Call } from '@holdfast/core/call.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { authorize } from '../../access/decide.ts'
import { rightsNow } from '../../access/rights-now.ts'
import type { Engine } from '../../engine.ts'
import { requireConfirmed } from '../../identity/sessions/require-confirmed.ts'
import { inspectAudits } from '../inspect-audits.ts'

export interface Acknowledgement {
  /** What was found and is known from now on, a sentence each. */
  readonly findings: readonly string[]
  /** More is wrong: it is acknowledged by asking again. */
  readonly isCut: boolean
  /** For the row that makes it so; without it nothing is acknowledged. */
  readonly detail: JsonObject
}

const FINDINGS_TOLD = 20

/**
 * Takes note of what is wrong with the log now: a person looked into it. Each finding is named
 * together with the row as it is, so nothing that happens later is covered.
 */
export async function acknowledgeAudits(
  engine: Engine,
  call: Call,
  reason: string,
): Promise<Acknowledgement> {
  authorize(call.principal, 'audit:admin', {})
  requireConfirmed(engine, call)
  const { open, last, isCut } = await inspectAudits(engine, { signal: call.signal })
  // A long log takes long.
  authorize((await rightsNow(engine, call)).principal, 'audit:admin', {})
  const findings = open.map(({ text }) => text)
  const detail = {
    ...{ reason, until: last.seq, findings: findings.slice(0, FINDINGS_TOLD) },
    prints: open.map(({ print }) => print),
  }
  return { findings, detail, isCut }
}
