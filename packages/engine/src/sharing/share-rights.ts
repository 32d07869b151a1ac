import type { Share } from '@holdfast/core/identities.ts'
import type { Permission, Principal, Within } from '@holdfast/core/principal.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import { decide } from '../access/decide.ts'
import { currentPrincipal } from '../access/links/current-principal.ts'
import { askedTags } from '../access/policy/asked-tags.ts'
import type { Engine } from '../engine.ts'
import { endOf, type ShareEnd } from './share-transactions.ts'

const PERMISSIONS: readonly Permission[] = ['assets:read']

/**
 * Acts for the maker, with what the maker may now, and only on what was shared. Not on the limit of
 * an account: strangers would use it up.
 */
export function principalOfShare({ id, target }: Pick<Share, 'id' | 'target'>, maker: Principal) {
  const by = `share link ${id}`
  const bounds: Within =
    target.kind === 'asset'
      ? { by, permissions: PERMISSIONS, assetId: target.assetId }
      : { by, permissions: PERMISSIONS, place: { bucket: target.bucket, prefix: target.prefix } }
  const { rateLimit: _, ...acting } = maker
  return { ...acting, kind: 'share', within: bounds } as const satisfies Principal
}

/** Undefined when the maker is gone or shut out. */
export async function currentSharePrincipal(
  engine: Engine,
  share: Share,
): Promise<Principal | undefined> {
  const maker = await currentPrincipal(engine, {
    kind: share.makerKind,
    id: share.belongsTo ?? '',
  })
  return maker === undefined ? undefined : principalOfShare(share, maker)
}

export type ShareState = 'live' | 'locked' | 'withdrawn' | ShareEnd

/** What a holder of the link would meet now, for its maker to see. */
export async function stateOf(engine: Engine, share: Share): Promise<ShareState> {
  const now = new Date(engine.clock.now()).toISOString()
  const end = endOf(share, now)
  if (end !== undefined) return end
  const principal = await currentSharePrincipal(engine, share)
  if (principal === undefined || !(await opensTarget(engine, principal, share))) return 'withdrawn'
  return share.lockedUntil !== null && share.lockedUntil > now ? 'locked' : 'live'
}

/** Whether what was shared is there, and its maker may read at least a part of it. */
async function opensTarget(
  engine: Engine,
  principal: Principal,
  { target }: Share,
): Promise<boolean> {
  const { view } = engine.catalog
  if (target.kind === 'asset') {
    const asset = await view.assets.byId(target.assetId)
    if (asset === undefined || asset.deletedAt !== null) return false
    const bucket = await view.buckets.byId(asset.bucketId)
    const objectTags = await askedTags(view, bucket, asset)
    return decide(principal, 'assets:read', { bucket, asset, objectTags }).allowed
  }
  const bucket = await bucketOfShare(engine, target)
  if (bucket === undefined) return false
  // An empty key below the prefix stands for all that could be there.
  const fresh = { ownerId: principal.id, key: target.prefix }
  return decide(principal, 'assets:read', { bucket, fresh, objectTags: {} }).allowed
}

/** The bucket that was shared, and not another one that has got its name since. */
export async function bucketOfShare(
  { catalog }: Engine,
  target: Extract<Share['target'], { kind: 'prefix' }>,
): Promise<Bucket | undefined> {
  const bucket = await catalog.view.buckets.byName(target.bucket)
  return bucket?.id === target.bucketId ? bucket : undefined
}
