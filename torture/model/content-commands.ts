import { isHoldfastError } from '@holdfast/core/errors.ts'
import { copyAsset, moveAsset } from '@holdfast/engine/assets/move.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import { removeAsset, restoreAsset } from '@holdfast/engine/assets/remove.ts'
import { type BatchItem, putBatch, stageUpload } from '@holdfast/engine/assets/stage.ts'
import type { Act, Drawn, Place } from './act.ts'
import { type ModelAsset, type ModelState, shownOf } from './model-state.ts'
import { bodyOf } from './store-under-model.ts'

const ownerId = '0199d0c0-0000-7000-8000-000000000001'

export async function* sourceOf(body: number): AsyncGenerator<Uint8Array> {
  yield bodyOf(body)
}

const fields = (place: Place) => ({
  ...place,
  mode: 'replace' as const,
  service: 'model',
  ownerId,
})

/** Puts, copies, moves, deletes and what undoes them: the model knows every answer beforehand. */
export const contentActs: Readonly<Record<string, Act>> = {
  async put({ model, real }, drawn) {
    const { place, body } = drawn
    const expected = putProblem(model, place)
    const input = { ...fields(place), source: sourceOf(body) }
    const result = await answered(putAsset(real.engine, real.call, input), expected)
    if (result !== undefined) applyPut(model, result.asset.id, { place, body })
    return model.holder(place.bucket, place.key)
  },

  async batch({ model, real }, { place, body }) {
    const keys = ['a', 'b', 'c'].map(key => ({ bucket: place.bucket, key: `${key}${place.key}` }))
    const news = keys.filter(({ bucket, key }) => model.holder(bucket, key) === undefined).length
    const expected =
      model.hasRoomIn(place.bucket, news) || news === 0 ? undefined : 'QUOTA_EXCEEDED'
    const items: BatchItem[] = []
    for (const [index, key] of keys.entries()) {
      const upload = await stageUpload(real.engine, real.call, sourceOf((body + index) % 7))
      items.push({ upload, input: fields(key) })
    }
    try {
      const batch = putBatch(real.engine, real.call, items, { atomic: true })
      const results = await answered(batch, expected)
      for (const [index, result] of (results ?? []).entries()) {
        const key = keys[index]
        if (!result.ok || key === undefined) throw new Error('an atomic batch was split')
        applyPut(model, result.result.asset.id, { place: key, body: (body + index) % 7 })
      }
    } finally {
      for (const { upload } of items) await upload.discard()
    }
    return undefined
  },

  async copy({ model, real }, drawn) {
    const { asset: source, place } = drawn
    if (source === undefined) return undefined
    const taken = model.holder(place.bucket, place.key) !== undefined
    const expected = source.deleted
      ? 'ASSET_NOT_FOUND'
      : taken
        ? 'ASSET_EXISTS'
        : model.hasRoomIn(place.bucket)
          ? undefined
          : 'QUOTA_EXCEEDED'
    const copy = await answered(copyAsset(real.engine, real.call, source.id, place), expected)
    if (copy === undefined) return source
    const made = model.create(copy.id, place, shownOf(source).body)
    made.metadata = { ...source.metadata }
    made.tags = [...source.tags]
    return made
  },

  async move({ model, real }, { asset, place }) {
    if (asset === undefined) return undefined
    const to = { bucket: asset.bucket, key: place.key }
    const holder = model.holder(to.bucket, to.key)
    const taken = holder !== undefined && holder !== asset
    const expected = asset.deleted ? 'ASSET_DELETED' : taken ? 'ASSET_EXISTS' : undefined
    const moved = await answered(moveAsset(real.engine, real.call, asset.id, to), expected)
    if (moved !== undefined) asset.key = to.key
    return asset
  },

  async delete({ model, real }, { asset }) {
    if (asset === undefined) return undefined
    await removeAsset(real.engine, real.call, asset.id)
    model.remove(asset)
    return asset
  },

  async purge({ model, real }, { asset }) {
    if (asset === undefined) return undefined
    await removeAsset(real.engine, real.call, asset.id, { hard: true })
    model.removeForGood(asset)
    if ((await real.engine.catalog.view.assets.byId(asset.id)) !== undefined) {
      throw new Error('a purged asset is there')
    }
    return undefined
  },

  async restore({ model, real }, { asset }) {
    if (asset === undefined) return undefined
    const expected = model.restoreProblem(asset)
    const restored = await answered(restoreAsset(real.engine, real.call, asset.id), expected)
    if (restored !== undefined) model.restore(asset)
    return asset
  },
}

function putProblem(model: ModelState, { bucket, key }: Place): string | undefined {
  if (model.holder(bucket, key) !== undefined || model.hasRoomIn(bucket)) return undefined
  return 'QUOTA_EXCEEDED'
}

function applyPut(
  model: ModelState,
  id: string,
  { place, body }: Pick<Drawn, 'place' | 'body'>,
): void {
  const holder: ModelAsset | undefined = model.holder(place.bucket, place.key)
  if (holder === undefined) model.create(id, place, body)
  else if (holder.id !== id) throw new Error(`${place.key} was put as another asset`)
  else if (holder.deleted) model.revive(holder, body)
  else if (shownOf(holder).body !== body) model.append(holder, body)
}

/** The result where success is expected; undefined where the expected refusal came. */
export async function answered<T>(
  work: Promise<T>,
  expected: string | undefined,
): Promise<T | undefined> {
  try {
    const result = await work
    if (expected !== undefined) throw new Error(`succeeded, the model says ${expected}`)
    return result
  } catch (error) {
    if (isHoldfastError(error) && error.code === expected) return undefined
    throw error
  }
}
