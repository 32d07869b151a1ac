import type { FieldProblem } from '@holdfast/core/errors.ts'
import { plainAddress } from '@holdfast/core/rates/address-key.ts'
import { proxyList } from '../http/caller/client-address.ts'
import { mailDangers } from './mail-settings.ts'
import type { Settings } from './settings-table.ts'

const WELL_KNOWN = [
  'admin',
  'administrator',
  'bootstrap',
  'changeme',
  'default',
  'holdfast',
  'letmein',
  'minioadmin',
  'password',
  'qwerty',
  'secret',
  'test',
  '0123456789abcdef',
  // Those of docs/issuers.md.
  'at least 32 characters, shared with the gateway',
  'another one of at least 32 characters',
]

/** Settings that would open or lose the store: refused where it may hold real data. */
export function dangers(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
): FieldProblem[] {
  const problems = [
    ...notBuilt(env),
    ...halfPairs(settings),
    ...otherName(settings),
    ...ownIssuer(settings),
    ...halfLdap(settings),
    ...halfOidc(settings),
  ]
  // Both are for data that nobody would miss.
  if (settings.environment === 'development' || settings.environment === 'testing') return problems
  const refuse = (name: string, problem: string) => {
    problems.push({ path: `STORAGE_${name}`, problem: `${problem} (${settings.environment})` })
  }
  if (settings.debug) refuse('DEBUG', 'must be off: debug lines may tell too much')
  if (settings.logLevel === 'trace') refuse('LOG_LEVEL', 'must not be trace')
  if (settings.corsOrigins.includes('*')) {
    refuse('CORS_ORIGINS', 'must name origins: * lets any page call this server')
  }
  for (const network of settings.trustedProxies) {
    if (!holdsStrangers(network)) continue
    refuse('TRUSTED_PROXIES', `must name proxies: whoever is in ${network} could be any caller`)
  }
  for (const [name, problem] of mailDangers(settings)) refuse(name, problem)
  if (sendsInTheClear(settings)) {
    refuse('LDAP_SERVER', 'must be ldaps://, or have LDAP_START_TLS: passwords go there')
  }
  const secrets = [
    ['BOOTSTRAP_API_KEY', settings.bootstrapApiKey],
    ['BOOTSTRAP_S3_SECRET_ACCESS_KEY', settings.s3SecretAccessKey],
    ['INITIAL_ACCOUNT_SECRET', settings.initialAccountSecret],
  ] as const
  for (const [name, secret] of secrets) {
    for (const problem of weaknesses(secret)) refuse(name, problem)
  }
  for (const { issuer, secret } of settings.externalIssuers ?? []) {
    const [problem] = weaknesses(secret)
    if (problem === undefined) continue
    refuse('EXTERNAL_ISSUERS', `has a secret of ${JSON.stringify(issuer)} that ${problem}`)
  }
  return problems
}

/** Nobody's own network is larger than 10.0.0.0/8, which `::ffff:10.0.0.0/104` is, or fc00::/7. */
function holdsStrangers(network: string): boolean {
  const [address = '', bits] = network.split('/')
  if (bits === undefined) return false
  if (!address.includes(':')) return Number(bits) < 8
  const plain = plainAddress(address)
  // Callers by IPv4 are looked for in networks of IPv6, too, which may hold all of them.
  const within = plain === address ? '0.0.0.0' : plain
  return Number(bits) < (proxyList([network]).check(within, 'ipv4') ? 104 : 7)
}

function weaknesses(secret: string | undefined): string[] {
  if (secret === undefined) return []
  const problems: string[] = []
  if (secret.length < 32) problems.push('must have at least 32 characters')
  if (new Set(secret).size < 10) problems.push('must not be so regular')
  const lower = secret.toLowerCase()
  if (WELL_KNOWN.some(word => lower.replaceAll(word, '').replaceAll(/[^a-z0-9]/g, '') === '')) {
    problems.push('is a well-known credential')
  }
  return problems
}

/** Half a pair would be served without TLS, or open nothing: nobody who set it wants that. */
function halfPairs(settings: Settings): FieldProblem[] {
  const { tlsCertFile, tlsKeyFile, s3AccessKeyId, s3SecretAccessKey } = settings
  const { initialAdminUsername, initialAdminPassword } = settings
  const { initialAccountName, initialAccountSecret } = settings
  const { smtpHost, mailFrom, smtpUsername, smtpPassword } = settings
  const pairs = [
    ['SMTP_HOST', smtpHost, 'MAIL_FROM', mailFrom],
    ['SMTP_USERNAME', smtpUsername, 'SMTP_PASSWORD', smtpPassword],
    ['TLS_CERT_FILE', tlsCertFile, 'TLS_KEY_FILE', tlsKeyFile],
    [
      'BOOTSTRAP_S3_ACCESS_KEY_ID',
      s3AccessKeyId,
      'BOOTSTRAP_S3_SECRET_ACCESS_KEY',
      s3SecretAccessKey,
    ],
    [
      'INITIAL_ADMIN_USERNAME',
      initialAdminUsername,
      'INITIAL_ADMIN_PASSWORD',
      initialAdminPassword,
    ],
    ['INITIAL_ACCOUNT_NAME', initialAccountName, 'INITIAL_ACCOUNT_SECRET', initialAccountSecret],
  ] as const
  return pairs.flatMap(([name, one, otherName, other]) => {
    if ((one === undefined) === (other === undefined)) return []
    const [set, missing] = one === undefined ? [otherName, name] : [name, otherName]
    return [{ path: `STORAGE_${missing}`, problem: `is needed together with STORAGE_${set}` }]
  })
}

/** A client id tells the name of its account. */
function otherName({ initialAccountName, initialAccountClientId }: Settings): FieldProblem[] {
  if (initialAccountClientId === undefined) return []
  const [, , name] = initialAccountClientId.split('_')
  if (name === initialAccountName) return []
  const problem = 'must have the name of STORAGE_INITIAL_ACCOUNT_NAME in it'
  return [{ path: 'STORAGE_INITIAL_ACCOUNT_CLIENT_ID', problem }]
}

/**
 * Settings that change where or how data is kept must not be ignored: someone would believe that
 * the data is in PostgreSQL, or encrypted.
 */
function notBuilt(env: Readonly<Record<string, string | undefined>>): FieldProblem[] {
  const problems: FieldProblem[] = []
  const database = env.STORAGE_DATABASE_URL?.trim() ?? ''
  if (database !== '' && !database.startsWith('sqlite:')) {
    problems.push({
      path: 'STORAGE_DATABASE_URL',
      problem: 'this version keeps its catalog in embedded SQLite only; leave it unset',
    })
  }
  for (const name of ['STORAGE_ENCRYPTION_KEY', 'STORAGE_ENCRYPTION_KEY_FILE']) {
    if ((env[name]?.trim() ?? '') === '') continue
    problems.push({ path: name, problem: 'this version cannot encrypt at rest; leave it unset' })
  }
  const enabled = env.STORAGE_ENCRYPTION_ENABLED?.trim().toLowerCase() ?? ''
  if (['true', '1', 'on', 'yes'].includes(enabled)) {
    problems.push({
      path: 'STORAGE_ENCRYPTION_ENABLED',
      problem: 'this version cannot encrypt at rest; leave it off',
    })
  }
  return problems
}

/** What people of the directory and of the provider are recorded under. */
const TAKEN_ISSUER = /^(ldap$|openid )/

/** A foreign key must never speak in the name of this store, nor for people of another place. */
function ownIssuer({ tokenIssuer, externalIssuers = [] }: Settings): FieldProblem[] {
  const path = 'STORAGE_EXTERNAL_ISSUERS'
  if (externalIssuers.some(({ issuer }) => issuer === tokenIssuer)) {
    const problem = 'names the issuer of the tokens of this store (STORAGE_TOKEN_ISSUER)'
    return [{ path, problem }]
  }
  if (!externalIssuers.some(({ issuer }) => TAKEN_ISSUER.test(issuer))) return []
  return [{ path, problem: 'has a name that stands for the directory or the provider of logins' }]
}

function halfLdap(settings: Settings): FieldProblem[] {
  const { ldapServer, ldapBaseDn, ldapBindDn, ldapBindPassword, ldapStartTls } = settings
  const problems: FieldProblem[] = []
  const say = (name: string, problem: string) => {
    problems.push({ path: `STORAGE_${name}`, problem })
  }
  if ((ldapBindDn === undefined) !== (ldapBindPassword === undefined)) {
    say('LDAP_BIND_DN', 'is needed together with STORAGE_LDAP_BIND_PASSWORD')
  }
  if (settings.ldapEnabled === true && ldapServer === undefined) {
    say('LDAP_SERVER', 'is needed together with STORAGE_LDAP_ENABLED')
  }
  if (ldapServer === undefined) return problems
  if (ldapBaseDn === undefined) say('LDAP_BASE_DN', 'is needed together with STORAGE_LDAP_SERVER')
  if (ldapStartTls && ldapServer.startsWith('ldaps:')) {
    say('LDAP_START_TLS', 'is for ldap:// only; ldaps:// is TLS already')
  }
  return problems
}

function sendsInTheClear({ ldapServer, ldapStartTls }: Settings): boolean {
  if (ldapServer === undefined || ldapStartTls || ldapServer.startsWith('ldaps:')) return false
  return !/^ldap:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|$)/.test(ldapServer)
}

function halfOidc(settings: Settings): FieldProblem[] {
  if (settings.oidcIssuer === undefined) return []
  const needed = [
    ['OIDC_CLIENT_ID', settings.oidcClientId],
    ['OIDC_CLIENT_SECRET', settings.oidcClientSecret],
    ['OIDC_RETURN_URLS', settings.oidcReturnUrls[0]],
    ['PUBLIC_URL', settings.publicUrl],
  ] as const
  const problems = needed
    .filter(([, value]) => value === undefined)
    .map(([name]) => ({ path: `STORAGE_${name}`, problem: 'is needed with STORAGE_OIDC_ISSUER' }))
  if (settings.oidcScopes.includes('openid')) return problems
  return [...problems, { path: 'STORAGE_OIDC_SCOPES', problem: 'must name openid' }]
}
