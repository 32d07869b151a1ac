import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { anonymous, type Permission, type Principal } from '@holdfast/core/principal.ts'
import type { ApiKey, Asset, Bucket } from '@holdfast/core/records.ts'
import { holderOf } from '../assets/writes/stored-asset.ts'
import type { Engine } from '../engine.ts'
import { factorOf } from '../identity/factors/spend-proof.ts'
import { mayAct, principalOfUser } from '../identity/principal-of-user.ts'
import { currentSharePrincipal } from '../sharing/share-rights.ts'
import { endOf } from '../sharing/share-transactions.ts'
import {
  authorize,
  closedToAll,
  type Decision,
  decide,
  isAdministrator,
  mayKnow,
  mayKnowBucket,
  type Resource,
} from './decide.ts'
import { principalOfAccessKey } from './keys/access-key-principal.ts'
import { isExpired } from './keys/keys.ts'
import { currentPrincipal } from './links/current-principal.ts'
import { askedTags } from './policy/asked-tags.ts'

export interface Question {
  /** Absent: the caller. Anybody else only for who administers users. */
  readonly principalId?: string | undefined
  readonly permission: Permission
  readonly assetId?: string | undefined
  readonly bucket?: string | undefined
  /** Of an asset that is there, or would be made. Needs `bucket`. */
  readonly key?: string | undefined
}

export interface Explanation extends Decision {
  readonly principal: Principal
  /** Whether logins of the principal need a code as well. */
  readonly secondFactor: boolean
}

interface Found extends Resource {
  readonly asset?: Asset | undefined
}

const HIDDEN: Decision = { allowed: false, reason: 'not there, or hidden from the caller' }

/**
 * May this principal do that, and why: the same decision that every door takes. What the access
 * list of an S3 object opens is open at that door alone, and the reason says so.
 */
export async function explainAccess(
  engine: Engine,
  call: Call,
  question: Question,
): Promise<Explanation> {
  const { principalId, permission } = question
  const isOther = principalId !== undefined && principalId !== call.principal.id
  if (isOther) authorize(call.principal, 'admin:users', {})
  const principal = isOther ? await findPrincipal(engine, principalId) : call.principal
  const user = await engine.catalog.view.identities.byId('user', principal.id)
  const about = { principal, secondFactor: user !== undefined && factorOf(user) !== undefined }
  const resource = await findResource(engine, question)
  if (resource === undefined) return { ...about, ...HIDDEN }
  const open = isOther ? undefined : openUnseen(principal, question, resource)
  if (open !== undefined) return { ...about, ...open }
  // To explain must not tell the caller of what the caller may not know.
  const { bucket, asset } = resource
  if (bucket !== undefined && !mayKnowBucket(call.principal, bucket)) {
    return { ...about, ...HIDDEN }
  }
  const isSeen = asset === undefined || mayKnow(call.principal, resource)
  if (isSeen && (asset !== undefined || question.key === undefined)) {
    return { ...about, ...decideOfDoors(principal, permission, resource) }
  }
  const { key } = question
  if (key === undefined) return { ...about, ...HIDDEN }
  const ofFresh = (one: Principal, asked: Permission) =>
    decide(one, asked, { bucket, fresh: { ownerId: one.id, key }, objectTags: {} })
  // The same words whether one is there; only who may write there finds out, by writing.
  const mayFindOut =
    isAdministrator(call.principal) ||
    (!permission.endsWith(':read') && ofFresh(call.principal, 'assets:write').allowed)
  if (!mayFindOut) return { ...about, ...HIDDEN }
  const decision = ofFresh(principal, permission)
  return { ...about, ...(decision.allowed && !isSeen ? HIDDEN : decision) }
}

/** Other doors than that of S3 know no list of a version, and `versions:read` is about old ones. */
function decideOfDoors(principal: Principal, permission: Permission, shown: Resource): Decision {
  const resource = permission === 'versions:read' ? { ...shown, ...closedToAll(shown) } : shown
  const plain = decide(principal, permission, { ...resource, versionAcl: undefined })
  if (plain.allowed || resource.versionAcl === undefined) return plain
  const { allowed, reason } = decide(principal, permission, resource)
  return allowed ? { allowed, reason: `${reason}, for S3 alone` } : plain
}

async function findPrincipal(engine: Engine, id: string): Promise<Principal> {
  if (id === anonymous.id) return anonymous
  const { identities, accessKeys } = engine.catalog.view
  const share = await identities.byId('share', id.toLowerCase())
  const nowMs = engine.clock.now()
  if (share !== undefined && endOf(share, new Date(nowMs).toISOString()) === undefined) {
    const principal = await currentSharePrincipal(engine, share)
    if (principal !== undefined) return principal
  }
  const user = await identities.byId('user', id.toLowerCase())
  if (mayAct(engine, user)) return (await principalOfUser(engine, user)).principal
  for (const kind of ['service_account', 'api_key'] as const) {
    const principal = await currentPrincipal(engine, { kind, id: id.toLowerCase() })
    if (principal !== undefined) return principal
  }
  const isGood = (one: Pick<ApiKey, 'revokedAt' | 'expiresAt'>) =>
    one.revokedAt === null && !isExpired(one, nowMs)
  const [pair] = await accessKeys.byPrincipal(id.toLowerCase())
  const holder =
    pair !== undefined && isGood(pair) ? await principalOfAccessKey(engine, pair) : undefined
  if (holder !== undefined) return holder
  throw new HoldfastError('PRINCIPAL_NOT_FOUND', { principal_id: id })
}

/** What opens to the caller what it may not see: it would find out by doing it. */
function openUnseen(
  caller: Principal,
  { permission, key }: Question,
  found: Found,
): Decision | undefined {
  const { asset } = found
  const isMade = asset === undefined && key !== undefined
  if (isMade && permission !== 'assets:write') return undefined
  // Other rights say nothing of an asset, and must not tell whether it is there.
  const isShown = asset?.deletedAt === null && /^(assets|versions|metadata):/.test(permission)
  if (asset !== undefined && !isShown) return undefined
  const fresh = { fresh: { ownerId: caller.id, key: key ?? '' }, objectTags: {} }
  const decision = decideOfDoors(caller, permission, { ...found, ...(isMade ? fresh : {}) })
  return decision.allowed ? decision : undefined
}

/** Undefined when the resource is not there. */
async function findResource(
  engine: Engine,
  { assetId, bucket: name, key }: Question,
): Promise<Found | undefined> {
  const { assets, buckets } = engine.catalog.view
  if (assetId !== undefined) {
    const asset = await assets.byId(assetId.toLowerCase())
    if (asset === undefined) return undefined
    return await resourceOf(engine, await buckets.byId(asset.bucketId), asset)
  }
  if (name === undefined) return {}
  const bucket = await buckets.byName(name)
  if (bucket === undefined) return undefined
  if (key === undefined) return { bucket }
  const asset = await assets.byKey(bucket.id, key)
  return await resourceOf(engine, bucket, await holderOf(engine.catalog.view, asset))
}

async function resourceOf(
  { catalog }: Engine,
  bucket: Bucket | undefined,
  asset: Asset | undefined,
): Promise<Found> {
  if (bucket === undefined || asset === undefined || asset.deletedAt !== null)
    return { bucket, asset }
  const version = await catalog.view.versions.briefById(asset.versionId)
  const objectTags = await askedTags(catalog.view, bucket, asset)
  return { bucket, asset, objectTags, versionAcl: version?.object?.acl }
}
