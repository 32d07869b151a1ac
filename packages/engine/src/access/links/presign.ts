import type { Call } from '@holdfast/core/call.ts'
import { type FieldProblem, HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import { requireFields } from '../../assets/asset-fields.ts'
import { findAsset } from '../../assets/find-asset.ts'
import { holderOf } from '../../assets/writes/stored-asset.ts'
import { findBucket } from '../../buckets/find-bucket.ts'
import type { Engine } from '../../engine.ts'
import { openVersion } from '../../versions/open.ts'
import { authorize, decide } from '../decide.ts'
import { requireOwnName, requireOwnService } from '../named-owner.ts'
import { currentPrincipal, makerOf } from './current-principal.ts'
import { type LinkPayload, sealLink, unsealLink } from './link-token.ts'

export interface PresignedLink {
  readonly token: string
  readonly expiresAt: string
}

const EXPIRES_S_MIN = 60
const EXPIRES_S_MAX = 24 * 60 * 60
/** The clock may have been set back since a link was made. */
const CLOCK_S_MAX = 60 * 60

/** A token with which anyone may download the asset, while its issuer may. */
export async function presignDownload(
  engine: Engine,
  call: Call,
  wanted: {
    readonly assetId: string
    readonly version?: number | undefined
    readonly expiresInS?: number | undefined
  },
): Promise<PresignedLink> {
  const iss = makerOf(call.principal)
  const times = expiry(engine, wanted.expiresInS)
  const target = { id: wanted.assetId, permission: 'assets:read', deleted: 'hide' } as const
  const asset = await findAsset(engine, call, target)
  const { version } = wanted
  if (version !== undefined) await openVersion(engine, call, { asset, version })
  const payload = { method: 'GET', assetId: asset.id, version: version ?? null, iss } as const
  return sealed(engine, { ...payload, exp: times.exp }, times.expiresAt)
}

export interface UploadGrant {
  readonly bucket: string
  readonly key: string
  readonly sizeMax: number
  readonly contentType?: string | undefined
  readonly expiresInS?: number | undefined
  readonly service: string
  readonly ownerId: string
}

/**
 * A token with which anyone may put one key, while its issuer may. An asset there that the issuer
 * may not know of changes nothing here: the put itself is refused.
 */
export async function presignUpload(
  engine: Engine,
  call: Call,
  grant: UploadGrant,
): Promise<PresignedLink> {
  const iss = makerOf(call.principal)
  const times = expiry(engine, grant.expiresInS)
  const { key, service, contentType, sizeMax } = grant
  requireFields({ key, service, contentType, ownerId: grant.ownerId })
  if (!Number.isSafeInteger(sizeMax) || sizeMax < 0 || sizeMax > engine.limits.assetBytesMax) {
    const problem = `must be from 0 to ${engine.limits.assetBytesMax}`
    throw invalidFields({ path: 'size_max', problem })
  }
  const bucket = await requirePutPermission(engine, call, grant)
  const payload = {
    method: 'PUT',
    bucket: bucket.name,
    bucketId: bucket.id,
    key,
    sizeMax,
    contentType: contentType ?? null,
    service,
    ownerId: grant.ownerId.toLowerCase(),
    iss,
  } as const
  return sealed(engine, { ...payload, exp: times.exp }, times.expiresAt)
}

export interface OpenedLink {
  readonly link: LinkPayload
  /** Acts for the issuer, within what the issuer may now, for reading and writing assets only. */
  readonly principal: Principal
}

/**
 * LINK_INVALID unless the token is authentic, good now, for this method, and its issuer still
 * there. Permissions are checked where the principal is used, as for every other caller.
 */
export async function openLink(engine: Engine, token: string, method: string): Promise<OpenedLink> {
  const link = unsealLink(token, engine.settings.linkSecret)
  if (link === undefined) throw new HoldfastError('LINK_INVALID')
  const asked = method === 'HEAD' ? 'GET' : method
  const leftS = link.exp - engine.clock.now() / 1000
  // None is made for longer: it was forged by who read the secret of the store.
  const isGood = leftS > 0 && leftS <= EXPIRES_S_MAX + CLOCK_S_MAX
  if (!isGood || link.method !== asked) {
    throw new HoldfastError('LINK_INVALID')
  }
  if (link.method === 'PUT') {
    const bucket = await engine.catalog.view.buckets.byName(link.bucket)
    if (bucket?.id !== link.bucketId) throw new HoldfastError('LINK_INVALID')
  }
  const principal = await currentPrincipal(engine, link.iss)
  if (principal === undefined) throw new HoldfastError('LINK_INVALID')
  return { link, principal: { ...principal, kind: 'link', actsFor: link.iss.kind } }
}

function expiry(engine: Engine, expiresInS = 3600): { exp: number; expiresAt: string } {
  const whole = Number.isSafeInteger(expiresInS)
  if (!whole || expiresInS < EXPIRES_S_MIN || expiresInS > EXPIRES_S_MAX) {
    const problem = `must be from ${EXPIRES_S_MIN} to ${EXPIRES_S_MAX} seconds`
    const wrong: FieldProblem = { path: 'expiration', problem }
    throw invalidFields(wrong)
  }
  const exp = Math.floor(engine.clock.now() / 1000) + expiresInS
  return { exp, expiresAt: new Date(exp * 1000).toISOString() }
}

function sealed(engine: Engine, payload: LinkPayload, expiresAt: string): PresignedLink {
  return { token: sealLink(payload, engine.settings.linkSecret), expiresAt }
}

async function requirePutPermission(
  engine: Engine,
  call: Call,
  grant: UploadGrant,
): Promise<Bucket> {
  const bucket = await engine.catalog.view.buckets.byName(grant.bucket)
  const { view } = engine.catalog
  const there = bucket && (await view.assets.byKey(bucket.id, grant.key))
  const existing = await holderOf(view, there)
  const permission = 'assets:write'
  if (bucket !== undefined && existing !== undefined) {
    const place = { bucket, asset: existing }
    // A put is not judged by the tags of what it replaces.
    if (decide(call.principal, permission, { ...place, objectTags: {} }).allowed) return bucket
    if (decide(call.principal, 'assets:read', place).allowed) {
      authorize(call.principal, permission, place)
    }
  }
  const fresh = { ownerId: grant.ownerId.toLowerCase(), key: grant.key }
  const found = await findBucket(engine, call, { name: grant.bucket, permission, fresh })
  requireOwnName(call.principal, fresh.ownerId)
  await requireOwnService(engine, call, grant.service)
  return found
}
