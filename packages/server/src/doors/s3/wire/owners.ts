import { shownOwner } from '@holdfast/engine/access/bucket-rules.ts'
import { aclsAreOff } from '@holdfast/engine/objects/object-facets.ts'
import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'

/**
 * Principal id of the owner: whoever the ACL names, in the bucket of an owner whoever put it there,
 * else the owner of the bucket
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html).
 */
export function objectOwner({ asset, facets, bucket }: StoredObject): string {
  if (bucket.ownerId === null) return facets.acl?.owner ?? shownOwner(bucket)
  return aclsAreOff(bucket) ? bucket.ownerId : (facets.acl?.owner ?? asset.ownerId)
}
