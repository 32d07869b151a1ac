import type { AuditLink } from '@holdfast/core/identities.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Element } from '@holdfast/core/ports/element.ts'
import type { FiledAudit } from '@holdfast/core/ports/identity-questions.ts'
import { headSealProblems, readHead, type SealedHead } from './audit-head.ts'
import { type AuditKeys, checkSeal } from './audit-keys.ts'
import { ChainCheck } from './chain-check.ts'

export interface EndFinding {
  readonly end: AuditLink
  readonly head: SealedHead | undefined
  /** Why new rows cannot just go on from there, a sentence each. */
  readonly problems: readonly string[]
}

const PAGE = 500
const PROBLEMS_MAX = 10

/**
 * Whether the log ends as this store left it: with the row that the head names, and with rows
 * behind it that a key sealed, as a process leaves them that was killed. What lies before the head
 * is for `verifyAudits`: a start must not take longer with every year.
 */
export async function checkEnd(
  { catalog, element }: { readonly catalog: Catalog; readonly element: Element },
  keys: AuditKeys,
): Promise<EndFinding> {
  const { audits } = catalog.view
  const [head, end] = [await readHead(element), await audits.end()]
  const { problems, unproven } = headSealProblems(head, keys)
  problems.push(...unproven)
  if (head === undefined || problems.length > 0) return { end, head, problems }
  if (head.seq > end.seq) {
    problems.push(`the end is cut off: rows ${end.seq + 1} to ${head.seq} are missing`)
    return { end, head, problems }
  }
  const sealed = checkSeal('head', head, keys.ring)
  const rank = sealed.is === 'good' ? sealed.rank : undefined
  const check = new ChainCheck(keys.ring, { ...head, rank })
  let place = head.seq - 1
  for (let isAtHead = head.seq > 0; problems.length < PROBLEMS_MAX; ) {
    const from = place < 0 ? undefined : place
    const page: FiledAudit[] = await audits.filed(from, PAGE)
    for (const filed of page) {
      if (isAtHead) problems.push(...atHeadProblems(filed, head))
      else problems.push(...check.take(filed).map(({ text }) => text))
      isAtHead = false
    }
    const last = page.at(-1)?.place
    if (last === undefined || !Number.isSafeInteger(last)) break
    place = last
  }
  problems.push(...check.unproven())
  return { end, head, problems: problems.slice(0, PROBLEMS_MAX) }
}

function atHeadProblems({ place, row }: FiledAudit, head: SealedHead): string[] {
  const isSame = place === head.seq && row?.seq === head.seq && row.hash === head.hash
  return isSame ? [] : [`row ${head.seq} is not the one the head names`]
}
