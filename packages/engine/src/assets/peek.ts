import type { Awaitable } from '@holdfast/core/ports/awaitable.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { decide } from '../access/decide.ts'
import type { Engine } from '../engine.ts'
import { type Content, contentOf } from './get.ts'

/**
 * The content of an asset that the caller may read, where that can be told within this turn of the
 * event loop. Undefined says nothing: `getAssetByKey` and `openContent` know, and say why.
 */
export function peekContentByKey(
  engine: Engine,
  principal: Principal,
  { bucket: name, key }: { readonly bucket: string; readonly key: string },
): Content | undefined {
  const { view } = engine.catalog
  const bucket = atOnce(view.buckets.byName(name))
  const asset = bucket && atOnce(view.assets.byKey(bucket.id, key))
  if (asset === undefined) return undefined
  if (!decide(principal, 'assets:read', { bucket, asset }).allowed) return undefined
  return peekContent(engine, asset)
}

/** The same for an id. */
export function peekContentById(
  engine: Engine,
  principal: Principal,
  id: string,
): Content | undefined {
  const { view } = engine.catalog
  const asset = atOnce(view.assets.byId(id.toLowerCase()))
  if (asset === undefined) return undefined
  const bucket = atOnce(view.buckets.byId(asset.bucketId))
  if (bucket === undefined) return undefined
  if (!decide(principal, 'assets:read', { bucket, asset }).allowed) return undefined
  return peekContent(engine, asset)
}

function peekContent(engine: Engine, asset: Asset): Content | undefined {
  if (asset.deletedAt !== null) return undefined
  const place = atOnce(engine.catalog.view.blobs.place(asset.sha256))
  return place && contentOf(engine, { asset, place })
}

/** Undefined for an answer that has to be waited for. */
export function atOnce<Value>(answer: Awaitable<Value | undefined>): Value | undefined {
  if (!(answer instanceof Promise)) return answer
  // Whoever asks again hears of its failure.
  answer.catch(() => {})
  return undefined
}
