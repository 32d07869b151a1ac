import type { QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { AuditRowResponse } from '@holdfast/contract/schemas/people/audit.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { escapeHidden } from '@holdfast/core/escape-hidden.ts'
import type { AuditLink, AuditRow } from '@holdfast/core/identities.ts'
import type { AuditFilter } from '@holdfast/core/ports/identity-questions.ts'
import { exportAudits, listAudits } from '@holdfast/engine/audit/read-audits.ts'
import { reportAudits } from '@holdfast/engine/audit/report-audits.ts'
import { acknowledgeAudits } from '@holdfast/engine/audit/upkeep/acknowledge-audits.ts'
import { type AuditReport, verifyAudits } from '@holdfast/engine/audit/verify-audits.ts'
import { type Operations, sent } from '../../../http/exchange.ts'
import { streamOut } from '../../../http/stream-out.ts'

type Names = 'listAudits' | 'exportAudits' | 'reportAudits' | 'verifyAudits' | 'acknowledgeAudits'

export const auditOperations: Pick<Operations, Names> = {
  listAudits: async ({ context, call, query }) => {
    const { limit = 100, cursor, ...filter } = query
    const page = { ...given(filter), limit, cursor }
    const { items, total, next } = await listAudits(context.engine, call, page)
    const cursorNext = next === undefined ? null : String(next)
    return { items: items.map(auditWire), total, limit, next_cursor: cursorNext }
  },

  exportAudits: async ({ context, call, query, reply }) => {
    const { format = 'jsonl', ...filter } = query
    const { engine } = context
    const pages = exportAudits(engine, call, given(filter))
    const type = format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson'
    // Who does not read on has a page of each in memory.
    await engine.auditExports.take(call.principal.id, async () => {
      reply
        .code(200)
        .header('content-type', type)
        .header('content-disposition', `attachment; filename="audit.${format}"`)
      await streamOut(reply, format === 'csv' ? csvOf(pages) : linesOf(pages))
    })
    return sent
  },

  verifyAudits: async ({ context, call, query, request }) => {
    await context.audit.settle()
    const kept = query.head === undefined ? undefined : linkOf(query.head)
    const { engine } = context
    const found = await engine.auditRuns.take(call.principal.id, () =>
      verifyAudits(engine, { signal: call.signal, kept }),
    )
    // A long log takes long.
    await request.state.renew()
    const wire = chainWire(found)
    const { problems, acknowledged, unproven } = wire
    request.state.told = {
      ...{ ok: wire.ok, rows: wire.rows, dropped: wire.dropped, head: wire.head },
      ...{ problems: problems.length, acknowledged: acknowledged.length },
      unproven: unproven.length,
    }
    return wire
  },

  reportAudits: async ({ context, call, query }) => {
    await context.audit.settle()
    const { from, until } = query
    const { engine } = context
    const report = await engine.auditRuns.take(call.principal.id, () =>
      reportAudits(engine, call, { from, until }),
    )
    const { auditRetentionDays: retention_days } = context.settings
    const { counts } = report
    return {
      ...{ from: report.from, until: report.until, rows: report.rows, complete: report.complete },
      chain: { ...chainWire(report.chain), key: report.sealedBy, retention_days },
      ...{ by_action: report.byAction, by_outcome: report.byOutcome },
      ...{ by_severity: report.bySeverity, by_actor_type: report.byActorType },
      ...{ refused_logins: counts.refusedLogins, lockouts: counts.lockouts },
      counted_refusals: counts.countedRefusals,
      ...{ rights_changes: counts.rightsChanges, policy_changes: counts.policyChanges },
      ...{ key_changes: counts.keyChanges, key_rotations: counts.keyRotations },
      administrative_reads: counts.administrativeReads,
      ...{ chain_breaks: counts.chainBreaks, acknowledgements: counts.acknowledgements },
      retention_runs: counts.retentionRuns,
    }
  },

  acknowledgeAudits: async ({ context, call, body, request }) => {
    await context.audit.settle()
    // Without the row of this request, which makes it so, nothing would be acknowledged.
    if (!context.audit.isWritten) throw new HoldfastError('STORAGE_UNAVAILABLE')
    const told = await acknowledgeAudits(context.engine, call, body.reason)
    // The row of this request is what makes it so.
    request.state.told = told.detail
    return { findings: [...told.findings], more: told.isCut }
  },
}

function chainWire({ problems, acknowledged, unproven, head, ...found }: AuditReport) {
  return {
    ok: problems.length === 0 && unproven.length === 0,
    ...{ rows: found.rows, dropped: found.dropped },
    ...{ problems: [...problems], acknowledged: [...acknowledged], unproven: [...unproven] },
    head: `${head.seq}:${head.hash}`,
  }
}

function linkOf(head: string): AuditLink {
  const [seq = '', hash = ''] = head.split(':')
  return { seq: Number(seq), hash }
}

type Filter = Omit<QueryOf<Routes['exportAudits']>, 'format'>

function given({ actor_type: actorType, session_id: sessionId, ...filter }: Filter): AuditFilter {
  const kept = Object.entries({ ...filter, actorType, sessionId }).filter(
    ([, value]) => value !== undefined,
  )
  const result: AuditFilter = Object.fromEntries(kept)
  return result
}

function auditWire({ seq, entry, previous, hash, seal }: AuditRow): AuditRowResponse {
  return {
    seq,
    at: entry.at,
    actor: entry.actor,
    actor_kind: entry.actorKind,
    actor_name: entry.actorName,
    actor_type: entry.actorType,
    ip: entry.ip,
    agent: entry.agent,
    request_id: entry.requestId,
    session_id: entry.sessionId,
    action: entry.action,
    outcome: entry.outcome,
    severity: entry.severity,
    status: entry.status,
    code: entry.code,
    resource: entry.resource,
    detail: entry.detail,
    previous,
    hash,
    seal: seal ?? '',
  }
}

async function* linesOf(pages: AsyncIterable<readonly AuditRow[]>): AsyncGenerator<Uint8Array> {
  for await (const page of pages) {
    yield Buffer.from(page.map(row => `${escapeHidden(JSON.stringify(auditWire(row)))}\n`).join(''))
  }
}

const COLUMNS = [
  ...['seq', 'at', 'actor', 'actor_kind', 'actor_name', 'actor_type', 'ip', 'agent'],
  ...[
    'request_id',
    'session_id',
    'action',
    'outcome',
    'severity',
    'status',
    'code',
    'resource',
    'detail',
    'previous',
    'hash',
  ],
  'seal',
]

/**
 * RFC 4180. What a spreadsheet would take for a formula gets an apostrophe in front, also behind a
 * semicolon: where that separates cells, the quotes around do not hold it.
 */
async function* csvOf(pages: AsyncIterable<readonly AuditRow[]>): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${COLUMNS.join(',')}\r\n`)
  for await (const page of pages) {
    const lines = page.map(row => {
      const wire: Readonly<Record<string, unknown>> = { ...auditWire(row) }
      return `${COLUMNS.map(name => cell(wire[name])).join(',')}\r\n`
    })
    yield Buffer.from(lines.join(''))
  }
}

const FORMULA = /(?:^|;)(?=[\s"']*[=+\-@＝＋－＠]|[\t\r\n])/g

function cell(value: unknown): string {
  const text =
    typeof value === 'object' && value !== null ? JSON.stringify(value) : `${value ?? ''}`
  const safe = text.replaceAll(FORMULA, "$&'")
  const shown = escapeHidden(safe)
  return /[",;\\]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown
}
