import type { Principal } from '@holdfast/core/principal.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { type Facts, holds } from './conditions.ts'
import { statementsOf } from './policy-document.ts'
import type { Statement } from './statement.ts'
import { isLike } from './wildcards.ts'

export interface PolicyQuestion extends Facts {
  readonly principal: Principal
  /** Such as `s3:GetObject`. */
  readonly action: string
  readonly bucket: string
  /** Absent: the bucket itself. */
  readonly key?: string | undefined
  /** What it may say at another time: a condition that cannot be judged counts for the caller. */
  readonly atBest?: boolean | undefined
  /**
   * Of all keys, whenever they are asked for: a Deny of any part or under any condition holds, and
   * an Allow only without conditions and, of objects, for the whole bucket.
   */
  readonly throughout?: boolean | undefined
}

/**
 * What the policy says to the question; undefined when it says nothing. Deny wins. A condition that
 * cannot be judged counts against the caller: it makes a Deny hold and an Allow fail.
 */
export function evaluatePolicy(
  policy: JsonObject,
  question: PolicyQuestion,
): 'allow' | 'deny' | undefined {
  const { atBest = false, throughout = false } = question
  let allowed = false
  for (const statement of statementsOf(policy)) {
    if (!isAbout(statement, question)) continue
    const denies = statement.effect === 'Deny'
    const { conditions } = statement
    const met = throughout
      ? denies || conditions.length === 0
      : conditions.every(one => holds(one, question, statement.effect) ?? denies !== atBest)
    if (!met) continue
    if (denies) return 'deny'
    allowed = true
  }
  return allowed ? 'allow' : undefined
}

function isAbout(
  statement: Statement,
  { principal, action, bucket, key, throughout = false }: PolicyQuestion,
): boolean {
  const { actions, resources } = statement
  if (isNamed(statement, principal) === statement.exceptPrincipals) return false
  const asked = action.toLowerCase()
  if (actions.some(pattern => isLike(asked, pattern)) === statement.exceptActions) return false
  if (throughout && key !== undefined) {
    if (statement.effect === 'Deny') return true
    return !statement.exceptResources && resources.includes(`${bucket}/*`)
  }
  const place = key === undefined ? bucket : `${bucket}/${key}`
  return resources.some(pattern => isLike(place, pattern)) !== statement.exceptResources
}

/**
 * Whether a statement names it. A name that somebody chose, of a key or at another place, opens
 * nothing; to shut out who bears it, it counts, in any case of letters: nobody else has it in
 * another, and a denial that is spelt otherwise must not deny nothing.
 */
function isNamed({ effect, exceptPrincipals, principals }: Statement, who: Principal): boolean {
  const { kind, id, name, ownName } = who
  if (principals.includes('*')) return true
  if (kind === 'anonymous') return false
  if (effect === 'Allow' || exceptPrincipals) {
    return principals.some(one => one === id || one === ownName)
  }
  const names = [id, name, ownName].map(one => one?.toLowerCase())
  return principals.some(one => names.includes(one.toLowerCase()))
}
