import type { Call } from '@holdfast/core/call.ts'
import type { Grant, ObjectAcl } from '@holdfast/core/objects.ts'
import { grantsToOthers, withoutRuler } from '../objects/object-facets.ts'
import { actionPermissions } from './actions.ts'
import { isAllowed, type ObjectInQuestion } from './authorize-action.ts'
import { refusal } from './decide.ts'

/**
 * FORBIDDEN unless the caller may read the object that the list opens to others than its owner.
 * AWS asks for `s3:PutObjectAcl` alone, which `assets:write` holds here: it would be a way to read.
 * What was granted before may stay.
 */
export function requireGrantRights(
  call: Call,
  object: Omit<ObjectInQuestion, 'action'>,
  acl: ObjectAcl | undefined,
): void {
  if (acl === undefined) return
  const had = new Set(object.version?.object?.acl?.grants.map(nameOf))
  const others = withoutRuler(object.bucket, acl).grants
  const grants = others.filter(grant => !had.has(nameOf(grant)))
  if (!grantsToOthers({ owner: acl.owner, grants })) return
  const action = object.versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
  if (isAllowed(call, { ...object, action })) return
  const reason = 'an access list cannot give more than its maker holds'
  throw refusal(call.principal, actionPermissions[action], reason)
}

function nameOf({ permission, grantee }: Grant): string {
  const whom = typeof grantee === 'string' ? grantee : `id ${grantee.id}`
  return `${permission} ${whom}`
}
