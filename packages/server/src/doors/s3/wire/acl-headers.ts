import type { Grant, GrantPermission, ObjectAcl } from '@holdfast/core/objects.ts'
import { isKnownGrantee } from '@holdfast/engine/access/known-grantee.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidArgument, S3Error } from '../errors.ts'

/** Whoever brings logs: nobody who sends requests, and no public. */
export const LOG_DELIVERY = 'http://acs.amazonaws.com/groups/s3/LogDelivery'

/**
 * Canned ACLs and grants of headers
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html).
 */
export const groups: Readonly<Record<string, Grant['grantee']>> = {
  'http://acs.amazonaws.com/groups/global/AllUsers': 'all',
  'http://acs.amazonaws.com/groups/global/AuthenticatedUsers': 'authenticated',
  [LOG_DELIVERY]: { id: LOG_DELIVERY },
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

/**
 * The ACL that the headers ask for; undefined when they say nothing. Its owner is the caller where
 * there is no other yet.
 */
export async function aclOfHeaders(
  verified: Verified,
  owner: string = verified.call.principal.id,
): Promise<ObjectAcl | undefined> {
  const { headers } = verified.request
  const canned = headers.get('x-amz-acl')
  const granted = Object.keys(GRANT_HEADERS).filter(name => headers.has(name))
  if (canned !== undefined && granted.length > 0) {
    const message = 'Specifying both Canned ACLs and Header Grants is not allowed'
    throw new S3Error('InvalidRequest', { message })
  }
  if (canned !== undefined) {
    const grants = cannedGrants(canned, await bucketOwner(verified, owner))
    if (grants === undefined) throw invalidArgument('x-amz-acl', canned, 'Unknown canned ACL.')
    const full: Grant = { permission: 'FULL_CONTROL', grantee: { id: owner } }
    return { owner, grants: [full, ...grants] }
  }
  if (granted.length === 0) return undefined
  const grants = granted.flatMap(name => grantsOf(name, headers.get(name) ?? ''))
  // They lie in the record of each version, and each reader is held against all of them.
  if (grants.length > grantsMax) {
    const message = `An access list holds at most ${grantsMax} grants.`
    throw new S3Error('InvalidRequest', { message })
  }
  await requireKnown(verified, { owner, grants }, 'id')
  return { owner, grants }
}

/** A grant to nobody is a slip of the pen, and would be one to whoever bears that id later. */
export async function requireKnown(
  verified: Verified,
  { owner, grants }: ObjectAcl,
  argument: string,
): Promise<void> {
  const { call, request } = verified
  const known = new Set([owner, call.principal.id, LOG_DELIVERY])
  for (const { grantee } of grants) {
    if (typeof grantee === 'string' || known.has(grantee.id)) continue
    if (!(await isKnownGrantee(request.context.engine, grantee.id))) {
      throw invalidArgument(argument, grantee.id, 'Invalid id')
    }
    known.add(grantee.id)
  }
}

/** Undefined where nobody owns the bucket, or who owns the object as well. */
async function bucketOwner({ request }: Verified, owner: string): Promise<string | undefined> {
  const { bucket: name = '' } = request.address
  const found = await request.context.engine.catalog.view.buckets.byName(name)
  const ruler = found?.ownerId ?? undefined
  return ruler === owner ? undefined : ruler
}

function cannedGrants(name: string, ruler: string | undefined): readonly Grant[] | undefined {
  const toRuler = (permission: GrantPermission): Grant[] =>
    ruler === undefined ? [] : [{ permission, grantee: { id: ruler } }]
  switch (name) {
    case 'private':
      return []
    case 'bucket-owner-read':
      return toRuler('READ')
    case 'bucket-owner-full-control':
      return toRuler('FULL_CONTROL')
    case 'public-read':
      return [{ permission: 'READ', grantee: 'all' }]
    case 'public-read-write':
      return [
        { permission: 'READ', grantee: 'all' },
        { permission: 'WRITE', grantee: 'all' },
      ]
    case 'authenticated-read':
      return [{ permission: 'READ', grantee: 'authenticated' }]
    case 'log-delivery-write':
      return [
        { permission: 'WRITE', grantee: { id: LOG_DELIVERY } },
        { permission: 'READ_ACP', grantee: { id: LOG_DELIVERY } },
      ]
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
    const unclear = value.includes('"') || value === ''
    if (!unclear && kind === 'id') return { permission, grantee: { id: value } }
    if (!unclear && kind === 'emailaddress') throw new S3Error('UnresolvableGrantByEmailAddress')
    if (unclear || kind !== 'uri') {
      throw invalidArgument(header, part.trim(), 'Argument format not recognized')
    }
    const group = Object.hasOwn(groups, value) ? groups[value] : undefined
    if (group === undefined) throw invalidArgument('uri', value, 'Invalid group uri')
    return { permission, grantee: group }
  })
}
