import { type FieldProblem, HoldfastError } from '@holdfast/core/errors.ts'
import { dangers } from './dangers.ts'
import { readLimits } from './limit-settings.ts'
import { readOutside } from './outside/outside-table.ts'
import { readRedis } from './redis-settings.ts'
import type { ReadSetting, Setting } from './setting.ts'
import { laterNames, type Settings, settingsTable } from './settings-table.ts'

export const prefix = 'STORAGE_'

export interface SettingsInput {
  /** The environment, or anything of its shape. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Reads the file that a `<name>_FILE` variable of a secret names. */
  readonly readSecret?: (path: string) => string
}

export interface ParsedSettings {
  readonly settings: Settings
  /** Names that were set; the others have their defaults. */
  readonly given: ReadonlySet<string>
  /** Sentences about what was accepted but has no effect. */
  readonly notices: readonly string[]
}

/** All settings, or SETTINGS_INVALID with every problem at once. */
export function parseSettings(input: SettingsInput): ParsedSettings {
  const problems: FieldProblem[] = []
  const given = new Set<string>()
  const known = new Set<string>()
  const read = <T>(row: Setting<T>): T => {
    known.add(row.name)
    if (row.secret) known.add(`${row.name}_FILE`)
    const found = textOf(row, input, problems)
    if (found === undefined) return row.standard
    given.add(row.name)
    const parsed = row.kind.parse(found)
    if ('value' in parsed) return parsed.value
    problems.push({ path: prefix + row.name, problem: parsed.problem })
    return row.standard
  }
  const settings = readAll(read)
  problems.push(...dangers(settings, input.env))
  if (problems.length > 0) throw new HoldfastError('SETTINGS_INVALID', { errors: problems })
  return { settings, given, notices: noticesOf(input.env, known) }
}

/** Every row by name: a row that is added to the table does not compile until it is read. */
function readAll(read: ReadSetting): Settings {
  const table = settingsTable
  return {
    serviceName: read(table.serviceName),
    environment: read(table.environment),
    debug: read(table.debug),
    host: read(table.host),
    port: read(table.port),
    tlsCertFile: read(table.tlsCertFile),
    tlsKeyFile: read(table.tlsKeyFile),
    tlsMinVersion: read(table.tlsMinVersion),
    publicUrl: read(table.publicUrl),
    dataDir: read(table.dataDir),
    bootstrapApiKey: read(table.bootstrapApiKey),
    s3Enabled: read(table.s3Enabled),
    s3Port: read(table.s3Port),
    s3Host: read(table.s3Host),
    s3Region: read(table.s3Region),
    s3AnyRegion: read(table.s3AnyRegion),
    s3Domains: read(table.s3Domains),
    s3AccessKeyId: read(table.s3AccessKeyId),
    s3SecretAccessKey: read(table.s3SecretAccessKey),
    defaultBucket: read(table.defaultBucket),
    buckets: read(table.buckets),
    uploadBytesMax: read(table.uploadBytesMax),
    assetBytesMax: read(table.assetBytesMax),
    batchBytesMax: read(table.batchBytesMax),
    versionsMax: read(table.versionsMax),
    versionRetentionDays: read(table.versionRetentionDays),
    reservedBytes: read(table.reservedBytes),
    writerThreads: read(table.writerThreads),
    graceSeconds: read(table.graceSeconds),
    uploadIdleSeconds: read(table.uploadIdleSeconds),
    ownedBucketsMax: read(table.ownedBucketsMax),
    makerKeysMax: read(table.makerKeysMax),
    userKeysMax: read(table.userKeysMax),
    sharesMax: read(table.sharesMax),
    momentsMax: read(table.momentsMax),
    auditRunsMax: read(table.auditRunsMax),
    garbageSeconds: read(table.garbageSeconds),
    initialAdminUsername: read(table.initialAdminUsername),
    initialAdminPassword: read(table.initialAdminPassword),
    initialAdminEmail: read(table.initialAdminEmail),
    initialAccountName: read(table.initialAccountName),
    initialAccountClientId: read(table.initialAccountClientId),
    initialAccountSecret: read(table.initialAccountSecret),
    initialAccountRoles: read(table.initialAccountRoles),
    tokenIssuer: read(table.tokenIssuer),
    accessTokenSeconds: read(table.accessTokenSeconds),
    refreshTokenSeconds: read(table.refreshTokenSeconds),
    sessionSeconds: read(table.sessionSeconds),
    confirmSeconds: read(table.confirmSeconds),
    accountRefreshTokens: read(table.accountRefreshTokens),
    keyRotationSeconds: read(table.keyRotationSeconds),
    keyOverlapSeconds: read(table.keyOverlapSeconds),
    askedKeysMax: read(table.askedKeysMax),
    lockoutFailures: read(table.lockoutFailures),
    lockoutSeconds: read(table.lockoutSeconds),
    passwordDays: read(table.passwordDays),
    secondFactorFor: read(table.secondFactorFor),
    smtpHost: read(table.smtpHost),
    smtpPort: read(table.smtpPort),
    smtpTls: read(table.smtpTls),
    smtpUsername: read(table.smtpUsername),
    smtpPassword: read(table.smtpPassword),
    smtpCa: read(table.smtpCa),
    mailFrom: read(table.mailFrom),
    resetUrl: read(table.resetUrl),
    resetSeconds: read(table.resetSeconds),
    auditData: read(table.auditData),
    auditKeys: read(table.auditKeys),
    auditRetentionDays: read(table.auditRetentionDays),
    trustedProxies: read(table.trustedProxies),
    ...readLimits(read),
    ...readRedis(read),
    requestsMax: read(table.requestsMax),
    connectionsMax: read(table.connectionsMax),
    bodyIdleSeconds: read(table.bodyIdleSeconds),
    shutdownSeconds: read(table.shutdownSeconds),
    logLevel: read(table.logLevel),
    corsOrigins: read(table.corsOrigins),
    metricsEnabled: read(table.metricsEnabled),
    metricsAuth: read(table.metricsAuth),
    metricsPort: read(table.metricsPort),
    metricsHost: read(table.metricsHost),
    ...readOutside(read),
  }
}

function textOf<T>(
  row: Setting<T>,
  input: SettingsInput,
  problems: FieldProblem[],
): string | undefined {
  const name = prefix + row.name
  const direct = present(input.env[name])
  const file = row.secret ? present(input.env[`${name}_FILE`]) : undefined
  if (file === undefined) return direct
  if (direct !== undefined) {
    problems.push({ path: name, problem: `set together with ${name}_FILE; only one may be` })
    return undefined
  }
  try {
    if (input.readSecret === undefined) throw new Error('no way to read files')
    return input.readSecret(file).trim()
  } catch {
    problems.push({ path: `${name}_FILE`, problem: 'names a file that cannot be read' })
    return undefined
  }
}

/** An empty variable counts as unset, as compose files write it. */
function present(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim()
}

function noticesOf(
  env: Readonly<Record<string, string | undefined>>,
  known: ReadonlySet<string>,
): string[] {
  const notices: string[] = []
  for (const name of Object.keys(env).sort()) {
    if (!name.startsWith(prefix) || present(env[name]) === undefined) continue
    const bare = name.slice(prefix.length)
    if (known.has(bare) || bare === 'DATABASE_URL' || bare.startsWith('ENCRYPTION_')) continue
    notices.push(
      laterNames.has(bare)
        ? `${name} has no effect in this version.`
        : `${name} is not a setting of this version; is it misspelt?`,
    )
  }
  return notices
}
