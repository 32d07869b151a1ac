import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { VersionResponse } from '@holdfast/contract/schemas/version.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset, Version } from '@holdfast/core/records.ts'
import { decide } from '@holdfast/engine/access/decide.ts'
import { bucketOf } from '@holdfast/engine/assets/find-asset.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import { assetWire } from './asset-wire.ts'
import { versionWire } from './version-wire.ts'

/** To whom something is told, and where it lies. */
export interface Teller {
  readonly engine: Engine
  readonly principal: Principal
}

/**
 * The record after a change. Whoever may change an asset, but not read it, is told none of what
 * others said of it: metadata, tags and access list.
 */
export async function changedWire(teller: Teller, asset: Asset): Promise<AssetResponse> {
  const record = await assetWire(teller.engine, asset)
  if (await maySee(teller, asset, 'assets:read')) return record
  return { ...record, metadata: {}, tags: [], acl: null }
}

/** The same of versions, for who may not read old ones. */
export async function changedVersionWire(
  teller: Teller,
  asset: Asset,
  version: Version,
): Promise<VersionResponse> {
  const record = versionWire(version, asset)
  if (await maySee(teller, asset, 'versions:read')) return record
  return { ...record, metadata: {}, tags: [], change_description: '' }
}

async function maySee(
  { engine, principal }: Teller,
  asset: Asset,
  permission: 'assets:read' | 'versions:read',
): Promise<boolean> {
  return decide(principal, permission, { bucket: await bucketOf(engine, asset), asset }).allowed
}
