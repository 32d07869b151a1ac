import type { Grant, GrantPermission, ObjectAcl } from '@holdfast/core/objects.ts'
import type { Bucket, Json, JsonObject } from '@holdfast/core/records.ts'

/** The door checked the form when the list was set; anything else grants nothing. */
export function aclOf(document: JsonObject | undefined): ObjectAcl | undefined {
  if (document === undefined || typeof document.owner !== 'string') return undefined
  const { owner, grants } = document
  return { owner, grants: Array.isArray(grants) ? grants.flatMap(grantOf) : [] }
}

export function aclJson({ owner, grants }: ObjectAcl): JsonObject {
  return { owner, grants: grants.map(grantJson) }
}

function grantJson({ permission, grantee }: Grant) {
  return { permission, grantee: typeof grantee === 'string' ? grantee : { id: grantee.id } }
}

export function privateAcl(owner: string): ObjectAcl {
  return { owner, grants: [{ permission: 'FULL_CONTROL', grantee: { id: owner } }] }
}

/** Principal id of the owner that S3 shows: of what is nobody's own whom its list names. */
export function shownOwner({ ownerId, documents, createdBy }: Bucket): string {
  return ownerId ?? aclOf(documents?.acl)?.owner ?? createdBy
}

/** What S3 shows: where no list was set, that of its owner alone. */
export function shownAcl(bucket: Bucket): ObjectAcl {
  return aclOf(bucket.documents?.acl) ?? privateAcl(shownOwner(bucket))
}

const PERMISSIONS: ReadonlySet<Json | undefined> = new Set<GrantPermission>([
  'READ',
  'WRITE',
  'READ_ACP',
  'WRITE_ACP',
  'FULL_CONTROL',
])

function isPermission(value: Json | undefined): value is GrantPermission {
  return PERMISSIONS.has(value)
}

function grantOf(value: Json): Grant[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const { permission, grantee } = value as JsonObject
  if (!isPermission(permission)) return []
  if (grantee === 'all' || grantee === 'authenticated') return [{ permission, grantee }]
  const id =
    typeof grantee === 'object' && grantee !== null ? (grantee as JsonObject).id : undefined
  return typeof id === 'string' ? [{ permission, grantee: { id } }] : []
}
