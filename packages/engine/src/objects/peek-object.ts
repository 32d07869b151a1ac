import type { Principal } from '@holdfast/core/principal.ts'
import { decide } from '../access/decide.ts'
import { atOnce } from '../assets/peek.ts'
import type { Engine } from '../engine.ts'
import { type StoredObject, storedObject } from './object-views.ts'

export interface PeekedObject extends StoredObject {
  /** All of its bytes, where they are in memory. */
  readonly held: () => Uint8Array | undefined
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
  const held = () => engine.element.held?.(version.sha256)
  return { ...storedObject(bucket, asset, version), held }
}
