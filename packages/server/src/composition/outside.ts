import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import { LdapDirectory } from '@holdfast/drivers/directory/ldap/ldap-directory.ts'
import type { LdapOptions } from '@holdfast/drivers/directory/ldap/ldap-options.ts'
import { readText } from '@holdfast/drivers/disk/read-text.ts'
import { FileKeySet } from '@holdfast/drivers/key-set/file-key-set.ts'
import { HttpKeySet } from '@holdfast/drivers/key-set/http-key-set.ts'
import { SmtpMailer } from '@holdfast/drivers/mail/smtp-mailer.ts'
import { OpenIdClient } from '@holdfast/drivers/openid/openid-client.ts'
import type { Outside } from '@holdfast/engine/identity/identity-state.ts'
import { type MailNews, MailQueue } from '@holdfast/engine/identity/mail/mail-queue.ts'
import { hashOfMaps, standingOf } from '@holdfast/engine/identity/outside/mapping.ts'
import { buildIssuers, buildMaps, groupMappingOf } from '../config/outside/build-outside.ts'
import type { Settings } from '../config/settings-table.ts'
import type { Log } from '../telemetry/log.ts'

const PASSWORD_BYTES_MAX = 4096

/** Nothing of a mail is logged but whom it was for and what became of it. */
export function openMails(
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
export function openOutside(settings: Settings, parts: OutsideParts): Outside {
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
    openId: openProvider(settings, parts),
  }
}

function openDirectory(settings: Settings, { disk, clock }: OutsideParts): Outside['directory'] {
  const { ldapServer: url, ldapBaseDn: base = '', ldapEnabled } = settings
  if (url === undefined || ldapEnabled === false) return undefined
  const { ldapCaFile: caFile } = settings
  const options = {
    url,
    startTls: settings.ldapStartTls,
    ca: caFile === undefined ? undefined : readSetting('LDAP_CA_FILE', disk, caFile),
    service: serviceOf(settings, disk),
    userBase: settings.ldapUserSearchBase ?? base,
    userObjectClass: settings.ldapUserObjectClass,
    usernameAttribute: settings.ldapUsernameAttribute,
    emailAttribute: settings.ldapEmailAttribute,
    firstNameAttribute: settings.ldapFirstNameAttribute,
    lastNameAttribute: settings.ldapLastNameAttribute,
    attributeMap: settings.ldapAttributeMap,
    idAttribute: settings.ldapIdAttribute,
    activeFilter: settings.ldapActiveFilter,
    groupBase: settings.ldapGroupSearchBase ?? base,
    groupObjectClasses: settings.ldapGroupObjectClass,
    memberAttributes: settings.ldapMemberAttribute,
    groupDepth: settings.ldapGroupDepth,
    timeoutMs: settings.ldapTimeoutSeconds * 1000,
  }
  const mapping = groupMappingOf(settings.ldapGroupMap)
  const unmapped = standingOf(settings.ldapDefaultRole)
  return {
    directory: openLdap(options, clock),
    ...{ mapping, unmapped, maps: hashOfMaps([whoIsIn(options), [...mapping], unmapped]) },
    recheckSeconds: settings.ldapRecheckSeconds,
  }
}

/** Its password changes from time to time: of a file, what stands there now is tried then. */
function serviceOf(settings: Settings, disk: Disk): LdapOptions['service'] {
  const { ldapBindDn: dn, ldapBindPassword: first, ldapBindPasswordFile: file } = settings
  if (dn === undefined || first === undefined) return undefined
  let password = first
  const renew = () => {
    try {
      const now = file === undefined ? '' : readText(disk, file, PASSWORD_BYTES_MAX).trim()
      // With an empty one everybody is let in as nobody (RFC 4513 §5.1.2).
      if (now !== '') password = now
    } catch {
      // Not there at the moment: the last one stays.
    }
  }
  return {
    dn,
    get password() {
      return password
    },
    renew,
  }
}

/** Without what only says how it is reached, or what else is told of people. */
function whoIsIn(options: LdapOptions): Partial<LdapOptions> {
  const { url, userBase, userObjectClass, usernameAttribute, emailAttribute } = options
  const { idAttribute, activeFilter } = options
  const { groupBase, groupObjectClasses, memberAttributes, groupDepth } = options
  return {
    ...{ url, userBase, userObjectClass, usernameAttribute, emailAttribute },
    ...{ idAttribute, activeFilter },
    ...{ groupBase, groupObjectClasses, memberAttributes, groupDepth },
  }
}

function openProvider(settings: Settings, { clock }: OutsideParts): Outside['openId'] {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecret: clientSecret } = settings
  if (issuer === undefined || clientId === undefined || clientSecret === undefined) return undefined
  const callback = `${settings.publicUrl ?? ''}/api/v2/auth/oidc/callback`
  const { oidcScopes: scopes, oidcAlgorithm: algorithm } = settings
  const options = { issuer, clientId, clientSecret, scopes, algorithm, callback }
  return {
    provider: new OpenIdClient(options, clock),
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
