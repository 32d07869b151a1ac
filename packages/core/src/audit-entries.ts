import type { ActorType, AuditEntry, FiledEntry, Severity } from './identities.ts'

/** What a row is about, by its action. */
export const auditTopics = ['sessions', 'rights', 'policies', 'keys', 'upkeep'] as const
export type AuditTopic = (typeof auditTopics)[number]

const ACTIONS: Readonly<Record<AuditTopic, string>> = {
  sessions: `login loginWithCode redeemOpenId refresh issueToken logout confirmSession endSession
    endSessions endUserSession endUserSessions endReusedSession lockUser forgotPassword
    resetRequests resetPassword changePassword`,
  rights: `createUser updateUser removeUser closeUser changeRightsOutside
    resetUserPassword unlockUser
    requirePasswordChange actOnUsers
    beginSecondFactor confirmSecondFactor disableSecondFactor renewRecoveryCodes
    removeUserSecondFactor createGroup updateGroup removeGroup addGrant removeGrant createAccount
    updateAccount removeAccount createShare revokeShare`,
  policies: `createBucket updateBucket removeBucket setQuota removeQuota s3.CreateBucket
    s3.PutBucketPolicy
    s3.DeleteBucketPolicy s3.PutBucketAcl s3.PutPublicAccessBlock s3.DeletePublicAccessBlock
    s3.PutBucketOwnershipControls s3.DeleteBucketOwnershipControls s3.PutBucketCors
    s3.DeleteBucketCors s3.PutBucketVersioning s3.PutObjectLockConfiguration s3.DeleteBucket`,
  keys: `createKey revokeKey createS3Key revokeS3Key rotateSigningKey rotateSecret removeSecret
    audit.key.changed secret.changed`,
  upkeep: `collectGarbage verifyStore verifyAudits acknowledgeAudits audit.rows.dropped
    store.changes.lost`,
}

const TOPICS: ReadonlyMap<string, AuditTopic> = new Map(
  auditTopics.flatMap(topic => ACTIONS[topic].split(/\s+/).map(action => [action, topic])),
)

/** Undefined for reads, and for what changes assets alone. */
export function topicOf(action: string): AuditTopic | undefined {
  return TOPICS.get(action)
}

/** They tell that the log itself, or what it tells of, cannot be relied on. */
const CRITICAL: ReadonlySet<string> = new Set([
  'audit.chain.broken',
  'audit.row.unreadable',
  'auditOverflow',
  'store.changes.lost',
])
const NOTICED: ReadonlySet<AuditTopic | undefined> = new Set(['rights', 'policies', 'keys'])
/** Of the server itself, about what somebody else did. */
const WARNINGS: ReadonlySet<string> = new Set(['lockUser', 'endReusedSession'])
const OF_THE_LOG: ReadonlySet<string> = new Set(['acknowledgeAudits', 'audit.rows.dropped'])

/**
 * `critical`: the log itself, and lost changes; `error`: what failed; `warning`: what was refused,
 * locks, and sessions that a replay ended; `notice`: changes of rights, policies, keys and of the
 * log that were made; `info`: all else.
 */
export function severityOf({ action, outcome }: Pick<AuditEntry, 'action' | 'outcome'>): Severity {
  if (CRITICAL.has(action)) return 'critical'
  if (outcome === 'failed') return 'error'
  if (outcome === 'refused' || WARNINGS.has(action)) return 'warning'
  return NOTICED.has(topicOf(action)) || OF_THE_LOG.has(action) ? 'notice' : 'info'
}

/** Whoever comes with a link of somebody is nobody that is known. */
export function actorTypeOf({
  actorKind,
  administers = false,
}: Pick<AuditEntry, 'actorKind' | 'administers'>): ActorType {
  switch (actorKind) {
    case 'system':
      return 'system'
    case 'user':
    case 'external':
      return administers ? 'admin_user' : 'user'
    case 'api_key':
    case 'service_account':
      return 'service_account'
    default:
      return 'anonymous'
  }
}

/** The entry as it is chained and sealed. */
export function filedEntry({ administers = false, ...entry }: AuditEntry): FiledEntry {
  const { sessionId = null, actorKind } = entry
  const actorType = actorTypeOf({ actorKind, administers })
  return { ...entry, sessionId, actorType, severity: severityOf(entry) }
}
