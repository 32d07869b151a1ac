import type { AuditQuestions } from '@holdfast/core/ports/identity-questions.ts'
import { type AuditKeys, checkSeal } from '../audit-keys.ts'
import { BROKEN } from '../chain-check.ts'
import { ACKNOWLEDGED } from './sealed-word.ts'

const ROWS_MAX = 1000
const LOOK_AT = 10

/** Numbers of the rows that tell of a broken log and that nobody acknowledged. */
export async function brokenSince(audits: AuditQuestions, { ring }: AuditKeys): Promise<number[]> {
  const rows = await audits.after(await acknowledgedUntil(audits, ring), ROWS_MAX, {
    action: BROKEN,
  })
  return rows.map(({ seq }) => seq)
}

/** Whether it holds is for `verify` to say; here it must at least not be an open forgery. */
async function acknowledgedUntil(audits: AuditQuestions, ring: AuditKeys['ring']): Promise<number> {
  const filter = { action: ACKNOWLEDGED, outcome: 'success' }
  const rows = await audits.before(Number.MAX_SAFE_INTEGER, LOOK_AT, filter)
  for (const row of rows) {
    const { until } = row.entry.detail
    if (typeof until === 'number' && checkSeal('row', row, ring).is !== 'bad') return until
  }
  return 0
}
