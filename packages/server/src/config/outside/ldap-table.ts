import { type ReadSetting, setting, type ValuesOf } from '../setting.ts'
import { boolean, integer, type Kind, list, seconds, text } from '../setting-kinds.ts'
import {
  ATTRIBUTE,
  type AttributeMap,
  attributeMap,
  attributeProblem,
  standardAttributes,
} from './attribute-map.ts'
import { type MappingTable, mappingTable, rights } from './mapping-setting.ts'

const name = text({ pattern: /^[^\0\r\n]{1,1024}$/, hint: 'a distinguished name' })
const attribute = text({ pattern: ATTRIBUTE, hint: 'the name of an attribute' })
const attributes = list('names of attributes', attributeProblem)

const server: Kind<string> = {
  type: 'ldaps://host:port or ldap://host:port',
  parse: given => {
    const url = URL.parse(given)
    const isBare = url !== null && !/[?#@]/.test(given) && /^\/?$/.test(url.pathname)
    if (url === null || !isBare || !/^ldaps?:$/.test(url.protocol) || url.hostname === '') {
      return { problem: 'must be ldaps://host:port or ldap://host:port' }
    }
    return { value: given.replace(/\/$/, '') }
  },
}

/** A directory of people, and what its groups mean here. All of it is in docs/ldap.md. */
export const ldapTable = {
  ldapEnabled: setting<boolean | undefined>({
    name: 'LDAP_ENABLED',
    kind: boolean,
    description: 'Off: the directory is not asked, and its people are not let in. Unset: on.',
    standard: undefined,
  }),
  ldapServer: setting<string | undefined>({
    name: 'LDAP_SERVER',
    kind: server,
    description: 'Directory whose people may log in. Unset: none. See docs/ldap.md.',
    standard: undefined,
  }),
  ldapStartTls: setting({
    name: 'LDAP_START_TLS',
    kind: boolean,
    description: 'Ask an ldap:// server for TLS before anything else is sent.',
    standard: false,
  }),
  ldapCaFile: setting<string | undefined>({
    name: 'LDAP_CA_FILE',
    kind: text({ pattern: /^[^\0]{1,4096}$/, hint: 'a file' }),
    description: 'Authorities that may have signed its certificate, PEM. Unset: those of Node.',
    standard: undefined,
  }),
  ldapBindDn: setting<string | undefined>({
    name: 'LDAP_BIND_DN',
    kind: name,
    description: 'Who searches the directory. Needs the password, too.',
    standard: undefined,
  }),
  ldapBindPassword: setting<string | undefined>({
    name: 'LDAP_BIND_PASSWORD',
    kind: text({ pattern: /^[^\0\r\n]{1,1024}$/, hint: 'a password' }),
    description: 'Password of who searches.',
    standard: undefined,
    secret: true,
  }),
  ldapBindPasswordFile: setting<string | undefined>({
    name: 'LDAP_BIND_PASSWORD_FILE',
    // A name of no file is told once, where the password is read from it.
    kind: text({ pattern: /^/, hint: 'a file' }),
    description: 'Where it stands instead; read again when the directory refuses it.',
    standard: undefined,
  }),
  ldapBaseDn: setting<string | undefined>({
    name: 'LDAP_BASE_DN',
    kind: name,
    description: 'Where people and groups are, unless the next two say it. Needed.',
    standard: undefined,
  }),
  ldapUserSearchBase: setting<string | undefined>({
    name: 'LDAP_USER_SEARCH_BASE',
    kind: name,
    description: 'Where people are.',
    standard: undefined,
  }),
  ldapGroupSearchBase: setting<string | undefined>({
    name: 'LDAP_GROUP_SEARCH_BASE',
    kind: name,
    description: 'Where groups are.',
    standard: undefined,
  }),
  ldapUserObjectClass: setting({
    name: 'LDAP_USER_OBJECT_CLASS',
    kind: attribute,
    description: 'Class of people; user in Active Directory.',
    standard: 'inetOrgPerson',
  }),
  ldapUsernameAttribute: setting({
    name: 'LDAP_USERNAME_ATTRIBUTE',
    kind: attribute,
    description: 'Attribute with the user name; sAMAccountName in Active Directory.',
    standard: 'uid',
  }),
  ldapEmailAttribute: setting({
    name: 'LDAP_EMAIL_ATTRIBUTE',
    kind: attribute,
    description: 'Attribute with the e-mail address, which logs in, too.',
    standard: 'mail',
  }),
  ldapFirstNameAttribute: setting({
    name: 'LDAP_FIRSTNAME_ATTRIBUTE',
    kind: attribute,
    description: 'Attribute with the first name.',
    standard: 'givenName',
  }),
  ldapLastNameAttribute: setting({
    name: 'LDAP_LASTNAME_ATTRIBUTE',
    kind: attribute,
    description: 'Attribute with the last name.',
    standard: 'sn',
  }),
  ldapIdAttribute: setting({
    name: 'LDAP_ID_ATTRIBUTE',
    kind: attribute,
    description: 'Attribute that names a person for good; objectGUID in Active Directory.',
    standard: 'entryUUID',
  }),
  ldapAttributeMap: setting<AttributeMap>({
    name: 'LDAP_ATTRIBUTE_MAP',
    kind: attributeMap,
    description: 'Attributes that tokens of people tell, each with the name of its claim.',
    standard: standardAttributes,
  }),
  ldapActiveFilter: setting<string | undefined>({
    name: 'LDAP_ACTIVE_FILTER',
    kind: text({ pattern: /^\([^\0\r\n]{1,2046}\)$/, hint: 'a filter in parentheses' }),
    description: 'Filter that people must match; who does not is not there.',
    standard: undefined,
  }),
  ldapGroupObjectClass: setting<readonly string[]>({
    name: 'LDAP_GROUP_OBJECT_CLASS',
    kind: attributes,
    description: 'Classes of groups.',
    standard: ['groupOfNames', 'groupOfUniqueNames', 'posixGroup', 'group'],
  }),
  ldapMemberAttribute: setting<readonly string[]>({
    name: 'LDAP_MEMBER_ATTRIBUTE',
    kind: attributes,
    description: 'Attributes with members: memberUid has user names, others distinguished names.',
    standard: ['member', 'uniqueMember', 'memberUid'],
  }),
  ldapGroupDepth: setting({
    name: 'LDAP_GROUP_DEPTH',
    kind: integer(1, 10),
    description: 'Levels of groups in groups; 1 takes only those that name the user.',
    standard: 3,
  }),
  ldapGroupMap: setting<MappingTable>({
    name: 'LDAP_GROUP_ROLE_MAPPING',
    kind: mappingTable,
    description: 'What groups stand for here, by distinguished name or common name.',
    standard: {},
  }),
  ldapDefaultRole: setting<readonly string[]>({
    name: 'LDAP_DEFAULT_ROLE',
    kind: rights,
    description: 'What those in no mapped group get; none for nothing.',
    standard: ['USER'],
  }),
  ldapRecheckSeconds: setting({
    name: 'LDAP_RECHECK_INTERVAL',
    kind: seconds(5, 3600),
    description: 'How often it is asked whether those who logged in are still there.',
    standard: 60,
  }),
  ldapTimeoutSeconds: setting({
    name: 'LDAP_TIMEOUT',
    kind: seconds(1, 60),
    description: 'How long one answer of the directory may take.',
    standard: 5,
  }),
} as const

export type LdapSettings = ValuesOf<typeof ldapTable>

/** Every row by name: a row that is added does not compile until it is read. */
export function readLdap(read: ReadSetting): LdapSettings {
  const table = ldapTable
  return {
    ldapEnabled: read(table.ldapEnabled),
    ldapServer: read(table.ldapServer),
    ldapStartTls: read(table.ldapStartTls),
    ldapCaFile: read(table.ldapCaFile),
    ldapBindDn: read(table.ldapBindDn),
    ldapBindPassword: read(table.ldapBindPassword),
    ldapBindPasswordFile: read(table.ldapBindPasswordFile),
    ldapBaseDn: read(table.ldapBaseDn),
    ldapUserSearchBase: read(table.ldapUserSearchBase),
    ldapGroupSearchBase: read(table.ldapGroupSearchBase),
    ldapUserObjectClass: read(table.ldapUserObjectClass),
    ldapUsernameAttribute: read(table.ldapUsernameAttribute),
    ldapEmailAttribute: read(table.ldapEmailAttribute),
    ldapFirstNameAttribute: read(table.ldapFirstNameAttribute),
    ldapLastNameAttribute: read(table.ldapLastNameAttribute),
    ldapIdAttribute: read(table.ldapIdAttribute),
    ldapAttributeMap: read(table.ldapAttributeMap),
    ldapActiveFilter: read(table.ldapActiveFilter),
    ldapGroupObjectClass: read(table.ldapGroupObjectClass),
    ldapMemberAttribute: read(table.ldapMemberAttribute),
    ldapGroupDepth: read(table.ldapGroupDepth),
    ldapGroupMap: read(table.ldapGroupMap),
    ldapDefaultRole: read(table.ldapDefaultRole),
    ldapRecheckSeconds: read(table.ldapRecheckSeconds),
    ldapTimeoutSeconds: read(table.ldapTimeoutSeconds),
  }
}
