import type { RawPutQuery } from '@holdfast/contract/schemas/upload.ts'
import { defaultService } from '@holdfast/engine/access/named-owner.ts'
import { getAssetByKey, openContent } from '@holdfast/engine/assets/get.ts'
import { listAssets } from '@holdfast/engine/assets/list.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import { removeAssetByKey } from '@holdfast/engine/assets/remove.ts'
import { openVersion } from '@holdfast/engine/versions/open.ts'
import { writeConditions } from '../../http/content/conditions.ts'
import { sendContent } from '../../http/content/send-content.ts'
import type { Operations, Scope, Sent } from '../../http/exchange.ts'
import { stored, told } from './assets.ts'
import { ownerOf, rawFacts } from './raw-facts.ts'
import { shownWires } from './wire/told-wire.ts'

type Names =
  | 'listBucketAssets'
  | 'putByKey'
  | 'getByKey'
  | 'headByKey'
  | 'removeByKey'
  | 'putByKeyQuery'
  | 'getByKeyQuery'
  | 'headByKeyQuery'
  | 'removeByKeyQuery'

interface Place {
  readonly bucket: string
  readonly key: string
}

export const keyedOperations: Pick<Operations, Names> = {
  listBucketAssets: async ({ context, call, params, query }) => {
    const { engine } = context
    const { limit = 100, prefix, cursor } = query
    const { bucket } = params
    const page = await listAssets(engine, call, { bucket, prefix, limit, cursor, order: 'key' })
    const items = await shownWires(engine, call, page.items)
    return { items, total: page.total, limit, next_cursor: page.nextCursor ?? null }
  },

  putByKey: async exchange => await put(exchange, exchange.params, exchange.query),
  getByKey: async exchange => await get(exchange, exchange.params, exchange.query),
  headByKey: async exchange => await get(exchange, exchange.params, exchange.query),
  removeByKey: async exchange => await remove(exchange, exchange.params, exchange.query),

  putByKeyQuery: async exchange => {
    const { key, ...query } = exchange.query
    return await put(exchange, { bucket: exchange.params.bucket, key }, query)
  },
  getByKeyQuery: async exchange => {
    const { key, ...query } = exchange.query
    return await get(exchange, { bucket: exchange.params.bucket, key }, query)
  },
  headByKeyQuery: async exchange => {
    const { key, ...query } = exchange.query
    return await get(exchange, { bucket: exchange.params.bucket, key }, query)
  },
  removeByKeyQuery: async exchange => {
    const { key, ...query } = exchange.query
    return await remove(exchange, { bucket: exchange.params.bucket, key }, query)
  },
}

async function put(scope: Scope, place: Place, query: RawPutQuery): Promise<Sent> {
  const { context, call, bytes } = scope
  const { ifMatch, ifNoneMatch } = writeConditions(scope.request.headers)
  const { asset, outcome } = await putAsset(context.engine, call, {
    ...place,
    ...rawFacts(scope),
    mode: 'replace',
    source: bytes.source(),
    ifMatch,
    ifNoneMatch,
    name: query.name,
    service: query.service ?? defaultService,
    ownerId: ownerOf(call.principal, query.owner_id),
    tags: query.tags,
    type: query.asset_type,
    createdBy: query.created_by,
    description: query.description,
  })
  return await stored(scope, asset, outcome === 'created' ? 201 : 200)
}

async function get(
  scope: Scope,
  { bucket, key }: Place,
  query: { info?: boolean; version?: number; inline?: boolean },
): Promise<Sent> {
  const { context, call, request } = scope
  const { engine } = context
  const asset = await getAssetByKey(engine, call, bucket, key)
  if (query.info === true && request.method === 'GET') {
    return await told(scope, asset)
  }
  const { version } = query
  const content =
    version === undefined
      ? await openContent(engine, call, { asset })
      : await openVersion(engine, call, { asset, version })
  return await sendContent(scope, content, query)
}

async function remove(
  scope: Scope,
  { bucket, key }: Place,
  query: { hard_delete?: boolean },
): Promise<undefined> {
  const { engine } = scope.context
  const { ifMatch } = writeConditions(scope.request.headers)
  const options = { hard: query.hard_delete, ifMatch }
  await removeAssetByKey(engine, scope.call, { bucket, key }, options)
  return undefined
}
