import type { LentBytes } from '@holdfast/core/ports/element.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import { decide } from '../access/decide.ts'
import { atOnce } from '../assets/peek.ts'
import type { Engine } from '../engine.ts'
import { type StoredObject, storedObject } from './object-views.ts'

export interface PeekedObject extends StoredObject {
  /** All of its bytes, where they are in memory. */
  readonly held: () => Uint8Array | undefined
  /** All of them on loan, where that can be had. */
  readonly lend: () => LentBytes | Promise<LentBytes> | undefined
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
  const { sha256 } = version
  const held = () => engine.element.held?.(sha256)
  return { ...storedObject(bucket, asset, version), held, lend: () => lend(engine, sha256) }
}

function lend({ catalog, element }: Engine, sha256: string) {
  const place = atOnce(catalog.view.blobs.place(sha256))
  // What was put in parts is read part by part.
  return place === undefined || place.parts !== undefined ? undefined : element.lend?.(place)
}
