// Who may do what, written down from docs/security.md and docs/s3.md, not from the code under test.
import type { Acl, BriefVersion, Bucket } from '@holdfast/core/records.ts'
import type { Tree } from '../wire.ts'
import type { Person } from './persons.ts'
import type { AssetRow } from './rows.ts'

/** `perhaps` where a policy has conditions that are not followed here. */
export type Verdict = 'yes' | 'no' | 'perhaps'

export interface Grant {
  readonly principalIds: readonly string[]
  readonly bucket: string
  readonly prefix: string
  readonly permissions: readonly string[]
}

/** One question: about an asset that is there, or about a key where one would be made. */
export interface Question {
  readonly permission: string
  readonly action: string
  readonly bucket: Bucket
  readonly asset?: AssetRow | undefined
  readonly fresh?: { readonly key: string; readonly ownerId: string }
  readonly version?: BriefVersion | undefined
  /** Of what is shown no more. */
  readonly isOld?: boolean
  /** Absent: conditions on tags are not followed. */
  readonly tags?: Readonly<Record<string, string>>
}

const covers = (scopes: readonly string[], permission: string) =>
  scopes.some(
    scope =>
      scope === permission || (scope.endsWith(':*') && permission.startsWith(scope.slice(0, -1))),
  )
const ofOwnBucket = ['assets:*', 'versions:*', 'metadata:*', 'buckets:read', 'buckets:admin']
const isBucketAction = (action: string) => action.startsWith('s3:ListBucket')
const placeOf = ({ asset, fresh }: Question) => asset ?? fresh ?? { key: '', ownerId: '' }

/** docs/security.md, "Groups, grants, access lists": each line of its table, for one person. */
const means: readonly ((person: Person, asked: Question, grants: readonly Grant[]) => boolean)[] = [
  // roles and scopes
  ({ permissions }, { permission }) => covers(permissions, permission),
  (person, asked) => isOwn(person, asked),
  // own buckets
  (person, { bucket, permission }) =>
    person.ownsBuckets && bucket.ownerId === person.id && covers(ofOwnBucket, permission),
  // grant of a prefix, to a user or group
  (person, asked, grants) =>
    grants.some(
      grant =>
        [person.id, ...person.groups].some(id => grant.principalIds.includes(id)) &&
        grant.bucket === asked.bucket.name &&
        placeOf(asked).key.startsWith(grant.prefix) &&
        covers(grant.permissions, asked.permission),
    ),
  // public bucket: as it is now
  (person, { permission, bucket, isOld, action }) =>
    isOld !== true &&
    bucket.settings.publicRead &&
    ['assets:read', 'metadata:read'].includes(permission) &&
    !action.endsWith('Acl') &&
    isOpenToAll(person, bucket),
]

/** "own assets": also in the bucket of another, where they own the asset and may rule buckets. */
function isOwn(person: Person, { permission, bucket, asset, fresh }: Question): boolean {
  const isNamed = person.id !== 'anonymous' && (asset ?? fresh)?.ownerId === person.id
  const ofAnother = bucket.ownerId !== null && bucket.ownerId !== person.id
  if (!isNamed) return false
  if (asset === undefined) return covers(person.own, permission) && !ofAnother
  return covers(person.own, permission) || (person.ownsBuckets && covers(ofOwnBucket, permission))
}

function isOpenToAll(person: Person, { documents }: Bucket): boolean {
  const block: Tree = documents?.publicAccessBlock ?? {}
  if (block.ignorePublicAcls === true) return false
  return person.id !== 'anonymous' || block.restrictPublicBuckets !== true
}

/** Whether the rule lets the person do it. */
export function mayDo(person: Person, asked: Question, grants: readonly Grant[]): Verdict {
  if (person.within !== undefined && !covers(person.within, asked.permission)) return 'no'
  const denied = policySays(person, asked, 'Deny')
  if (denied === 'yes') return 'no'
  const open = isOpened(person, asked, grants)
  return open === 'yes' && denied === 'perhaps' ? 'perhaps' : open
}

function isOpened(person: Person, asked: Question, grants: readonly Grant[]): Verdict {
  const { asset } = asked
  if (asset !== undefined && asset.acl !== null) {
    return isOwn(person, asked) || isListed(person, asked, asset.acl) ? 'yes' : 'no'
  }
  if (means.some(opens => opens(person, asked, grants))) return 'yes'
  const block: Tree = asked.bucket.documents?.publicAccessBlock ?? {}
  const kept = person.id === 'anonymous' && block.restrictPublicBuckets === true
  const allowed = kept ? 'no' : policySays(person, asked, 'Allow')
  if (allowed === 'yes') return 'yes'
  return isGrantedByS3(person, asked) ? 'yes' : allowed
}

/** "for all others but administrators and the owner it is closed" */
function isListed(person: Person, asked: Question, { read, write }: Acl): boolean {
  const { permission, bucket, isOld, action } = asked
  if (person.id === 'anonymous') {
    const isNamed = read.includes('anonymous') && isOld !== true && !action.endsWith('Acl')
    return permission.endsWith(':read') && isNamed && isOpenToAll(person, bucket)
  }
  const names = (list: readonly string[]) =>
    [person.id, ...person.groups].some(id => list.includes(id))
  if (permission.endsWith(':read')) return names(read)
  return permission.endsWith(':write') && names(write)
}

const neededOfObject: Readonly<Record<string, string>> = {
  's3:GetObject': 'READ',
  's3:GetObjectVersion': 'READ',
  's3:GetObjectAcl': 'READ_ACP',
  's3:GetObjectVersionAcl': 'READ_ACP',
  's3:PutObjectAcl': 'WRITE_ACP',
  's3:PutObjectVersionAcl': 'WRITE_ACP',
}
const neededOfBucket: Readonly<Record<string, string>> = {
  's3:ListBucket': 'READ',
  's3:ListBucketVersions': 'READ',
  's3:PutObject': 'WRITE',
  's3:DeleteObject': 'WRITE',
}

/** Access lists of S3, of the bucket and of one version. */
function isGrantedByS3(person: Person, { action, bucket, version }: Question): boolean {
  const rule: Tree = bucket.documents?.ownership
  if (rule?.rule === 'BucketOwnerEnforced') return false
  const block: Tree = bucket.documents?.publicAccessBlock ?? {}
  const isNamed = person.id !== 'anonymous'
  const grants = (acl: Tree, needed: string | undefined): boolean => {
    if (acl === undefined || acl === null || needed === undefined) return false
    if (isNamed && acl.owner === person.id) return true
    return acl.grants.some(({ permission, grantee }: Tree) => {
      if (permission !== needed && permission !== 'FULL_CONTROL') return false
      if (grantee === 'all') return block.ignorePublicAcls !== true
      if (grantee === 'authenticated') return block.ignorePublicAcls !== true && isNamed
      return isNamed && grantee.id === person.id
    })
  }
  return (
    grants(version?.object?.acl, neededOfObject[action]) ||
    grants(bucket.documents?.acl, neededOfBucket[action])
  )
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map(part => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(text)
}

/** What the policy of the bucket says, in statements of one effect. */
function policySays(person: Person, asked: Question, effect: 'Allow' | 'Deny'): Verdict {
  const policy: Tree = asked.bucket.documents?.policy
  const { action, bucket } = asked
  const path = isBucketAction(action) ? '' : `/${placeOf(asked).key}`
  let says: Verdict = 'no'
  for (const statement of policy?.Statement ?? []) {
    if (statement.Effect !== effect) continue
    const named = statement.Principal === '*' ? ['*'] : [statement.Principal.AWS].flat()
    if (!named.includes('*') && !named.includes(person.id)) continue
    if (![statement.Action].flat().some(pattern => matches(pattern, action))) continue
    if (!matches(statement.Resource, `arn:aws:s3:::${bucket.name}${path}`)) continue
    const met = isMet(statement.Condition, asked)
    if (met === 'yes') return 'yes'
    if (met === 'perhaps') says = 'perhaps'
  }
  return says
}

const tagPrefix = 's3:ExistingObjectTag/'

/** Of the conditions, tags of what is read are followed. */
function isMet(condition: Tree, { tags, action }: Question): Verdict {
  if (condition === undefined) return 'yes'
  const [name, wanted] = Object.entries<string>(condition.StringEquals ?? {})[0] ?? ['', '']
  if (!name.startsWith(tagPrefix) || tags === undefined) return 'perhaps'
  if (action === 's3:PutObject') return 'perhaps'
  return tags[name.slice(tagPrefix.length)] === wanted ? 'yes' : 'no'
}
