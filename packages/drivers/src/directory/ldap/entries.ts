import { isUtf8 } from 'node:buffer'
import type { DirectoryEntry } from '@holdfast/core/ports/directory.ts'
import type { Entry } from 'ldapts'
import type { LdapOptions } from './ldap-options.ts'

/** What tells whether an account is closed, wherever directories say it. */
const STATE = ['userAccountControl', 'accountExpires', 'pwdAccountLockedTime', 'nsAccountLock']
/** Number of the primary group of a `posixAccount` (RFC 2307 §2.2). */
const GID = 'gidNumber'
/** Of Active Directory: the security identifier, and the last part of that of the primary group. */
export const SID = 'objectSid'
const PRIMARY = 'primaryGroupID'
/** ACCOUNTDISABLE (MS-ADTS §2.2.16). */
const DISABLED = 0x2
/** Closed by an administrator until one opens it (draft-behera-ldap-password-policy-11 §5.3.3). */
const LOCKED_FOR_GOOD = '000001010000Z'

export function attributesOf(options: LdapOptions): string[] {
  const { usernameAttribute, emailAttribute, firstNameAttribute, lastNameAttribute } = options
  const names = [usernameAttribute, emailAttribute, firstNameAttribute, lastNameAttribute]
  const others = Object.keys(options.attributeMap)
  return [...new Set([options.idAttribute, ...names, ...others, ...STATE, GID, SID, PRIMARY])]
}

/** From the first second of 1601, in which `accountExpires` counts, to that of 1970. */
const FILETIME_BEFORE_1970_MS = 11_644_473_600_000n
const FILETIMES_IN_MS = 10_000n

/** Everything but the groups; undefined for an entry without what names it. */
export function entryOf(
  entry: Entry,
  options: LdapOptions,
  nowMs: number,
): Omit<DirectoryEntry, 'groups'> | undefined {
  const text = (name: string) => textOf(entry, name)
  const subject = subjectOf(entry, options.idAttribute)
  const username = text(options.usernameAttribute)
  if (subject === undefined || username === undefined) return undefined
  const control = Number(text('userAccountControl') ?? 0)
  const isClosed =
    (control & DISABLED) !== 0 ||
    isExpired(text('accountExpires'), nowMs) ||
    text('pwdAccountLockedTime') === LOCKED_FOR_GOOD ||
    text('nsAccountLock')?.toLowerCase() === 'true'
  return {
    subject,
    dn: entry.dn,
    username,
    email: text(options.emailAttribute) ?? null,
    firstName: text(options.firstNameAttribute) ?? '',
    lastName: text(options.lastNameAttribute) ?? '',
    attributes: attributesIn(entry, options.attributeMap),
    isActive: !isClosed,
  }
}

/** What is no text, such as a picture, is left out. */
function attributesIn(entry: Entry, map: LdapOptions['attributeMap']): Record<string, string> {
  const found = Object.entries(map).flatMap(([attribute, name]) => {
    const value = textOf(entry, attribute)
    return value === undefined || value.includes('\ufffd') ? [] : [[name, value] as const]
  })
  return Object.fromEntries(found)
}

/** Active Directory: 0 and whatever is beyond all clocks is never (MS-ADA1 on `accountExpires`). */
function isExpired(filetime: string | undefined, nowMs: number): boolean {
  if (filetime === undefined || !/^[1-9]\d{0,18}$/.test(filetime)) return false
  return BigInt(filetime) / FILETIMES_IN_MS - FILETIME_BEFORE_1970_MS <= BigInt(Math.floor(nowMs))
}

/** Undefined for who is no `posixAccount`. */
export function primaryGidOf(entry: Entry): string | undefined {
  const gid = textOf(entry, GID)
  return gid !== undefined && /^\d{1,10}$/.test(gid) ? gid : undefined
}

/**
 * The identifier of the primary group: that of the person with another last part, four bytes, the
 * lowest first (MS-DTYP §2.4.2.2, MS-ADA3 on `primaryGroupID`). No `member` names who is in it.
 */
export function primarySidOf(entry: Entry): Buffer | undefined {
  const value = valueIn(entry, SID)
  const bytes = Array.isArray(value) ? value[0] : value
  const last = textOf(entry, PRIMARY)
  if (!Buffer.isBuffer(bytes) || last === undefined || !/^\d{1,10}$/.test(last)) return undefined
  const parts = bytes[1] ?? 0
  if (parts === 0 || bytes.length !== 8 + 4 * parts || Number(last) > 0xffffffff) return undefined
  const sid = Buffer.from(bytes)
  sid.writeUInt32LE(Number(last), sid.length - 4)
  return sid
}

/**
 * `objectGUID` is 16 bytes, kept here as hex; other names are texts. Undefined for bytes that are
 * no text: two of them could read alike, and two people would be one here.
 */
export function subjectOf(entry: Entry, idAttribute: string): string | undefined {
  const value = valueIn(entry, idAttribute)
  const given = Array.isArray(value) ? value[0] : value
  if (given === undefined || given.length === 0) return undefined
  const bytes = Buffer.from(given)
  if (isBinaryId(idAttribute)) return bytes.toString('hex')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

/** The value that a filter looks for. */
export function idValue(subject: string, idAttribute: string): Buffer | string {
  return isBinaryId(idAttribute) ? Buffer.from(subject, 'hex') : subject
}

function isBinaryId(idAttribute: string): boolean {
  return idAttribute.toLowerCase() === 'objectguid'
}

/** The first value; directories give one as a text, several as a list. */
export function textOf(entry: Entry, name: string): string | undefined {
  const value = valueIn(entry, name)
  const first = Array.isArray(value) ? value[0] : value
  const text = first === undefined ? undefined : first.toString()
  return text === '' ? undefined : text
}

/** Names of attributes are the same in any case (RFC 4512 §2.5). */
function valueIn(entry: Entry, name: string): Entry[string] | undefined {
  const found = Object.keys(entry).find(key => key.toLowerCase() === name.toLowerCase())
  return found === undefined ? undefined : entry[found]
}
