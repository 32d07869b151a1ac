import type { Grant, GrantPermission, ObjectAcl } from '@holdfast/core/objects.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidArgument, S3Error } from '../errors.ts'

/**
 * Canned ACLs and grants of headers
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html).
 */
export const groups: Readonly<Record<string, 'all' | 'authenticated'>> = {
  'http://acs.amazonaws.com/groups/global/AllUsers': 'all',
  'http://acs.amazonaws.com/groups/global/AuthenticatedUsers': 'authenticated',
}

/** As AWS has it for lists of headers and of documents together. */
export const grantsMax = 100

const GRANT_HEADERS: Readonly<Record<string, GrantPermission>> = {
  'x-amz-grant-read': 'READ',
  'x-amz-grant-write': 'WRITE',
  'x-amz-grant-read-acp': 'READ_ACP',
  'x-amz-grant-write-acp': 'WRITE_ACP',
  'x-amz-grant-full-control': 'FULL_CONTROL',
}

/** The ACL that the headers ask for, owned by the caller; undefined when they say nothing. */
export function aclOfHeaders(verified: Verified): ObjectAcl | undefined {
  const { headers } = verified.request
  const canned = headers.get('x-amz-acl')
  const granted = Object.keys(GRANT_HEADERS).filter(name => headers.has(name))
  if (canned !== undefined && granted.length > 0) {
    const message = 'Specifying both Canned ACLs and Header Grants is not allowed'
    throw new S3Error('InvalidRequest', { message })
  }
  const owner = verified.call.principal.id
  if (canned !== undefined) return cannedAcl(canned, owner)
  if (granted.length === 0) return undefined
  const grants = granted.flatMap(name => grantsOf(name, headers.get(name) ?? ''))
  // They lie in the record of each version, and each reader is held against all of them.
  if (grants.length > grantsMax) {
    const message = `An access list holds at most ${grantsMax} grants.`
    throw new S3Error('InvalidRequest', { message })
  }
  return { owner, grants }
}

export function cannedAcl(name: string, owner: string): ObjectAcl {
  const grants = cannedGrants(name)
  if (grants === undefined) throw invalidArgument('x-amz-acl', name, 'Unknown canned ACL.')
  const full: Grant = { permission: 'FULL_CONTROL', grantee: { id: owner } }
  return { owner, grants: [full, ...grants] }
}

function cannedGrants(name: string): readonly Grant[] | undefined {
  switch (name) {
    case 'private':
    // Whoever rules the bucket rules its objects here, so these two add nothing.
    case 'bucket-owner-read':
    case 'bucket-owner-full-control':
      return []
    case 'public-read':
      return [{ permission: 'READ', grantee: 'all' }]
    case 'public-read-write':
      return [
        { permission: 'READ', grantee: 'all' },
        { permission: 'WRITE', grantee: 'all' },
      ]
    case 'authenticated-read':
      return [{ permission: 'READ', grantee: 'authenticated' }]
    default:
      return undefined
  }
}

/** `id="…", uri="…"`. */
function grantsOf(header: string, text: string): Grant[] {
  const permission = GRANT_HEADERS[header]
  if (permission === undefined) return []
  return text.split(',').map(part => {
    // By hand: a pattern with white space around a value takes the cube of its length to fail.
    const equals = part.indexOf('=')
    const kind = part.slice(0, Math.max(equals, 0)).trim().toLowerCase()
    const given = part.slice(equals + 1).trim()
    const value = /^"[^"]*"$/.test(given) ? given.slice(1, -1) : given
    if (value.includes('"')) throw invalidArgument(header, text.slice(0, 256), 'Invalid grantee.')
    if (kind === 'id' && value !== '') return { permission, grantee: { id: value } }
    if (kind === 'emailaddress') throw new S3Error('UnresolvableGrantByEmailAddress')
    const group = kind === 'uri' && Object.hasOwn(groups, value) ? groups[value] : undefined
    if (group === undefined) throw invalidArgument(header, text, 'Invalid grantee.')
    return { permission, grantee: group }
  })
}
