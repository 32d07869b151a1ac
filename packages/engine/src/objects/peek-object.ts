import type { LentBytes } from '@holdfast/core/ports/element.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import { decide } from '../access/decide.ts'
import { atOnce } from '../assets/peek.ts'
import type { Engine } from '../engine.ts'

export interface PeekedObject {
  readonly bucket: Bucket
  readonly asset: Asset
  readonly version: Version
}

/**
 * The current version that the caller may read, where that can be told within this turn of the
 * event loop. Undefined says nothing: `getObject` knows, and says why. Buckets with a policy, which
 * may ask for more than is known here, are left to it; access lists only open, never close.
 */
export function peekObject(
  engine: Engine,
  principal: Principal,
  { bucket: name, key }: { readonly bucket: string; readonly key: string },
): PeekedObject | undefined {
  const { view } = engine.catalog
  const bucket = atOnce(view.buckets.byName(name))
  if (bucket === undefined || bucket.documents?.policy !== undefined) return undefined
  const asset = atOnce(view.assets.byKey(bucket.id, key))
  if (asset === undefined || asset.deletedAt !== null) return undefined
  if (!decide(principal, 'assets:read', { bucket, asset }).allowed) return undefined
  const version = atOnce(view.versions.byId(asset.versionId))
  if (version === undefined || version.kind !== 'content') return undefined
  return { bucket, asset, version }
}

/** All bytes of a version, where they are in memory. */
export function heldBytes({ element }: Engine, { sha256 }: Version): Uint8Array | undefined {
  return element.held?.(sha256)
}

/** All of them on loan, where that can be had. */
export function lendBytes(
  { catalog, element }: Engine,
  { sha256 }: Version,
): LentBytes | Promise<LentBytes> | undefined {
  const place = atOnce(catalog.view.blobs.place(sha256))
  // What was put in parts is read part by part.
  return place === undefined || place.parts !== undefined ? undefined : element.lend?.(place)
}
