import { adminKey, type Lab } from './open-lab.ts'
import type { Answer } from './wire.ts'

/** Statuses of who was kept from something: not known, may not, locked. */
const REFUSED: ReadonlySet<number> = new Set([401, 403, 423])

interface Report {
  count(name: string): void
  pass(): void
  fail(what: string): void
}

interface Refusal {
  readonly what: string
  readonly action: string
  readonly status: number
}

/** Who was refused must stand in the audit log, whichever route and whichever way it was. */
export class RefusalsAudited {
  readonly #refusals = new Map<string, Refusal>()

  /**
   * `action` is what the log calls the operation. `isThere`: a 404 hides something that is there,
   * which is a refusal, too.
   */
  note(
    answer: Answer,
    asked: { readonly what: string; readonly action: string; readonly isThere?: boolean },
  ): void {
    const { status, headers } = answer
    const { what, action, isThere = false } = asked
    if (!REFUSED.has(status) && !(isThere && status === 404)) return
    const id = headers['x-request-id'] ?? headers['x-amz-request-id'] ?? ''
    this.#refusals.set(id, { what, action, status })
  }

  /** One row for each, found by the id of its request. */
  async check(lab: Lab, report: Report): Promise<void> {
    await lab.context.audit.flush()
    const rows = await rowsOf(lab)
    for (const [id, { what, action, status }] of this.#refusals) {
      const found = rows.get(id) ?? []
      const told = found.map(row => `${row.outcome} ${row.status} ${row.action}`).join()
      report.count('audited')
      if (told === `refused ${status} ${action}`) report.pass()
      else
        report.fail(`${what}: refused with ${status}, and the audit log has: ${told || 'nothing'}`)
    }
  }
}

interface AuditLine {
  readonly request_id: string
  readonly outcome: string
  readonly status: number
  readonly action: string
}

async function rowsOf(lab: Lab): Promise<Map<string, AuditLine[]>> {
  const headers = { 'x-api-key': adminKey }
  const asked = { method: 'GET', path: '/api/v2/audit/export', headers }
  const { status, text } = await lab.rest.ask(asked)
  if (status !== 200) throw new Error(`the audit log was not exported: ${status}`)
  const rows = new Map<string, AuditLine[]>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const row: AuditLine = JSON.parse(line)
    rows.set(row.request_id, [...(rows.get(row.request_id) ?? []), row])
  }
  return rows
}
