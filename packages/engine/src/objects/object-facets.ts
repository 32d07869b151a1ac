import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { ObjectAcl, ObjectFacets, Retention } from '@holdfast/core/objects.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import { shownOwner } from '../access/bucket-acl.ts'
import type { BriefObject } from './object-views.ts'

/** What a request says about an object, beside its bytes; the rest is computed. */
export type ObjectInput = Pick<
  ObjectFacets,
  | 'headers'
  | 'userMetadata'
  | 'storageClass'
  | 'encryption'
  | 'tags'
  | 'retention'
  | 'legalHold'
  | 'acl'
>

/** The facets without empty fields, and with the encryption that the bucket prescribes. */
export function completeFacets(bucket: Bucket, facets: ObjectFacets, nowMs: number): ObjectFacets {
  const locked = bucket.documents?.objectLock !== undefined
  if (!locked && (facets.retention !== undefined || facets.legalHold === true)) {
    throw invalidFields({ path: 'retention', problem: 'is not enabled in this bucket' })
  }
  requireFuture(facets.retention, nowMs)
  const { acl } = facets
  if (acl !== undefined) requireAclAllowed(bucket, acl)
  const encryption = facets.encryption ?? defaultEncryption(bucket)
  const entries = Object.entries({ ...facets, encryption }).filter(([, value]) => !isEmpty(value))
  return Object.fromEntries(entries)
}

/** SSE-S3 is all that a bucket can prescribe, and what AWS takes where a rule names nothing. */
function defaultEncryption({ documents }: Bucket): string | undefined {
  return documents?.encryption === undefined ? undefined : 'AES256'
}

/** What a copy, a rollback or a rename into a new version takes along: never the locks. */
export function carriedFacets(facets: ObjectFacets | undefined): ObjectFacets | undefined {
  if (facets === undefined) return undefined
  const { retention: _, legalHold: __, uploadId: ___, acl: ____, ...carried } = facets
  return carried
}

export function requireFuture(retention: Retention | undefined, nowMs: number): void {
  if (retention === undefined) return
  const untilMs = Date.parse(retention.until)
  if (untilMs > nowMs) return
  throw invalidFields({ path: 'retention.until', problem: 'must be a time in the future' })
}

/** ACL_NOT_SUPPORTED or PUBLIC_ACCESS_BLOCKED where the settings of the bucket refuse the list. */
export function requireAclAllowed(
  bucket: Pick<Bucket, 'documents' | 'ownerId'>,
  acl: NonNullable<ObjectFacets['acl']>,
): void {
  if (aclsAreOff(bucket) && grantsToOthers(withoutRuler(bucket, acl))) {
    throw new HoldfastError('ACL_NOT_SUPPORTED')
  }
  const isPublic = acl.grants.some(({ grantee }) => typeof grantee === 'string')
  if (isPublic && bucket.documents?.publicAccessBlock?.blockPublicAcls === true) {
    throw new HoldfastError('PUBLIC_ACCESS_BLOCKED')
  }
}

/** Access lists neither open anything then, nor can they be set. */
export function aclsAreOff({ documents }: Pick<Bucket, 'documents'>): boolean {
  return documents?.ownership?.rule === 'BucketOwnerEnforced'
}

/**
 * Principal id of the owner: whoever the ACL names, in the bucket of an owner whoever put it there,
 * else the owner of the bucket
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html).
 */
export function objectOwner({ asset, facets, bucket }: BriefObject): string {
  if (bucket.ownerId === null) return facets.acl?.owner ?? shownOwner(bucket)
  return aclsAreOff(bucket) ? bucket.ownerId : (facets.acl?.owner ?? asset.ownerId)
}

/**
 * All but what its owner may in this bucket without a list, which lists may repeat everywhere
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html).
 */
export function withoutRuler({ ownerId }: Pick<Bucket, 'ownerId'>, acl: ObjectAcl): ObjectAcl {
  if (ownerId === null) return acl
  const grants = acl.grants.filter(({ grantee }) => {
    return typeof grantee === 'string' || grantee.id !== ownerId
  })
  return { ...acl, grants }
}

export function grantsToOthers({ owner, grants }: NonNullable<ObjectFacets['acl']>): boolean {
  return grants.some(({ grantee }) => typeof grantee === 'string' || grantee.id !== owner)
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === false) return true
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
