import type { BlockList } from 'node:net'
import type { Limits as EngineLimits } from '@holdfast/core/limits.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { nodeDisk } from '@holdfast/drivers/disk/node-disk.ts'
import { openStore, type StoreOptions } from '@holdfast/drivers/open.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import type { Recovery } from '@holdfast/drivers/store/open-log.ts'
import type { AuditLog } from '@holdfast/engine/audit/audit-log.ts'
import { type Engine, openEngine } from '@holdfast/engine/engine.ts'
import type { IdentitySettings } from '@holdfast/engine/identity/identity-settings.ts'
import type { DestinationStream } from 'pino'
import { auditIdentities, headText, openAudit, startAudit } from './composition/audit.ts'
import { type Counting, openCounting } from './composition/counting.ts'
import {
  prepareAccessKey,
  prepareAccount,
  prepareAdministrator,
  prepareBuckets,
  prepareKeys,
} from './composition/first-principals.ts'
import { identityFigures } from './composition/identity-figures.ts'
import { tellLosses } from './composition/losses-told.ts'
import { openMails, openOutside } from './composition/outside.ts'
import { tellSecretChange } from './composition/secret-told.ts'
import type { Settings } from './config/settings-table.ts'
import { DocumentRoom } from './http/body/document-room.ts'
import { PaceWatch } from './http/body/pace-watch.ts'
import { proxyList } from './http/caller/client-address.ts'
import { Working } from './http/caller/working.ts'
import { Certificate } from './http/certificate.ts'
import { OpenConnections } from './http/connections/open-connections.ts'
import { connectionsMaxOf, openFilesMax } from './http/connections/open-files.ts'
import { LargeAnswers } from './http/limits/large-answers.ts'
import { policiesOf } from './http/limits/limit-policies.ts'
import { Limits } from './http/limits/limits.ts'
import { TurnBudget } from './http/limits/turn-budget.ts'
import { HealthProbe } from './telemetry/health-probe.ts'
import { type Log, openLog } from './telemetry/log.ts'
import { Metrics } from './telemetry/metrics.ts'
import { version } from './version.ts'

/** Everything a request may need. Built here and nowhere else. */
export interface Context {
  readonly settings: Settings
  readonly version: string
  readonly engine: Engine
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly log: Log
  readonly metrics: Metrics
  readonly health: HealthProbe
  /** Gives up clients whose bodies do not come. */
  readonly pace: PaceWatch
  /** Set where the doors speak TLS. */
  readonly certificate: Certificate | undefined
  readonly startedMs: number
  /** Whose `X-Forwarded-For` is believed. */
  readonly proxies: BlockList
  readonly audit: AuditLog
  /** How much callers may ask for. */
  readonly limits: Limits
  /** How much is going on, and whether more may come. */
  readonly load: { active: number; stopping: boolean; readonly working: Working }
  /** What waits in memory for who asked. */
  readonly answers: LargeAnswers
  /** What forms that are on their way hold in memory, bounded alike but on its own. */
  readonly forms: LargeAnswers
  /** What documents that are read as a whole hold while they arrive, at every door. */
  readonly documents: DocumentRoom
  /** Of all doors. */
  readonly connections: OpenConnections
  /** When work may begin. */
  readonly turns: TurnBudget
}

export interface ContextOptions {
  readonly settings: Settings
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
  readonly disk?: Disk | undefined
  readonly logTo?: DestinationStream | undefined
  /** Overrides of the store that settings do not have: tests of full and failing disks. */
  readonly store?: Partial<StoreOptions> | undefined
  /** Cost of bcrypt in place of the default: only tests, whose passwords guard nothing, set it. */
  readonly passwordCost?: number | undefined
  /** Nothing more may be acknowledged: the process should end and recover at the next start. */
  readonly onFatal?: ((reason: string) => void) | undefined
  /**
   * Told the administrator's key that is about to be made on the very first start. Without anybody
   * to tell, none is made: nobody could use it.
   */
  readonly onFirstKey?: ((secret: string) => void) | undefined
  /**
   * For programs that look at a store while no server runs: nothing is made that a server needs,
   * and the audit log and its head stay as they are, for `verify` and for the next start.
   */
  readonly offline?: boolean | undefined
}

export interface OpenedContext {
  readonly context: Context
  readonly recovery: Recovery
  /** Ends a change of the secret: only for who has sealed everything anew. */
  dropFormer(): void
  /** `last` runs when the store is closed and nobody else can open it yet. */
  close(last?: () => void): Promise<void>
}

const HEALTH_MS = 5_000

/** The one place where the parts are put together, from top to bottom; closed in reverse order. */
export async function openContext(options: ContextOptions): Promise<OpenedContext> {
  const { settings } = options
  const { clock = systemClock, random = cryptoRandom, disk = nodeDisk } = options
  const log = openLog(settings, version, options.logTo)
  const certificate = openCertificate(settings, { disk, clock, log })
  const connections = openConnections(options, { clock, log })
  const counting = await openCounting(settings, { clock, random, log })
  const store = await openStore({
    dir: settings.dataDir,
    transactionsUrl: import.meta.resolve('@holdfast/engine/transactions.ts'),
    clock,
    random,
    disk,
    reservedBytes: settings.reservedBytes,
    // A disk that tests bring cannot be reached from other threads.
    writerThreads: options.disk === undefined ? settings.writerThreads : 0,
    onFatal: reason => {
      log.fatal({ reason }, 'the store failed; restart to recover')
      options.onFatal?.(reason)
    },
    ...options.store,
  }).catch(async error => {
    await counting.close()
    throw error
  })
  try {
    const { catalog, element, secret: auditSecret, linkSecret, formerSecret } = store
    const mails = openMails(settings, { clock, log })
    const { defaultBucket, versionsMax, versionRetentionDays, auditKeys } = settings
    const engine = openEngine({
      catalog,
      element,
      clock,
      random,
      limits: engineLimits(settings),
      settings: {
        ...{ defaultBucket, versionsMax, versionRetentionDays },
        ...{ linkSecret, formerSecret, auditSecret, auditKeys },
      },
      identity: identitySettings(options),
      ...{ mails, arrived: () => connections.arrived },
      outside: openOutside(settings, { disk, clock, log }),
    })
    const audit = openAudit(engine, settings, log)
    auditIdentities(engine, audit)
    if (options.offline !== true) {
      await startAudit(audit, log)
      await tellLosses(engine, { audit, log })
      await tellSecretChange(engine, { first: auditSecret, audit, log })
      await prepareBuckets(engine, settings, log)
      await prepareAdministrator(engine, settings, { audit, log })
      await prepareAccount(engine, settings, { audit, log })
      // Behind what may refuse the settings: a fresh key is shown once, and would be in vain.
      await prepareKeys(engine, { ...options, audit })
      await prepareAccessKey(engine, settings, { audit, log })
    }
    const health = openHealth({ engine, log, counting, audit })
    const pace = new PaceWatch(clock, settings.bodyIdleSeconds)
    const load = { active: 0, stopping: false, working: new Working() }
    const measured = { engine, health, load, counting, certificate, connections }
    const metrics = new Metrics(() => figures(measured))
    await health.start()
    const proxies = proxyList(settings.trustedProxies)
    const policies = policiesOf(settings)
    const limits = new Limits({ policies, store: counting.store, clock, proxies, metrics, log })
    log.info({ recovery: store.recovery, data_dir: settings.dataDir }, 'store opened')
    const context = {
      ...{ settings, version, engine, clock, random, disk, log, metrics, health, pace },
      ...{ certificate, connections, proxies, audit, limits, load },
      ...{ answers: new LargeAnswers(settings), forms: new LargeAnswers(settings) },
      ...{ documents: new DocumentRoom(settings), turns: new TurnBudget(clock) },
      startedMs: clock.monotonic(),
    }
    const close = async (last?: () => void) => {
      pace.stop()
      await mails?.close()
      await health.stop()
      await audit.close()
      if (audit.end !== undefined) log.info({ head: headText(audit.end) }, 'audit log ends')
      await engine.digests.close()
      await counting.close()
      await store.close(last)
    }
    return { context, recovery: store.recovery, dropFormer: () => store.dropFormer(), close }
  } catch (error) {
    await counting.close()
    await store.close()
    throw error
  }
}

function engineLimits(settings: Settings): Partial<EngineLimits> {
  return {
    uploadBytesMax: settings.uploadBytesMax,
    assetBytesMax: settings.assetBytesMax,
    reservedBytes: settings.reservedBytes,
    graceMs: settings.graceSeconds * 1000,
    uploadIdleMs: settings.uploadIdleSeconds * 1000,
    ownedBucketsMax: settings.ownedBucketsMax,
    makerKeysMax: settings.makerKeysMax,
    userKeysMax: settings.userKeysMax,
    sharesMax: settings.sharesMax,
    momentsMax: settings.momentsMax,
    auditRunsMax: settings.auditRunsMax,
  }
}

function identitySettings({ settings, passwordCost }: ContextOptions): Partial<IdentitySettings> {
  return {
    ...(passwordCost === undefined ? {} : { passwordCost }),
    issuer: settings.tokenIssuer,
    accessSeconds: settings.accessTokenSeconds,
    refreshSeconds: settings.refreshTokenSeconds,
    sessionSeconds: settings.sessionSeconds,
    confirmSeconds: settings.confirmSeconds,
    accountRefresh: settings.accountRefreshTokens,
    accountRequestsPerMinute: settings.accountRequestsPerMinute,
    rotationSeconds: settings.keyRotationSeconds,
    overlapSeconds: Math.max(settings.keyOverlapSeconds, settings.accessTokenSeconds),
    askedKeysMax: settings.askedKeysMax,
    lockoutFailures: settings.lockoutFailures,
    lockoutSeconds: settings.lockoutSeconds,
    passwordDays: settings.passwordDays,
    secondFactorFor: settings.secondFactorFor,
    resetSeconds: settings.resetSeconds,
    resetUrl: settings.resetUrl,
  }
}

function openCertificate(
  { tlsCertFile: certFile, tlsKeyFile: keyFile, tlsMinVersion }: Settings,
  parts: { readonly disk: Disk; readonly clock: Clock; readonly log: Log },
): Certificate | undefined {
  if (certFile === undefined || keyFile === undefined) return undefined
  const minVersion = `TLSv${tlsMinVersion}` as const
  return new Certificate({ certFile, keyFile, minVersion }, parts)
}

function openConnections(
  { settings, offline = false }: ContextOptions,
  parts: { readonly clock: Clock; readonly log: Log },
): OpenConnections {
  const max = offline ? 0 : connectionsMaxOf(settings, openFilesMax())
  return new OpenConnections({ max, ...parts })
}

function openHealth(parts: {
  engine: Engine
  log: Log
  counting: Counting
  audit: AuditLog
}): HealthProbe {
  const { engine, log, counting, audit } = parts
  const { catalog, element, clock } = engine
  return new HealthProbe({
    catalog,
    element,
    clock,
    redis: counting.redis,
    audit: () => audit.isBroken,
    everyMs: HEALTH_MS,
    onChange: ({ status, parts }) => log.warn({ status, parts }, 'health changed'),
  })
}

async function figures(of: {
  engine: Engine
  health: HealthProbe
  load: Context['load']
  counting: Counting
  certificate: Certificate | undefined
  connections: OpenConnections
}) {
  const { engine, health, load, counting, certificate, connections } = of
  const { view } = engine.catalog
  const [stats, blobs] = await Promise.all([view.assets.stats({}), view.blobs.totals()])
  const { freeBytes, totalBytes } = health.view
  const damaged = engine.element.repair?.known.size ?? 0
  const redis = counting.redis()
  const { parts } = health.view
  const identity = await identityFigures(engine)
  const now = { freeBytes, totalBytes, parts, identity, active: load.active, redis }
  const certificateEndsMs = certificate?.validToMs
  return { stats, blobs, damaged, ...now, certificateEndsMs, connections }
}
