import { isUuid } from '@holdfast/core/ids.ts'
import type { BriefFacets, ObjectFacets } from '@holdfast/core/objects.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, BriefVersion, Bucket, Version } from '@holdfast/core/records.ts'
import { etagOf } from './etag.ts'

/** Which object. `versionId` is an id as S3 clients see it: a UUID, or `null`. */
export interface ObjectAddress {
  readonly bucket: string
  readonly key: string
  readonly versionId?: string | undefined
}

/** One version of an object, as S3 lists it. */
export interface BriefObject {
  readonly bucket: Bucket
  readonly asset: Asset
  readonly version: BriefVersion
  /** As S3 clients see it: a UUID, or `null`. */
  readonly versionId: string
  /** Without quotes. */
  readonly etag: string
  readonly facets: BriefFacets
}

/** One version of an object, as S3 shows it. */
export interface StoredObject extends BriefObject {
  readonly version: Version
  readonly facets: ObjectFacets
}

export function versionIdOf(version: BriefVersion): string {
  return version.isNull === true ? 'null' : version.id
}

export function storedObject(bucket: Bucket, asset: Asset, version: Version): StoredObject {
  return { ...briefObject(bucket, asset, version), version, facets: version.object ?? {} }
}

export function briefObject(bucket: Bucket, asset: Asset, version: BriefVersion): BriefObject {
  return {
    bucket,
    asset,
    version,
    versionId: versionIdOf(version),
    etag: etagOf(version),
    facets: version.object ?? {},
  }
}

/** The version that S3 clients mean by an id; undefined when the object has none such. */
export async function versionNamed(
  view: CatalogView,
  asset: Asset,
  versionId: string,
): Promise<Version | undefined> {
  if (versionId === 'null') return view.objects.nullVersion(asset.id)
  if (!isUuid(versionId)) return undefined
  const version = await view.versions.byId(versionId)
  const known = version?.assetId === asset.id && version.deletedAt === null
  return known && version.isNull !== true ? version : undefined
}
