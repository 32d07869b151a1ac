import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'

/** Principal id of the owner: whoever the ACL names, or the owner of the bucket. */
export function objectOwner({ facets, bucket }: StoredObject): string {
  return facets.acl?.owner ?? bucket.createdBy
}
