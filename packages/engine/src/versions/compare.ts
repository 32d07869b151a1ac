import type { Call } from '@holdfast/core/call.ts'
import type { Version } from '@holdfast/core/records.ts'
import { findAsset } from '../assets/find-asset.ts'
import type { Engine } from '../engine.ts'
import { findVersion, type VersionName } from './find-version.ts'
import { compareMetadata, type MetadataChanges } from './metadata.ts'

export interface Comparison {
  readonly from: Version
  readonly to: Version
  /** Bytes that `to` has more than `from`. */
  readonly sizeDiff: number
  readonly checksumChanged: boolean
  readonly metadataChanges: MetadataChanges
}

export async function compareVersions(
  engine: Engine,
  call: Call,
  assetId: string,
  pair: { readonly from: VersionName; readonly to: VersionName },
): Promise<Comparison> {
  const wanted = { id: assetId, permission: 'versions:read', deleted: 'hide' } as const
  const asset = await findAsset(engine, call, wanted)
  const from = await findVersion(engine.catalog.view, asset, pair.from)
  const to = await findVersion(engine.catalog.view, asset, pair.to)
  return {
    from,
    to,
    sizeDiff: to.size - from.size,
    checksumChanged: to.sha256 !== from.sha256,
    metadataChanges: compareMetadata(from.metadata, to.metadata),
  }
}
