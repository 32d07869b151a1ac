import type { Call } from '@holdfast/core/call.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import { decide, type Resource, refusal } from '../decide.ts'

/**
 * Whether only what has no tags may come there: to put some is an action of its own in policies,
 * also of those that come along. FORBIDDEN where there are some. That there are none is for the
 * transaction to prove.
 */
export async function onlyUntagged(
  { principal }: Call,
  { permission, ...there }: Resource & { readonly permission: Permission },
  isTagged: () => Promise<boolean>,
): Promise<boolean> {
  const tagging = { ...there, action: 's3:PutObjectTagging' } as const
  if (decide(principal, permission, tagging).allowed) return false
  if (!(await isTagged())) return true
  throw refusal(principal, permission, 'the caller may put no tags there')
}
