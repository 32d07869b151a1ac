import type { Call } from '@holdfast/core/call.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Action } from '../actions.ts'
import { decide, type Resource, refusal } from '../decide.ts'

export type CarriedTo = Resource & { readonly permission: Permission }

/**
 * Whether only what has no tags may come there: to put some is an action of its own in policies,
 * also of those that come along. FORBIDDEN where there are some. That there are none is for the
 * transaction to prove.
 */
export async function onlyUntagged(
  call: Call,
  there: CarriedTo,
  isTagged: () => Promise<boolean>,
): Promise<boolean> {
  const action = 's3:PutObjectTagging'
  const reason = 'the caller may put no tags there'
  return await onlyWithout(call, there, { action, reason, isThere: isTagged })
}

/** The same of whatever an action of policies puts. */
export async function onlyWithout(
  { principal }: Call,
  { permission, ...there }: CarriedTo,
  what: {
    readonly action: Action
    readonly reason: string
    readonly isThere: () => Promise<boolean>
  },
): Promise<boolean> {
  const { action, reason, isThere } = what
  if (decide(principal, permission, { ...there, action }).allowed) return false
  if (!(await isThere())) return true
  throw refusal(principal, permission, reason)
}
