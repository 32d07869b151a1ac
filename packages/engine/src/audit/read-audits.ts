import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { AuditRow } from '@holdfast/core/identities.ts'
import type { AuditFilter } from '@holdfast/core/ports/identity-questions.ts'
import { authorize } from '../access/decide.ts'
import type { Engine } from '../engine.ts'

export interface AuditPage {
  readonly items: readonly AuditRow[]
  readonly total: number
  /** Sequence to pass as `before` for the next page. */
  readonly next: number | undefined
}

/** Newest first. */
export async function listAudits(
  engine: Engine,
  call: Call,
  query: AuditFilter & { readonly limit: number; readonly cursor?: string | undefined },
): Promise<AuditPage> {
  authorize(call.principal, 'audit:view', {})
  const { limit, cursor, ...filter } = query
  requireTimes(filter)
  const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor)
  if (!Number.isSafeInteger(before) || before < 1) throw new HoldfastError('INVALID_CURSOR')
  const { audits } = engine.catalog.view
  const found = await audits.before(before, limit + 1, filter)
  const items = found.slice(0, limit)
  const total = await audits.count(filter)
  return { items, total, next: found.length > limit ? items.at(-1)?.seq : undefined }
}

const PAGE = 1000

/** Oldest first, all of them, page by page. */
export function exportAudits(
  engine: Engine,
  call: Call,
  filter: AuditFilter,
): AsyncIterable<readonly AuditRow[]> {
  authorize(call.principal, 'audit:export', {})
  requireTimes(filter)
  return pagesOf(engine, call, filter)
}

async function* pagesOf(
  { catalog, lists }: Engine,
  { principal }: Call,
  filter: AuditFilter,
): AsyncGenerator<readonly AuditRow[]> {
  const { audits } = catalog.view
  for (let seq = 0; ; ) {
    // However many export at once, others wait for one page of one of them at most.
    await lists.next(principal.id)
    const page = await audits.after(seq, PAGE, filter)
    if (page.length > 0) yield page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    seq = last.seq
  }
}

/** VALIDATION_ERROR for what is no time. */
export function requireTimes(filter: AuditFilter): void {
  for (const path of ['from', 'until'] as const) {
    const text = filter[path]
    if (text === undefined || !Number.isNaN(Date.parse(text))) continue
    throw invalidFields({ path, problem: 'must be an ISO 8601 time' })
  }
}
