import type { GrantPermission, ObjectAcl } from '@holdfast/core/objects.ts'
import type { Permission, Principal } from '@holdfast/core/principal.ts'
import type { Asset, BucketRules, JsonObject } from '@holdfast/core/records.ts'
import type { Action } from './actions.ts'
import { aclOf } from './bucket-acl.ts'
import { evaluatePolicy } from './policy/evaluate-policy.ts'
import { isOfBucket } from './policy/known-actions.ts'

/** What the documents of a bucket add to the rules of `decide`: policy and access lists of S3. */
export interface RuleQuestion {
  readonly bucket: Pick<BucketRules, 'name' | 'documents'>
  readonly asset?: Pick<Asset, 'id'> | undefined
  /** Key of an object, there or to be; absent: the bucket itself. */
  readonly key?: string | undefined
  readonly action?: Action | undefined
  readonly grants?: ObjectAcl | undefined
  readonly objectTags?: Readonly<Record<string, string>> | undefined
  readonly versionId?: string | undefined
  readonly atBest?: boolean | undefined
  readonly throughout?: boolean | undefined
  /** Of an object that the principal may put there already. */
  readonly isTaken?: boolean | undefined
}

export type Rule = { readonly effect: 'allow' | 'deny'; readonly reason: string }

/** Undefined when they say nothing. */
export function bucketRule(
  principal: Principal,
  permission: Permission,
  question: RuleQuestion,
): Rule | undefined {
  const { bucket } = question
  const documents = bucket.documents ?? {}
  const action = question.action ?? actionOf(permission, question)
  if (action === undefined) return undefined
  // Whatever object it is asked for: listing is done to the bucket.
  const key = isOfBucket(action) ? undefined : question.key
  const block = documents.publicAccessBlock ?? {}
  const { policy } = documents
  if (policy !== undefined) {
    const { versionId, atBest, throughout } = question
    // Of a bucket there are no tags of an object, as in the request context of AWS.
    const objectTags = isOfBucket(action) ? {} : question.objectTags
    const how = { objectTags, versionId, atBest, throughout }
    const about = { principal, action, bucket: bucket.name, key, ...how }
    const said = evaluatePolicy(policy, about)
    if (said === 'deny') return { effect: 'deny', reason: 'denied by the policy of the bucket' }
    const closed = principal.kind === 'anonymous' && isSet(block, 'restrictPublicBuckets')
    if (said === 'allow' && !closed) {
      return { effect: 'allow', reason: 'allowed by the policy of the bucket' }
    }
  }
  if (documents.ownership?.rule === 'BucketOwnerEnforced') return undefined
  const everybody = !isSet(block, 'ignorePublicAcls')
  if (isGranted(question.grants, neededOfObject(action), { principal, everybody })) {
    return { effect: 'allow', reason: 'granted by the access list of the object' }
  }
  const needed = neededOfBucket(action, question.isTaken)
  if (isGranted(aclOf(documents.acl), needed, { principal, everybody })) {
    return { effect: 'allow', reason: 'granted by the access list of the bucket' }
  }
  return undefined
}

/** The action that a permission stands for where a door names none. */
function actionOf(permission: Permission, { asset, key }: RuleQuestion): Action | undefined {
  const object = asset !== undefined || key !== undefined
  switch (permission) {
    case 'assets:read':
      return object ? 's3:GetObject' : 's3:ListBucket'
    case 'assets:write':
      return 's3:PutObject'
    case 'versions:read':
      return object ? 's3:GetObjectVersion' : 's3:ListBucketVersions'
    case 'versions:write':
      return 's3:DeleteObjectVersion'
    case 'metadata:read':
      return 's3:GetObjectTagging'
    case 'metadata:write':
      return 's3:PutObjectTagging'
    case 'buckets:read':
      return 's3:GetBucketLocation'
    case 'buckets:admin':
      return 's3:PutBucketPolicy'
    default:
      return undefined
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions */
function neededOfObject(action: Action): GrantPermission | undefined {
  if (/^s3:GetObject(?:Version)?(?:Attributes)?$/.test(action)) return 'READ'
  if (/^s3:GetObject(?:Version)?Acl$/.test(action)) return 'READ_ACP'
  return /^s3:PutObject(?:Version)?Acl$/.test(action) ? 'WRITE_ACP' : undefined
}

const OF_BUCKET: { readonly [Name in Action]?: GrantPermission } = {
  's3:ListBucket': 'READ',
  's3:ListBucketVersions': 'READ',
  's3:ListBucketMultipartUploads': 'READ',
  's3:PutObject': 'WRITE',
  's3:DeleteObject': 'WRITE',
  's3:GetBucketAcl': 'READ_ACP',
  's3:PutBucketAcl': 'WRITE_ACP',
}

/** Who writes by the list of a bucket owns what it puts, and says so in the same request. */
const OF_TAKEN: ReadonlySet<Action> = new Set<Action>([
  's3:PutObjectAcl',
  's3:PutObjectTagging',
  's3:GetObject',
])

function neededOfBucket(action: Action, isTaken = false): GrantPermission | undefined {
  return isTaken && OF_TAKEN.has(action) ? 'WRITE' : OF_BUCKET[action]
}

interface Asker {
  readonly principal: Principal
  /** Grants to groups of everybody count. */
  readonly everybody: boolean
}

function isGranted(
  acl: ObjectAcl | undefined,
  needed: GrantPermission | undefined,
  { principal, everybody }: Asker,
): boolean {
  if (acl === undefined || needed === undefined) return false
  if (principal.kind !== 'anonymous' && acl.owner === principal.id) return true
  return acl.grants.some(({ permission, grantee }) => {
    if (permission !== needed && permission !== 'FULL_CONTROL') return false
    if (grantee === 'all') return everybody
    if (grantee === 'authenticated') return everybody && principal.kind !== 'anonymous'
    return principal.kind !== 'anonymous' && grantee.id === principal.id
  })
}

export function isSet(document: JsonObject, name: string): boolean {
  return document[name] === true
}
