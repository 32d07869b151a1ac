import { BoundedCache } from '@holdfast/core/bounded-cache.ts'
import type { Call } from '@holdfast/core/call.ts'
import { defaultLimits, type Limits } from '@holdfast/core/limits.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Element } from '@holdfast/core/ports/element.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { systemPrincipal } from '@holdfast/core/principal.ts'
import { defaultBucketSettings } from '@holdfast/core/records.ts'
import { type AuditKeys, auditKeysOf } from './audit/audit-keys.ts'
import { RunsAtOnce } from './audit/runs-at-once.ts'
import { requireBucketName } from './buckets/bucket-fields.ts'
import { ChangeLines } from './buckets/change-lines.ts'
import { JudgedBuckets } from './buckets/judged-buckets.ts'
import { commit } from './commit.ts'
import type { IdentitySettings } from './identity/identity-settings.ts'
import { type IdentityState, type Outside, openIdentity } from './identity/identity-state.ts'
import type { MailQueue } from './identity/mail/mail-queue.ts'
import { WriteGate } from './integrity/write-gate.ts'
import { ListTurns } from './list-turns.ts'
import { Moments } from './moments.ts'
import { RunningDigests } from './multipart/running-digests.ts'
import { Arriving } from './quotas/arriving.ts'

export interface EngineSettings {
  /** Bucket of uploads that name none. */
  readonly defaultBucket: string
  /** Content versions that prune keeps where the bucket says nothing. */
  readonly versionsMax: number
  /** Age in days from which the prune job takes versions where the bucket says nothing. */
  readonly versionRetentionDays: number
  /**
   * Signs presigned links and seals what must not lie open. Whoever knows it can make links, so it
   * never leaves the server.
   */
  readonly linkSecret: Uint8Array
  /** What sealed before, while that is being changed: it opens, and makes nothing. */
  readonly formerSecret?: Uint8Array | undefined
  /** The first secret of the store, which the audit log is proved with; absent: the one above. */
  readonly auditSecret?: Uint8Array | undefined
  /** What the audit log is sealed with, and was before; absent: the key of the store. */
  readonly auditKeys: readonly string[]
}

export interface EngineOptions {
  readonly catalog: Catalog
  readonly element: Element
  readonly clock: Clock
  readonly random: Random
  readonly limits?: Partial<Limits> | undefined
  readonly settings?: Partial<EngineSettings> | undefined
  readonly identity?: Partial<IdentitySettings> | undefined
  /** Absent: no mail is sent. Closed by who made it. */
  readonly mails?: MailQueue | undefined
  readonly outside?: Outside | undefined
  /** How many came from outside so far, of whom the system hands over one in a turn. */
  readonly arrived?: (() => number) | undefined
}

/** One store: what every function of the engine takes first. */
export interface Engine {
  readonly catalog: Catalog
  readonly element: Element
  readonly clock: Clock
  readonly random: Random
  readonly limits: Limits
  readonly settings: Omit<EngineSettings, 'auditKeys' | 'auditSecret'>
  readonly auditKeys: AuditKeys
  /** When each key, of S3 too, was last used, Unix milliseconds; lost on restart. */
  readonly keyUses: Map<string, number>
  /** Hashes of secrets that were presented and good; what a hash opens is asked each time. */
  readonly keyHashes: BoundedCache<string>
  readonly gate: WriteGate
  /** Reads ahead of completions; to be closed before the store. */
  readonly digests: RunningDigests
  /** Bytes on their way that weigh on quotas. */
  readonly arriving: Arriving
  /** Of lists that look at much and show little. */
  readonly lists: ListTurns
  /** Whatever has several questions reads them here, never from the catalog itself. */
  readonly moments: Moments
  /** Of callers who have all of the audit log looked at. */
  readonly auditRuns: RunsAtOnce
  /** Whatever is asked of all buckets. */
  readonly judgedBuckets: JudgedBuckets
  /** They last as long as their readers take. */
  readonly auditExports: RunsAtOnce
  /** Of changes of buckets that were overtaken by others. */
  readonly bucketChanges: ChangeLines
  /** Of removals that take many transactions. */
  readonly removals: ChangeLines
  /** Logins, tokens and what is remembered of them. */
  readonly identity: IdentityState
  /** Both clocks at the opening: how garbage collection notices that the wall clock jumped. */
  readonly opened: { readonly wallMs: number; readonly monotonicMs: number }
}

const KEY_HASHES_MAX = 1000

export function openEngine(options: EngineOptions): Engine {
  const { catalog, element, clock, random, settings } = options
  const linkSecret = settings?.linkSecret ?? random.bytes(32)
  const limits = { ...defaultLimits, ...options.limits }
  const lists = new ListTurns(options.arrived)
  return {
    catalog,
    element,
    clock,
    random,
    limits,
    settings: {
      defaultBucket: settings?.defaultBucket ?? 'holdfast',
      versionsMax: settings?.versionsMax ?? 10,
      versionRetentionDays: settings?.versionRetentionDays ?? 90,
      linkSecret,
      formerSecret: settings?.formerSecret,
    },
    auditKeys: auditKeysOf(settings?.auditKeys ?? [], {
      element: element.id,
      secret: settings?.auditSecret ?? linkSecret,
    }),
    keyUses: new Map(),
    keyHashes: new BoundedCache(KEY_HASHES_MAX),
    gate: new WriteGate(),
    digests: new RunningDigests({ catalog, element }),
    arriving: new Arriving({ catalog, smallBytesMax: limits.packedBlobBytesMax }),
    lists,
    moments: new Moments(catalog, limits.momentsMax),
    auditRuns: new RunsAtOnce(limits.auditRunsMax),
    judgedBuckets: new JudgedBuckets(catalog, lists),
    auditExports: new RunsAtOnce(limits.auditRunsMax),
    bucketChanges: new ChangeLines(),
    removals: new ChangeLines(),
    identity: openIdentity({
      catalog,
      clock,
      random,
      secret: linkSecret,
      settings: options.identity,
      mails: options.mails,
      outside: options.outside,
    }),
    opened: { wallMs: clock.now(), monotonicMs: clock.monotonic() },
  }
}

/** The call of work that the store does by itself. */
export function systemCall(
  requestId: string,
  signal: AbortSignal = new AbortController().signal,
): Call {
  return { principal: systemPrincipal, requestId, signal }
}

/** Creates those of the named buckets that are not there yet. */
export async function ensureBuckets(engine: Engine, names: readonly string[]): Promise<void> {
  for (const name of names) {
    requireBucketName(name)
    if ((await engine.catalog.view.buckets.byName(name)) !== undefined) continue
    const args = { name, settings: defaultBucketSettings, existing: 'keep' as const }
    await commit(engine, systemCall('start'), { name: 'buckets.create', args })
  }
}
