import type { NewChange } from '@holdfast/core/ports/catalog.ts'
import type { Asset, ChangeKind, JsonObject, Version } from '@holdfast/core/records.ts'

/** A change row of an asset and the version it shows. */
export function changeOf(what: ChangeKind, asset: Asset, detail: JsonObject): NewChange {
  return { what, bucketId: asset.bucketId, assetId: asset.id, versionId: asset.versionId, detail }
}

/** The rest is in the version itself. */
export function contentOfVersion(version: Version): JsonObject {
  return { number: version.number }
}

export function shownOf(asset: Asset): JsonObject {
  return { number: asset.versionNumber, sha256: asset.sha256, size: asset.size }
}
