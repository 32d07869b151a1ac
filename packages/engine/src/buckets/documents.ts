import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import { bounds } from '@holdfast/core/limits.ts'
import type { BucketDocumentName } from '@holdfast/core/objects.ts'
import type { Bucket, BucketDocuments, JsonObject } from '@holdfast/core/records.ts'
import type { Action } from '../access/actions.ts'
import { authorizeBucket } from '../access/authorize-action.ts'
import { aclOf, shownAcl } from '../access/bucket-acl.ts'
import { isSet } from '../access/bucket-rules.ts'
import { isPublicPolicy, requirePolicy } from '../access/policy/policy-document.ts'
import { seenOf } from '../assets/writes/seen.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { requireAclAllowed } from '../objects/object-facets.ts'
import { changedAnew } from './changed-anew.ts'

export interface DocumentInput {
  readonly bucket: string
  readonly name: BucketDocumentName
  /** Null removes it; removing what is not there is no error. */
  readonly document: JsonObject | null
}

const ACTIONS: Readonly<Record<BucketDocumentName, Action>> = {
  accelerate: 's3:PutAccelerateConfiguration',
  acl: 's3:PutBucketAcl',
  cors: 's3:PutBucketCORS',
  encryption: 's3:PutEncryptionConfiguration',
  lifecycle: 's3:PutLifecycleConfiguration',
  logging: 's3:PutBucketLogging',
  notification: 's3:PutBucketNotification',
  objectLock: 's3:PutBucketObjectLockConfiguration',
  ownership: 's3:PutBucketOwnershipControls',
  policy: 's3:PutBucketPolicy',
  publicAccessBlock: 's3:PutBucketPublicAccessBlock',
  replication: 's3:PutReplicationConfiguration',
  requestPayment: 's3:PutBucketRequestPayment',
  tagging: 's3:PutBucketTagging',
  website: 's3:PutBucketWebsite',
}

/**
 * Sets one configuration of a bucket. The door has checked its form; here its meaning is: a policy
 * is parsed (POLICY_UNSUPPORTED), public ones are refused under a public access block, object lock
 * needs versioning and stays for ever.
 */
export async function setBucketDocument(
  engine: Engine,
  call: Call,
  { bucket: name, name: what, document }: DocumentInput,
): Promise<Bucket> {
  const removesPolicy = what === 'policy' && document === null
  const action = removesPolicy ? 's3:DeleteBucketPolicy' : ACTIONS[what]
  const kept = await changedAnew(engine, { call, name }, async now => {
    const bucket = await authorizeBucket(engine, now, { bucket: name, action })
    if (document !== null) requireDocument(bucket, what, document)
    // It was made before a gift of the bucket, and would keep a right for who gave it.
    const { owner = shownAcl(bucket).owner } = what === 'acl' ? (document ?? {}) : {}
    if (owner !== shownAcl(bucket).owner) return undefined
    const args = { bucketId: bucket.id, what, document, seen: [seenOf(bucket, undefined)] }
    return await commit(engine, now, { name: 'buckets.setDocument', args })
  })
  // To decide again would not help: its sender has to.
  if (kept === undefined) throw new HoldfastError('CHANGED_MEANWHILE', { bucket: name })
  return kept
}

/** The same checks for documents that a bucket is created with. */
export function requireDocuments(
  bucket: Pick<Bucket, 'name' | 'ownerId'>,
  documents: BucketDocuments,
): void {
  for (const [what, document] of Object.entries(documents)) {
    // Names come from the type; a foreign one would have no action.
    requireDocument({ ...bucket, documents }, what as BucketDocumentName, document)
  }
}

function requireDocument(
  bucket: Pick<Bucket, 'name' | 'documents' | 'ownerId'>,
  what: BucketDocumentName,
  document: JsonObject,
): void {
  const bytes = Buffer.byteLength(JSON.stringify(document))
  if (bytes > bounds.bucketDocumentBytesMax) {
    const problem = `larger than ${bounds.bucketDocumentBytesMax} bytes of JSON`
    throw invalidFields({ path: what, problem })
  }
  const block = bucket.documents?.publicAccessBlock ?? {}
  if (what === 'policy') {
    const statements = requirePolicy(document, bucket.name)
    if (isPublicPolicy(statements) && isSet(block, 'blockPublicPolicy')) {
      throw new HoldfastError('PUBLIC_ACCESS_BLOCKED', { bucket: bucket.name })
    }
  }
  if (what === 'acl') {
    const acl = aclOf(document)
    if (acl === undefined) throw invalidFields({ path: 'acl', problem: 'has no owner' })
    requireAclAllowed(bucket, acl)
  }
}
