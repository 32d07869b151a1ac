import { bucketNameProblem } from '@holdfast/core/names.ts'
import { networkProblem } from '../http/caller/client-address.ts'
import { auditSettings } from './audit-settings.ts'
import { identitySettings } from './identity-settings.ts'
import { limitSettings } from './limit-settings.ts'
import { mailSettings } from './mail-settings.ts'
import { outsideTable } from './outside/outside-table.ts'
import { redisSettings } from './redis-settings.ts'
import { setting, type ValuesOf } from './setting.ts'
import {
  baseUrl,
  boolean,
  bytes,
  integer,
  type Kind,
  list,
  oneOf,
  originProblem,
  seconds,
  text,
} from './setting-kinds.ts'

const TiB = 1024 ** 4

export const settingsTable = {
  serviceName: setting({
    name: 'SERVICE_NAME',
    kind: text({ pattern: /^[\w.-]{1,64}$/, hint: 'up to 64 letters, digits, dots and hyphens' }),
    description: 'Name of this service in answers, logs and metrics.',
    standard: 'storage-service',
  }),
  environment: setting({
    name: 'ENVIRONMENT',
    kind: oneOf(['development', 'testing', 'staging', 'production']),
    description: 'In staging and production, open or weak settings are refused.',
    standard: 'development',
  }),
  debug: setting({
    name: 'DEBUG',
    kind: boolean,
    description: 'Log at level debug. Refused in staging and production.',
    standard: false,
  }),
  host: setting({
    name: 'HOST',
    kind: text({ pattern: /^[\w.:-]{1,255}$/, hint: 'a host name or an IP address' }),
    description: 'Address to listen on; 0.0.0.0 or :: for all.',
    standard: '127.0.0.1',
  }),
  port: setting({
    name: 'PORT',
    kind: integer(0, 65_535),
    description: 'Port of the main interface; 0 takes any free one.',
    standard: 8005,
  }),
  tlsCertFile: setting<string | undefined>({
    name: 'TLS_CERT_FILE',
    kind: text({ pattern: /^[^\0]{1,4096}$/, hint: 'a file' }),
    description:
      'Certificate chain, PEM: every door then speaks TLS only. Renewed files are used without a ' +
      'restart.',
    standard: undefined,
  }),
  tlsKeyFile: setting<string | undefined>({
    name: 'TLS_KEY_FILE',
    kind: text({ pattern: /^[^\0]{1,4096}$/, hint: 'a file' }),
    description: 'Private key of the certificate, PEM without a passphrase.',
    standard: undefined,
  }),
  tlsMinVersion: setting<'1.2' | '1.3'>({
    name: 'TLS_MIN_VERSION',
    kind: oneOf(['1.2', '1.3']),
    description: 'Oldest version of TLS that is spoken.',
    standard: '1.2',
  }),
  publicUrl: setting<string | undefined>({
    name: 'PUBLIC_URL',
    kind: baseUrl,
    description:
      'Address that callers see, for links. Unset: the host that the request names, if it can be ' +
      'one; behind a proxy or in production, set it.',
    standard: undefined,
  }),
  dataDir: setting({
    name: 'DATA_DIR',
    kind: text({ pattern: /^[^\0]{1,4096}$/, hint: 'a directory' }),
    description: 'Where the store lies: bytes, attributes and catalog.db.',
    standard: './data',
  }),
  bootstrapApiKey: setting<string | undefined>({
    name: 'BOOTSTRAP_API_KEY',
    kind: text({ pattern: /^[\x21-\x7e]{8,256}$/, hint: '8 to 256 printable ASCII characters' }),
    description: 'API key of an administrator, created at start if absent.',
    standard: undefined,
    secret: true,
  }),
  s3Enabled: setting({
    name: 'S3_ENABLED',
    kind: boolean,
    description: 'Serve the S3 interface on its own port.',
    standard: true,
  }),
  s3Port: setting<number | undefined>({
    name: 'S3_PORT',
    kind: integer(0, 65_535),
    description:
      'Port of the S3 interface; 0 takes any free one. Unset: 8006, or none where that is taken, ' +
      'and any free one where the port of the main interface is 0.',
    standard: undefined,
  }),
  s3Host: setting<string | undefined>({
    name: 'S3_HOST',
    kind: text({ pattern: /^[\w.:-]{1,255}$/, hint: 'a host name or an IP address' }),
    description: 'Address of the S3 interface. Unset: that of the main interface.',
    standard: undefined,
  }),
  s3Region: setting({
    name: 'S3_SIGNING_REGION',
    kind: text({ pattern: /^[a-z0-9-]{1,64}$/, hint: 'the name of a region' }),
    description: 'Region that S3 clients sign for.',
    standard: 'us-east-1',
  }),
  s3AnyRegion: setting({
    name: 'S3_ANY_REGION',
    kind: boolean,
    description:
      'Take what is signed for any region, and buckets that name another one, as MinIO does; ' +
      'answers name the region above.',
    standard: false,
  }),
  s3Domains: setting<readonly string[]>({
    name: 'S3_DOMAINS',
    kind: list('domains', domainProblem),
    description: 'Domains whose first label is a bucket: photos.s3.example.org.',
    standard: [],
  }),
  s3AccessKeyId: setting<string | undefined>({
    name: 'BOOTSTRAP_S3_ACCESS_KEY_ID',
    kind: text({ pattern: /^[\w.-]{3,128}$/, hint: '3 to 128 letters, digits, dots, hyphens' }),
    description: 'Access key of an administrator for S3, created at start if absent.',
    standard: undefined,
  }),
  s3SecretAccessKey: setting<string | undefined>({
    name: 'BOOTSTRAP_S3_SECRET_ACCESS_KEY',
    kind: text({ pattern: /^[\x21-\x7e]{8,128}$/, hint: '8 to 128 printable ASCII characters' }),
    description: 'Secret of that access key.',
    standard: undefined,
    secret: true,
  }),
  defaultBucket: setting({
    name: 'DEFAULT_BUCKET',
    kind: bucket('name of a bucket'),
    description: 'Bucket of uploads that name none; created at start.',
    standard: 'holdfast',
  }),
  buckets: setting<readonly string[]>({
    name: 'BUCKETS',
    kind: list('names of buckets', bucketNameProblem),
    description: 'Further buckets to create at start if absent.',
    standard: [],
  }),
  uploadBytesMax: setting({
    name: 'MAX_UPLOAD_SIZE',
    kind: bytes(1, 5 * TiB),
    description: 'Largest file of a form upload.',
    standard: 104_857_600,
  }),
  assetBytesMax: setting({
    name: 'MAX_ASSET_SIZE',
    kind: bytes(1, 5 * TiB),
    description: 'Largest asset of any way in.',
    standard: 5 * TiB,
  }),
  batchBytesMax: setting({
    name: 'MAX_BATCH_SIZE',
    kind: bytes(1, 5 * TiB),
    description: 'Largest form of a batch upload, all files together.',
    standard: 1024 ** 3,
  }),
  versionsMax: setting({
    name: 'MAX_VERSIONS',
    kind: integer(1, 1_000_000),
    description: 'Versions per asset that prune keeps where the bucket says nothing.',
    standard: 10,
  }),
  versionRetentionDays: setting({
    name: 'VERSION_RETENTION_DAYS',
    kind: integer(0, 36_500, 'days'),
    description: 'Age at which prune takes versions where the bucket says nothing.',
    standard: 90,
  }),
  reservedBytes: setting({
    name: 'RESERVED_SPACE',
    kind: bytes(0, TiB),
    description: 'Disk space that uploads must leave free, so that deletes always work.',
    standard: 67_108_864,
  }),
  writerThreads: setting({
    name: 'WRITER_THREADS',
    kind: integer(0, 64),
    description:
      'Threads that hash and write large bodies, past the page cache where the file system can; ' +
      '0 does it on the main thread.',
    standard: 2,
  }),
  graceSeconds: setting({
    name: 'GARBAGE_GRACE',
    kind: seconds(0, 365 * 86_400),
    description:
      'How long bytes stay that nothing refers to any more; quotas do not count them, so the disk ' +
      'holds up to that much of what is overwritten and deleted beside them.',
    standard: 86_400,
  }),
  uploadIdleSeconds: setting({
    name: 'S3_UPLOAD_EXPIRY',
    kind: seconds(3600, 3650 * 86_400),
    description: 'Multipart uploads that got no part for this long are dropped at collection.',
    standard: 7 * 86_400,
  }),
  ownedBucketsMax: setting({
    name: 'BUCKETS_PER_OWNER',
    kind: integer(0, 1_000_000),
    description: 'Buckets that a user or key with `buckets:create` may own; 0 lets nobody own any.',
    standard: 100,
  }),
  makerKeysMax: setting({
    name: 'API_KEYS_PER_MAKER',
    kind: integer(1, 10_000),
    description: 'API keys of one user or service account, those made in the last 30 days too.',
    standard: 1000,
  }),
  userKeysMax: setting({
    name: 'S3_KEYS_PER_USER',
    kind: integer(1, 10_000),
    description: 'S3 access keys of one user, or maker, those made in the last 30 days too.',
    standard: 1000,
  }),
  sharesMax: setting({
    name: 'SHARES_PER_MAKER',
    kind: integer(1, 10_000),
    description: 'Share links of one maker, those that ended in the last 30 days too.',
    standard: 1000,
  }),
  momentsMax: setting({
    name: 'CATALOG_READERS',
    kind: integer(1, 1000),
    description:
      'Lists read at one moment of the catalog at once, with a connection and up to 8 MiB each; ' +
      'more wait, callers in turn.',
    standard: 16,
  }),
  garbageSeconds: setting({
    name: 'GARBAGE_INTERVAL',
    kind: seconds(0, 30 * 86_400),
    description: 'Time between runs of garbage collection; 0 leaves it to the interface.',
    standard: 3600,
  }),
  ...identitySettings,
  ...mailSettings,
  ...auditSettings,
  trustedProxies: setting<readonly string[]>({
    name: 'TRUSTED_PROXIES',
    kind: list('addresses or networks', networkProblem),
    description: 'Proxies whose X-Forwarded-For tells who the caller is; others are not believed.',
    standard: [],
  }),
  ...limitSettings,
  ...redisSettings,
  requestsMax: setting({
    name: 'MAX_CONCURRENT_REQUESTS',
    kind: integer(1, 1_000_000),
    description: 'Requests at work at once; more are answered 429 with Retry-After.',
    standard: 4096,
  }),
  connectionsMax: setting<number | undefined>({
    name: 'MAX_CONNECTIONS',
    kind: integer(16, 1_000_000),
    description:
      'Connections at once, of all doors; beyond, idle ones make room. Unset: what the limit of ' +
      'open files allows, less a quarter and one for each request at work; 32768 at most.',
    standard: undefined,
  }),
  bodyIdleSeconds: setting({
    name: 'BODY_IDLE_TIMEOUT',
    kind: seconds(1, 3600),
    description: 'A body that brings less than 1 KiB/s over this time is given up.',
    standard: 30,
  }),
  shutdownSeconds: setting({
    name: 'SHUTDOWN_TIMEOUT',
    kind: seconds(0, 3600),
    description: 'How long running transfers may go on when the server stops.',
    standard: 30,
  }),
  logLevel: setting({
    name: 'LOG_LEVEL',
    kind: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    description: 'Least level of log lines.',
    standard: 'info',
  }),
  corsOrigins: setting<readonly string[]>({
    name: 'CORS_ORIGINS',
    kind: list('origins', originProblem),
    description:
      'Origins whose pages may call this server; * for all. In development, pages of ' +
      'localhost may when this is unset.',
    standard: [],
  }),
  metricsEnabled: setting({
    name: 'METRICS_ENABLED',
    kind: boolean,
    description: 'Serve Prometheus metrics.',
    standard: true,
  }),
  metricsAuth: setting<boolean | undefined>({
    name: 'METRICS_AUTH',
    kind: boolean,
    description: 'Ask for metrics:read on the main port. Unset: only outside development.',
    standard: undefined,
  }),
  metricsPort: setting({
    name: 'METRICS_PORT',
    kind: integer(0, 65_535),
    description: 'Second port for metrics alone, without credentials; 0 for none.',
    standard: 9095,
  }),
  metricsHost: setting({
    name: 'METRICS_HOST',
    kind: text({ pattern: /^[\w.:-]{1,255}$/, hint: 'a host name or an IP address' }),
    description: 'Address of the second port.',
    standard: '127.0.0.1',
  }),
  ...outsideTable,
} as const

function domainProblem(domain: string): string | undefined {
  return /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(domain)
    ? undefined
    : 'must be a domain in lower case'
}

function bucket(hint: string): Kind<string> {
  return {
    type: hint,
    parse: given => {
      const problem = bucketNameProblem(given)
      return problem === undefined ? { value: given } : { problem }
    },
  }
}

export type Settings = ValuesOf<typeof settingsTable>

/**
 * Names that belong to parts which come later. They are accepted, so that one environment serves
 * several releases, and reported as without effect.
 */
export const laterNames: ReadonlySet<string> = new Set([
  'DATABASE_POOL_SIZE',
  'DATABASE_MAX_OVERFLOW',
  'S3_ENDPOINT_URL',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
  'S3_BUCKET_NAME',
  'S3_REGION',
  'S3_USE_SSL',
  'REDIS_POOL_SIZE',
  'REDIS_TTL',
  'MESSAGE_HUB_URL',
  'MESSAGE_HUB_TIMEOUT',
  'MESSAGE_HUB_RETRIES',
  'CHUNK_SIZE',
  'TEMP_DIR',
  'BACKUP_ENABLED',
  'BACKUP_RETENTION_DAYS',
  'BACKUP_SCHEDULE',
  'BACKUP_BUCKET',
  'LIFECYCLE_ENABLED',
  'ARCHIVE_AFTER_DAYS',
  'DELETE_AFTER_DAYS',
  'SUPPORTED_IMAGE_TYPES',
  'SUPPORTED_DOCUMENT_TYPES',
  'CORS_ALLOW_CREDENTIALS',
  'CORS_ALLOW_METHODS',
  'CORS_ALLOW_HEADERS',
])
