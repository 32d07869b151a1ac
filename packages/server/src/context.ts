import type { BlockList } from 'node:net'
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { Limits as EngineLimits } from '@holdfast/core/limits.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { LimitStore } from '@holdfast/core/ports/limit-store.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { LdapDirectory } from '@holdfast/drivers/directory/ldap/ldap-directory.ts'
import type { LdapOptions } from '@holdfast/drivers/directory/ldap/ldap-options.ts'
import { nodeDisk } from '@holdfast/drivers/disk/node-disk.ts'
import { readText } from '@holdfast/drivers/disk/read-text.ts'
import { FileKeySet } from '@holdfast/drivers/key-set/file-key-set.ts'
import { HttpKeySet } from '@holdfast/drivers/key-set/http-key-set.ts'
import { FallbackLimitStore } from '@holdfast/drivers/limits/fallback-limit-store.ts'
import { MemoryLimitStore } from '@holdfast/drivers/limits/memory-limit-store.ts'
import { RedisLimitStore } from '@holdfast/drivers/limits/redis/redis-limit-store.ts'
import { RedisFailure, RedisLink } from '@holdfast/drivers/limits/redis/redis-link.ts'
import { SmtpMailer } from '@holdfast/drivers/mail/smtp-mailer.ts'
import { openStore, type StoreOptions } from '@holdfast/drivers/open.ts'
import { OpenIdClient } from '@holdfast/drivers/openid/openid-client.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import type { Recovery } from '@holdfast/drivers/store/open-log.ts'
import { ensureAccessKey } from '@holdfast/engine/access/keys/access-keys.ts'
import { newSecret } from '@holdfast/engine/access/keys/key-secret.ts'
import { ensureKey } from '@holdfast/engine/access/keys/keys.ts'
import { AuditLog } from '@holdfast/engine/audit/audit-log.ts'
import { type Engine, ensureBuckets, openEngine } from '@holdfast/engine/engine.ts'
import type { IdentitySettings } from '@holdfast/engine/identity/identity-settings.ts'
import type { Outside } from '@holdfast/engine/identity/identity-state.ts'
import { type MailNews, MailQueue } from '@holdfast/engine/identity/mail/mail-queue.ts'
import { standingOf } from '@holdfast/engine/identity/outside/mapping.ts'
import { ensureAdministrator } from '@holdfast/engine/identity/users/users.ts'
import type { DestinationStream } from 'pino'
import { buildIssuers, buildMaps, groupMappingOf } from './config/outside/build-outside.ts'
import type { Settings } from './config/settings-table.ts'
import { PaceWatch } from './http/body/pace-watch.ts'
import { proxyList } from './http/caller/client-address.ts'
import { Certificate } from './http/certificate.ts'
import { policiesOf } from './http/limits/limit-policies.ts'
import { Limits } from './http/limits/limits.ts'
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
  readonly load: { active: number; stopping: boolean }
}

export interface ContextOptions {
  readonly settings: Settings
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
  readonly disk?: Disk | undefined
  readonly logTo?: DestinationStream | undefined
  /** Overrides of the store that settings do not have: tests of full and failing disks. */
  readonly store?: Partial<StoreOptions> | undefined
  /** Nothing more may be acknowledged: the process should end and recover at the next start. */
  readonly onFatal?: ((reason: string) => void) | undefined
  /**
   * Told the administrator's key that is about to be made on the very first start. Without anybody
   * to tell, none is made: nobody could use it.
   */
  readonly onFirstKey?: ((secret: string) => void) | undefined
}

export interface OpenedContext {
  readonly context: Context
  readonly recovery: Recovery
  /** `last` runs when the store is closed and nobody else can open it yet. */
  close(last?: () => void): Promise<void>
}

const HEALTH_MS = 5_000

/** The one place where the parts are put together, from top to bottom; closed in reverse order. */
export async function openContext(options: ContextOptions): Promise<OpenedContext> {
  const { settings } = options
  const clock = options.clock ?? systemClock
  const random = options.random ?? cryptoRandom
  const disk = options.disk ?? nodeDisk
  const log = openLog(settings, version, options.logTo)
  const certificate = openCertificate(settings, { disk, clock, log })
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
    const { catalog, element, linkSecret } = store
    const mails = openMails(settings, { clock, log })
    const engine = openEngine({
      catalog,
      element,
      clock,
      random,
      limits: engineLimits(settings),
      settings: {
        defaultBucket: settings.defaultBucket,
        versionsMax: settings.versionsMax,
        versionRetentionDays: settings.versionRetentionDays,
        linkSecret,
      },
      identity: identitySettings(settings),
      mails,
      outside: openOutside(settings, { disk, clock, log }),
    })
    await ensureBuckets(engine, [settings.defaultBucket, ...settings.buckets])
    await prepareKeys(engine, options)
    await prepareAccessKey(engine, settings)
    await prepareAdministrator(engine, settings)
    const health = openHealth({ engine, log, counting })
    const pace = new PaceWatch(clock, settings.bodyIdleSeconds)
    const load = { active: 0, stopping: false }
    const metrics = new Metrics(() => figures({ engine, health, load, counting }))
    await health.start()
    const onError = (error: unknown) => log.error({ error }, 'audit rows were not written')
    const refusals = settings.refusalRate
    const audit = new AuditLog({ catalog, element, clock, secret: linkSecret, refusals, onError })
    const proxies = proxyList(settings.trustedProxies)
    const policies = policiesOf(settings)
    const limits = new Limits({ policies, store: counting.store, clock, proxies, metrics, log })
    log.info({ recovery: store.recovery, data_dir: settings.dataDir }, 'store opened')
    const context = {
      ...{ settings, version, engine, clock, random, disk, log, metrics, health, pace },
      ...{ certificate, proxies, audit, limits, load },
      startedMs: clock.monotonic(),
    }
    const close = async (last?: () => void) => {
      pace.stop()
      await mails?.close()
      await health.stop()
      await audit.close()
      await engine.digests.close()
      await counting.close()
      await store.close(last)
    }
    return { context, recovery: store.recovery, close }
  } catch (error) {
    await counting.close()
    await store.close()
    throw error
  }
}

/**
 * The key that the settings give; on the very first start without one, a fresh one. It is told
 * before it is kept: a process that dies in between leaves no key behind, so the next start makes
 * another one, while one kept first and never told would lock everybody out.
 */
async function prepareKeys(engine: Engine, options: ContextOptions): Promise<void> {
  const administrator = { name: 'administrator', permissions: ['*'] }
  const { settings, onFirstKey } = options
  if (settings.bootstrapApiKey !== undefined) {
    await ensureKey(engine, { ...administrator, secret: settings.bootstrapApiKey })
    return
  }
  if (onFirstKey === undefined || (await engine.catalog.view.keys.count()) > 0) return
  const secret = newSecret(engine.random)
  onFirstKey(secret)
  await ensureKey(engine, { ...administrator, secret })
}

/** The key pair for S3 that the settings give. */
async function prepareAccessKey(engine: Engine, settings: Settings): Promise<void> {
  const { s3AccessKeyId: id, s3SecretAccessKey: secret } = settings
  if (id === undefined || secret === undefined) return
  await ensureAccessKey(engine, { id, secret, name: 'administrator', permissions: ['*'] })
}

function engineLimits(settings: Settings): Partial<EngineLimits> {
  return {
    uploadBytesMax: settings.uploadBytesMax,
    assetBytesMax: settings.assetBytesMax,
    reservedBytes: settings.reservedBytes,
    graceMs: settings.graceSeconds * 1000,
    uploadIdleMs: settings.uploadIdleSeconds * 1000,
  }
}

function identitySettings(settings: Settings): Partial<IdentitySettings> {
  return {
    issuer: settings.tokenIssuer,
    accessSeconds: settings.accessTokenSeconds,
    refreshSeconds: settings.refreshTokenSeconds,
    accountRefresh: settings.accountRefreshTokens,
    rotationSeconds: settings.keyRotationSeconds,
    overlapSeconds: Math.max(settings.keyOverlapSeconds, settings.accessTokenSeconds),
    lockoutFailures: settings.lockoutFailures,
    lockoutSeconds: settings.lockoutSeconds,
    passwordDays: settings.passwordDays,
    secondFactorFor: settings.secondFactorFor,
    resetSeconds: settings.resetSeconds,
    resetUrl: settings.resetUrl,
  }
}

/** Nothing of a mail is logged but whom it was for and what became of it. */
function openMails(
  settings: Settings,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): MailQueue | undefined {
  const { smtpHost: host, smtpPort: port, smtpTls: tls, mailFrom: from } = settings
  if (host === undefined || from === undefined) return undefined
  const { smtpUsername: username, smtpPassword: password, smtpCa: ca } = settings
  const mailer = new SmtpMailer({ host, port, tls, username, password, ca, from })
  const tell = ({ outcome, about, userId, reason }: MailNews) => {
    const level = outcome === 'sent' ? 'info' : 'warn'
    log[level]({ mail: about, user_id: userId, outcome, ...(reason && { reason }) }, 'mail')
  }
  return new MailQueue({ mailer, clock, tell })
}

interface OutsideParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
}

/** Places beside this store that know who somebody is. */
function openOutside(settings: Settings, parts: OutsideParts): Outside {
  const { externalIssuers = [] } = settings
  const { disk, log } = parts
  const issuers = buildIssuers(externalIssuers, ({ jwksUrl, jwksFile = '' }) => {
    return jwksUrl === undefined ? new FileKeySet(jwksFile, disk) : new HttpKeySet(jwksUrl)
  })
  const onProblem = (place: string, error: unknown) => {
    log.warn({ place, error }, 'identities of another place cannot be checked')
  }
  return {
    issuers,
    onProblem,
    directory: openDirectory(settings, parts),
    openId: openProvider(settings),
  }
}

function openDirectory(settings: Settings, { disk, clock }: OutsideParts): Outside['directory'] {
  const { ldapServer: url, ldapBaseDn: base = '' } = settings
  if (url === undefined) return undefined
  const { ldapBindDn: dn, ldapBindPassword: password, ldapCaFile: caFile } = settings
  const options = {
    url,
    startTls: settings.ldapStartTls,
    ca: caFile === undefined ? undefined : readSetting('LDAP_CA_FILE', disk, caFile),
    service: dn === undefined || password === undefined ? undefined : { dn, password },
    userBase: settings.ldapUserSearchBase ?? base,
    userObjectClass: settings.ldapUserObjectClass,
    usernameAttribute: settings.ldapUsernameAttribute,
    emailAttribute: settings.ldapEmailAttribute,
    firstNameAttribute: settings.ldapFirstNameAttribute,
    lastNameAttribute: settings.ldapLastNameAttribute,
    idAttribute: settings.ldapIdAttribute,
    activeFilter: settings.ldapActiveFilter,
    groupBase: settings.ldapGroupSearchBase ?? base,
    groupObjectClasses: settings.ldapGroupObjectClass,
    memberAttributes: settings.ldapMemberAttribute,
    groupDepth: settings.ldapGroupDepth,
    timeoutMs: settings.ldapTimeoutSeconds * 1000,
  }
  return {
    directory: openLdap(options, clock),
    mapping: groupMappingOf(settings.ldapGroupMap),
    unmapped: standingOf(settings.ldapDefaultRole),
    recheckSeconds: settings.ldapRecheckSeconds,
  }
}

function openProvider(settings: Settings): Outside['openId'] {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecret: clientSecret } = settings
  if (issuer === undefined || clientId === undefined || clientSecret === undefined) return undefined
  const callback = `${settings.publicUrl ?? ''}/api/v2/auth/oidc/callback`
  const { oidcScopes: scopes, oidcAlgorithm: algorithm } = settings
  return {
    provider: new OpenIdClient({ issuer, clientId, clientSecret, scopes, algorithm, callback }),
    claims: { name: ['preferred_username'], email: ['email'] },
    maps: buildMaps(settings.oidcMaps),
    always: standingOf(settings.oidcDefaultRole),
    sessionSeconds: settings.oidcSessionSeconds,
    keySeconds: settings.oidcKeySeconds,
    returnUrls: settings.oidcReturnUrls,
  }
}

function openLdap(options: LdapOptions, clock: Clock): LdapDirectory {
  try {
    return new LdapDirectory(options, clock)
  } catch (error) {
    const errors = [{ path: 'STORAGE_LDAP_ACTIVE_FILTER', problem: 'is no filter (RFC 4515)' }]
    throw new HoldfastError('SETTINGS_INVALID', { errors }, { cause: error })
  }
}

function readSetting(name: string, disk: Disk, path: string): string {
  try {
    return readText(disk, path)
  } catch (error) {
    const errors = [{ path: `STORAGE_${name}`, problem: 'names a file that cannot be read' }]
    throw new HoldfastError('SETTINGS_INVALID', { errors }, { cause: error })
  }
}

async function prepareAdministrator(engine: Engine, settings: Settings): Promise<void> {
  // Made before the first login, or that one would take longer for an unknown name.
  await engine.identity.hasher.decoy()
  const { initialAdminUsername: username, initialAdminPassword: password } = settings
  if (username === undefined || password === undefined) return
  const { initialAdminEmail: email } = settings
  try {
    await ensureAdministrator(engine, { username, password, ...(email && { email }) })
  } catch (error) {
    if (!isHoldfastError(error) || error.code !== 'VALIDATION_ERROR') throw error
    const path = 'STORAGE_INITIAL_ADMIN_*'
    const problem = `make no user: ${JSON.stringify(error.details.errors)}`
    throw new HoldfastError('SETTINGS_INVALID', { errors: [{ path, problem }] }, { cause: error })
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

interface Counting {
  readonly store: LimitStore
  /** Undefined where no Redis is used. */
  readonly redis: () => { isUp: boolean; isCritical: boolean; missed: number } | undefined
  close(): Promise<void>
}

/**
 * What counts for the limits. A Redis that does not let this server in is a mistake in the
 * settings; one that does not answer is away for a while, as it may be at any time.
 */
async function openCounting(
  settings: Settings,
  { clock, random, log }: Pick<Context, 'clock' | 'random' | 'log'>,
): Promise<Counting> {
  const local = new MemoryLimitStore({ clock, random })
  const { redisUrl: url, redisPrefix: prefix, limitsWithoutRedis: without } = settings
  const close = async () => await local[Symbol.asyncDispose]()
  if (url === undefined) return { store: local, redis: () => undefined, close }
  const link = new RedisLink(url, settings.redisTimeoutSeconds * 1000)
  const outside = new RedisLimitStore({ link, clock, random, prefix })
  const onChange = (state: 'up' | 'down', reason: string) => {
    if (state === 'up') log.info({ part: 'redis' }, 'Redis counts limits again')
    else log.warn({ part: 'redis', reason, without }, 'Redis does not count limits')
  }
  const store = new FallbackLimitStore({ outside, local, without, clock, onChange })
  const counting = {
    store,
    redis: () => ({
      isUp: store.trouble === undefined,
      isCritical: without === 'refuse',
      missed: store.missed,
    }),
    close: async () => {
      await store[Symbol.asyncDispose]()
      await link[Symbol.asyncDispose]()
    },
  }
  const problem = await store.begin()
  if (!(problem instanceof RedisFailure) || !problem.isRefusal) return counting
  await counting.close()
  const errors = [{ path: 'STORAGE_REDIS_URL', problem: `is refused: ${problem.message}` }]
  throw new HoldfastError('SETTINGS_INVALID', { errors })
}

function openHealth(parts: { engine: Engine; log: Log; counting: Counting }): HealthProbe {
  const { engine, log, counting } = parts
  const { catalog, element, clock } = engine
  return new HealthProbe({
    catalog,
    element,
    clock,
    redis: counting.redis,
    everyMs: HEALTH_MS,
    onChange: ({ status, parts }) => log.warn({ status, parts }, 'health changed'),
  })
}

async function figures(of: {
  engine: Engine
  health: HealthProbe
  load: Context['load']
  counting: Counting
}) {
  const { engine, health, load, counting } = of
  const { view } = engine.catalog
  const [{ services }, blobs] = await Promise.all([view.assets.stats({}), view.blobs.totals()])
  const { freeBytes, totalBytes } = health.view
  const damaged = engine.element.repair?.known.size ?? 0
  const redis = counting.redis()
  return { services, blobs, damaged, freeBytes, totalBytes, active: load.active, redis }
}
