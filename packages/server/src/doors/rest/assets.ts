import type { AssetQuery } from '@holdfast/contract/schemas/asset.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { DeletedFilter } from '@holdfast/core/ports/asset-questions.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { getAsset } from '@holdfast/engine/assets/get.ts'
import { assetStats, listAssets } from '@holdfast/engine/assets/list.ts'
import { copyAsset, moveAsset } from '@holdfast/engine/assets/move.ts'
import { recordTag } from '@holdfast/engine/assets/preconditions.ts'
import { removeAsset, restoreAsset } from '@holdfast/engine/assets/remove.ts'
import { mergeMetadata } from '@holdfast/engine/assets/update.ts'
import { tellChanged } from '../../http/caller/tell-changed.ts'
import { etagOf, isKnown, writeConditions } from '../../http/content/conditions.ts'
import { answer, type Operations, type Scope, type Sent, sent } from '../../http/exchange.ts'
import { assetPath } from './wire/asset-wire.ts'
import { bucketNameOf } from './wire/bucket-names.ts'
import { changedWire, shownWire, shownWires, storedWire } from './wire/told-wire.ts'

type Names =
  | 'listAssets'
  | 'getAssetStats'
  | 'getAsset'
  | 'getAssetMetadata'
  | 'mergeAssetMetadata'
  | 'removeAsset'
  | 'restoreAsset'
  | 'copyAsset'
  | 'moveAsset'

export const assetOperations: Pick<Operations, Names> = {
  listAssets: async ({ context, call, query }) => {
    const { engine } = context
    const { limit = 100, offset = 0, cursor } = query
    const page = await listAssets(engine, call, {
      ...listFilter(query),
      limit,
      offset,
      cursor,
    })
    const items = await shownWires(engine, call, page.items)
    return { items, total: page.total, limit, offset, next_cursor: page.nextCursor ?? null }
  },

  getAssetStats: async ({ context, call, query }) => {
    const { assets, bytes, types, services } = await assetStats(context.engine, call, query)
    return {
      total_assets: assets,
      total_size: bytes,
      average_size: assets === 0 ? 0 : bytes / assets,
      asset_types: { ...types },
      service_stats: Object.fromEntries(
        Object.entries(services).map(([service, usage]) => [
          service,
          { total_assets: usage.assets, total_size: usage.bytes },
        ]),
      ),
    }
  },

  getAsset: async exchange => {
    const { context, call, params, query } = exchange
    const options = { includeDeleted: query.include_deleted }
    return await told(exchange, await getAsset(context.engine, call, params.id, options))
  },

  getAssetMetadata: async ({ context, call, params, reply }) => {
    // S3 tells metadata with the object, and shows its tags there, too.
    const actions = ['s3:GetObject', 's3:GetObjectTagging'] as const
    const options = { permission: 'metadata:read', actions } as const
    const asset = await getAsset(context.engine, call, params.id, options)
    reply.header('etag', etagOf(recordTag(asset)))
    return asset.metadata
  },

  mergeAssetMetadata: async exchange => {
    const { context, call, params, body, request } = exchange
    const { ifMatch } = writeConditions(request.headers)
    const asset = await mergeMetadata(context.engine, call, params.id, body, { ifMatch })
    return await changed(exchange, asset)
  },

  removeAsset: async ({ context, call, params, query, request }) => {
    const { ifMatch } = writeConditions(request.headers)
    await removeAsset(context.engine, call, params.id, { hard: query.hard_delete, ifMatch })
    return undefined
  },

  restoreAsset: async exchange => {
    const { context, call, params } = exchange
    return await changed(exchange, await restoreAsset(context.engine, call, params.id))
  },

  copyAsset: async exchange => {
    const { context, call, params, body } = exchange
    const { bucket, key, name, owner_id: ownerId, service } = body
    const input = { bucket, key, name, ownerId, service }
    tellWanted(exchange, body)
    const asset = await copyAsset(context.engine, call, params.id, input)
    await tellTarget(exchange, asset)
    return await created(exchange, asset)
  },

  moveAsset: async exchange => {
    const { context, call, params, body, request } = exchange
    const { ifMatch } = writeConditions(request.headers)
    tellWanted(exchange, body)
    const asset = await moveAsset(context.engine, call, params.id, { ...body, ifMatch })
    await tellTarget(exchange, asset)
    return await changed(exchange, asset)
  },
}

/** For the row of a refusal: where to, as far as the caller said. */
function tellWanted(exchange: Scope, { bucket, key }: { bucket?: string; key?: string }): void {
  tellChanged(exchange, { ...(bucket && { bucket }), ...(key && { key }) })
}

/** Where it went: the path of the request names the source alone. */
async function tellTarget(exchange: Scope, asset: Asset): Promise<void> {
  const bucket = await bucketNameOf(exchange.context.engine, asset.bucketId)
  tellChanged(exchange, { bucket, key: asset.key, id: asset.id })
}

/** The record of an asset under its own tag, unless the caller has it already. */
export async function told(exchange: Scope, asset: Asset): Promise<Sent> {
  const { context, call, request, reply } = exchange
  const teller = { engine: context.engine, principal: call.principal }
  const tag = recordTag(asset)
  reply.header('etag', etagOf(tag))
  if (isKnown(request.headers['if-none-match'], tag)) {
    await reply.code(304).send()
    return sent
  }
  return await answer(exchange, 200, await shownWire(teller, asset))
}

/** The record as a change left it, with the tag for the next change. */
export async function changed(exchange: Scope, asset: Asset): Promise<Sent> {
  const { context, call, reply } = exchange
  reply.header('etag', etagOf(recordTag(asset)))
  const { principal } = call
  return await answer(
    exchange,
    200,
    await changedWire({ engine: context.engine, principal }, asset),
  )
}

/** 201 with the headers of a stored asset. */
export async function created(exchange: Scope, asset: Asset) {
  return await stored(exchange, asset, 201)
}

export async function stored(exchange: Scope, asset: Asset, status: number) {
  const { context, call, reply } = exchange
  const { engine } = context
  const { principal } = call
  reply.header('etag', etagOf(asset.sha256)).header('location', assetPath(asset.id))
  const record = await storedWire({ engine, principal }, asset, status === 201)
  return await answer(exchange, status, record)
}

function listFilter(query: AssetQuery) {
  const { bucket, service, prefix, search } = query
  if (query.cursor !== undefined && (query.offset ?? 0) > 0) {
    throw new HoldfastError('VALIDATION_ERROR', {
      errors: [{ path: 'offset', problem: 'excludes cursor' }],
    })
  }
  return {
    bucket,
    service,
    prefix,
    search,
    ownerId: query.owner_id,
    type: query.asset_type,
    tagsAny: query.tags,
    deleted: deletedFilter(query),
  }
}

function deletedFilter(query: AssetQuery): DeletedFilter {
  if (query.only_deleted === true) return 'only'
  return query.include_deleted === true ? 'with' : 'without'
}
