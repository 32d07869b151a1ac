import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ObjectFacets, Retention } from '@holdfast/core/objects.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { BriefVersion, Bucket } from '@holdfast/core/records.ts'

/**
 * Object lock (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html): whoever
 * takes a version away, through whatever door, asks here first.
 */
export interface LockQuestion {
  readonly now: string
  /** Retention in governance mode does not hold; the caller was authorised for that. */
  readonly bypassGovernance?: boolean | undefined
}

export function isLocked(version: BriefVersion, { now, bypassGovernance }: LockQuestion): boolean {
  const { retention, legalHold } = version.object ?? {}
  if (legalHold === true) return true
  if (retention === undefined || retention.until <= now) return false
  return !(retention.mode === 'GOVERNANCE' && bypassGovernance === true)
}

/** VERSION_LOCKED when retention or legal hold keep the version. */
export function requireUnlocked(version: BriefVersion, question: LockQuestion): void {
  if (!isLocked(version, question)) return
  const { retention, legalHold } = version.object ?? {}
  throw new HoldfastError('VERSION_LOCKED', {
    version_id: version.id,
    ...(retention === undefined ? {} : { retained_until: retention.until, mode: retention.mode }),
    ...(legalHold === true ? { legal_hold: true } : {}),
  })
}

/** The same for every version of an asset. Only buckets with object lock can have any. */
export async function requireUnlockedVersions(
  view: CatalogView,
  { bucket, assetId }: { readonly bucket: Bucket; readonly assetId: string },
  { now }: Pick<LockQuestion, 'now'>,
): Promise<void> {
  if (bucket.documents?.objectLock === undefined) return
  const lock = { at: now, holds: true }
  const query = { assetId, kinds: ['content'] as const, deleted: 'with' as const, lock }
  const [locked] = await view.versions.list({ ...query, limit: 1 })
  if (locked !== undefined) requireUnlocked(locked, { now })
}

const DAY_MS = 24 * 60 * 60 * 1000
const ELSEWHERE: ObjectFacets = { elsewhere: true }

/**
 * The facets of new content with the retention that its bucket prescribes, whatever door it came
 * through; one that its put asked for stays
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html#object-lock-bucket-config).
 */
export function retained(
  bucket: Bucket,
  facets: ObjectFacets | undefined,
  now: string,
): ObjectFacets | undefined {
  // One that is over, as of what comes from another bucket, holds nothing.
  const holds = facets?.retention !== undefined && facets.retention.until > now
  if (holds) return facets
  const retention = defaultRetention(bucket, Date.parse(now))
  if (retention === undefined) return facets
  return { ...(facets ?? ELSEWHERE), retention }
}

/** Whether what is put there is kept from that moment on, also what is there already. */
export function prescribesRetention(bucket: Bucket): boolean {
  return defaultRetention(bucket, 0) !== undefined
}

function defaultRetention({ documents }: Bucket, nowMs: number): Retention | undefined {
  const rule = documents?.objectLock?.rule
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return undefined
  const { mode, days, years } = { mode: null, days: null, years: null, ...rule }
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') return undefined
  const until = new Date(nowMs)
  if (typeof years === 'number') until.setUTCFullYear(until.getUTCFullYear() + years)
  else if (typeof days === 'number') until.setTime(nowMs + days * DAY_MS)
  return { mode, until: until.toISOString() }
}
