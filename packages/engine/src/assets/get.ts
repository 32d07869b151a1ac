import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { StoredPlace } from '@holdfast/core/ports/catalog.ts'
import type { BlobBytes, ByteRange, LentBytes, ReadOptions } from '@holdfast/core/ports/element.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Asset, Version } from '@holdfast/core/records.ts'
import type { Action } from '../access/actions.ts'
import { readBlob } from '../content/read-blob.ts'
import type { Engine } from '../engine.ts'
import { authorizeAsset, findAsset, findAssetByKey } from './find-asset.ts'

export interface GetOptions {
  /** Deleted assets too, for callers who may write. */
  readonly includeDeleted?: boolean | undefined
  readonly permission?: Permission | undefined
  readonly actions?: readonly Action[] | undefined
}

export async function getAsset(
  engine: Engine,
  call: Call,
  id: string,
  options: GetOptions = {},
): Promise<Asset> {
  const { actions, permission = 'assets:read' } = options
  if (options.includeDeleted !== true) {
    return findAsset(engine, call, { id, permission, actions, deleted: 'hide' })
  }
  const asset = await findAsset(engine, call, { id, permission, actions, deleted: 'show' })
  if (asset.deletedAt !== null) {
    await authorizeAsset(engine, call, { asset, permission: 'assets:write' })
  }
  return asset
}

export async function getAssetByKey(
  engine: Engine,
  call: Call,
  bucketName: string,
  key: string,
): Promise<Asset> {
  const place = { bucket: bucketName, key, permission: 'assets:read', deleted: 'hide' } as const
  return findAssetByKey(engine, call, place)
}

/** Content that the caller may read, ready to be sent whole or in part. */
export interface Content {
  readonly asset: Asset
  /** Null when the content shown was asked for: the asset says all about it. */
  readonly version: Version | null
  readonly versionId: string
  readonly number: number
  readonly size: number
  readonly sha256: string
  readonly contentType: string
  readonly modifiedAt: string
  /** All of it, where it is in memory already. */
  held(): Uint8Array | undefined
  /** All of it on loan, where that can be had; `read` knows why not. */
  lend(): LentBytes | Promise<LentBytes> | undefined
  /** RANGE_NOT_SATISFIABLE when the range does not lie within the content. */
  read(range?: ByteRange, options?: ReadOptions): Promise<BlobBytes>
}

export async function openContent(
  engine: Engine,
  call: Call,
  wanted: {
    readonly asset: Asset
    readonly version?: Version | undefined
    readonly permission?: Permission | undefined
  },
): Promise<Content> {
  const { asset, version } = wanted
  await authorizeAsset(engine, call, { asset, permission: wanted.permission ?? 'assets:read' })
  if (asset.deletedAt !== null) throw new HoldfastError('ASSET_NOT_FOUND', { asset_id: asset.id })
  if (version !== undefined) requireContent(asset, version)
  const sha256 = version?.sha256 ?? asset.sha256
  const place = await engine.catalog.view.blobs.place(sha256)
  if (place === undefined) throw new HoldfastError('BLOB_MISSING', { sha256 })
  return contentOf(engine, { asset, version, place })
}

/** What is shown of an asset whose reader is known to be allowed. */
export function contentOf(
  engine: Engine,
  found: {
    readonly asset: Asset
    readonly version?: Version | undefined
    readonly place: StoredPlace
  },
): Content {
  const { asset, version, place } = found
  return {
    asset,
    version: version ?? null,
    versionId: version?.id ?? asset.versionId,
    number: version?.number ?? asset.versionNumber,
    size: place.size,
    sha256: place.sha256,
    contentType: version?.contentType ?? asset.contentType,
    modifiedAt: version?.createdAt ?? asset.contentAt,
    held: () => engine.element.held?.(place.sha256),
    lend: () => (place.parts === undefined ? engine.element.lend?.(place) : undefined),
    read: async (range, options) => {
      if (range !== undefined) requireRange(range, place.size)
      return readBlob(engine, place, { range, ...options })
    },
  }
}

function requireContent(asset: Asset, version: Version): void {
  const shown = version.assetId === asset.id && version.deletedAt === null
  if (shown && version.kind === 'content') return
  throw new HoldfastError('VERSION_NOT_FOUND', { asset_id: asset.id, version_id: version.id })
}

function requireRange({ first, last }: ByteRange, size: number): void {
  const whole = Number.isSafeInteger(first) && Number.isSafeInteger(last)
  if (whole && first >= 0 && first <= last && last < size) return
  throw new HoldfastError('RANGE_NOT_SATISFIABLE', { size })
}
