import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { AuditRow } from '@holdfast/core/identities.ts'
import type { AuditFilter } from '@holdfast/core/ports/identity-questions.ts'
import { authorize } from '../access/decide.ts'
import { rightsOfEach } from '../access/rights-now.ts'
import type { Engine } from '../engine.ts'
import { LOOKS_MAX } from '../list-turns.ts'

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
  const items: AuditRow[] = []
  let [total, chars, isMore] = [0, 0, false]
  for await (const span of spansOf(engine, call, filter)) {
    const asked = { ...filter, ...span }
    const own = await audits.count(asked)
    total += own
    if (own === 0 || isMore) continue
    const left = chars < LIST_CHARS_MAX ? limit - items.length : 0
    const page = left > 0 ? await audits.before(before, left, asked) : []
    items.push(...page)
    chars += JSON.stringify(page).length
    const from = items.at(-1)?.seq ?? before
    isMore = page.length < own && (await audits.before(from, 1, asked)).length > 0
  }
  return { items, total, next: isMore ? items.at(-1)?.seq : undefined }
}

/** What is found is answered at once: behind so much of it a list ends, and its cursor goes on. */
const LIST_CHARS_MAX = 1024 * 1024

/**
 * All of the log, newest first, a piece in each turn of the event loop: few filters have an index,
 * and who asks for what is not there would have every row looked at.
 */
async function* spansOf(
  { catalog, lists }: Engine,
  call: Call,
  filter: AuditFilter,
): AsyncGenerator<Pick<AuditFilter, 'above' | 'below'>> {
  const { audits } = catalog.view
  const giveWay = lists.giveWay(call)
  if (Object.keys(filter).length === 0) {
    await giveWay()
    yield {}
    return
  }
  // Goes on from the next row there is: somebody may have given one a number far beyond.
  let [first] = await audits.before(Number.MAX_SAFE_INTEGER, 1)
  while (first !== undefined) {
    await giveWay()
    const above = first.seq - LOOKS_MAX
    yield { above, below: first.seq + 1 }
    ;[first] = await audits.before(above + 1, 1)
  }
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
  engine: Engine,
  call: Call,
  filter: AuditFilter,
): AsyncGenerator<readonly AuditRow[]> {
  const { catalog, lists } = engine
  const { audits } = catalog.view
  const now = rightsOfEach(engine, call)
  let [first] = await audits.after(0, 1)
  while (first !== undefined) {
    // However many export at once, others wait for one page of one of them at most.
    await lists.next(call.principal.id)
    // Who went away with what it has got so far is told of in the log like all others.
    if (call.signal.aborted) return
    // And all of it is long in coming: what is written after somebody was shut out is not theirs.
    authorize((await now()).principal, 'audit:export', {})
    const below = first.seq + LOOKS_MAX
    const page = await audits.after(first.seq - 1, PAGE, { ...filter, below })
    if (page.length > 0) yield page
    ;[first] = await audits.after(page.at(-1)?.seq ?? below - 1, 1)
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
