import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { VersionResponse } from '@holdfast/contract/schemas/version.ts'
import type { Call } from '@holdfast/core/call.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset, BriefVersion } from '@holdfast/core/records.ts'
import { decide, type Resource, tagsAreTold } from '@holdfast/engine/access/decide.ts'
import { askedTags } from '@holdfast/engine/access/policy/asked-tags.ts'
import { bucketOf } from '@holdfast/engine/assets/find-asset.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import { toldOfDeleted } from '@holdfast/engine/versions/open.ts'
import { assetWire } from './asset-wire.ts'
import { versionWire } from './version-wire.ts'

/** To whom something is told, and where it lies. */
export interface Teller {
  readonly engine: Engine
  readonly principal: Principal
}

/**
 * The record for who may read the asset: without tags where the policy of the bucket keeps them
 * from the caller, as it keeps them from `getAssetMetadata` and from the S3 door.
 */
export async function shownWire(teller: Teller, found: Asset): Promise<AssetResponse> {
  const { engine } = teller
  const asset = found.deletedAt === null ? found : await toldOfDeleted(engine, teller, found)
  const record = await assetWire(engine, asset)
  if (asset.tags.length === 0 || (await mayTellTags(teller, asset))) return record
  return { ...record, tags: [] }
}

export async function shownWires(
  engine: Engine,
  call: Call,
  assets: readonly Asset[],
): Promise<AssetResponse[]> {
  const tell = (asset: Asset) => shownWire({ engine, principal: call.principal }, asset)
  const isPlain = assets.every(({ deletedAt }) => deletedAt === null)
  // What was deleted may take a look at its versions, each.
  return isPlain
    ? await Promise.all(assets.map(tell))
    : await engine.lists.inSlices(call, assets, tell)
}

async function mayTellTags({ engine, principal }: Teller, asset: Asset): Promise<boolean> {
  return tagsAreTold(principal, await resourceOf(engine, asset))
}

/**
 * The record after a change. Whoever may change an asset, but not read it, is told none of what
 * others said of it: metadata, tags and access list.
 */
export async function changedWire(teller: Teller, asset: Asset): Promise<AssetResponse> {
  const record = await shownWire(teller, asset)
  if (await maySee(teller, asset, 'assets:read')) return record
  return { ...record, metadata: {}, tags: [], acl: null }
}

/** After a put. Of a new asset all is known to who made it; a revived one keeps its access list. */
export async function storedWire(
  teller: Teller,
  asset: Asset,
  isCreated: boolean,
): Promise<AssetResponse> {
  const isNew = isCreated && asset.lastNumber === 1
  return isNew ? await assetWire(teller.engine, asset) : await changedWire(teller, asset)
}

/** The same of versions, for who may not read old ones. */
export async function changedVersionWire(
  teller: Teller,
  asset: Asset,
  version: BriefVersion,
): Promise<VersionResponse> {
  const record = versionWire(version, asset)
  return (await maySee(teller, asset, 'versions:read')) ? record : blindWire(record)
}

/** Of many versions of one asset: the right is judged once. */
export async function changedVersionWires(
  teller: Teller,
  asset: Asset,
  versions: readonly BriefVersion[],
): Promise<VersionResponse[]> {
  const records = versions.map(version => versionWire(version, asset))
  return (await maySee(teller, asset, 'versions:read')) ? records : records.map(blindWire)
}

function blindWire(record: VersionResponse): VersionResponse {
  return { ...record, metadata: {}, tags: [], change_description: '' }
}

async function maySee(
  { engine, principal }: Teller,
  asset: Asset,
  permission: 'assets:read' | 'versions:read',
): Promise<boolean> {
  const { objectTags, ...about } = await resourceOf(engine, asset)
  // Old versions have tags of their own.
  const how = permission === 'assets:read' ? { objectTags } : {}
  return decide(principal, permission, { ...about, ...how }).allowed
}

async function resourceOf(engine: Engine, asset: Asset): Promise<Resource> {
  const bucket = await bucketOf(engine, asset)
  return { bucket, asset, objectTags: await askedTags(engine.catalog.view, bucket, asset) }
}
