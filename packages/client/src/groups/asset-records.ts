import type { QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { AssetQuery, AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { JsonObject } from '../json.ts'
import type { CallOptions } from '../options.ts'
import { eachByCursor } from '../pages.ts'
import { callJson, readJson, requestOf } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'
import type { AssetRef } from './asset-content.ts'

export interface StatOptions extends CallOptions {
  /** Also a deleted asset; only by id. */
  readonly includeDeleted?: boolean
}

export type KeyListQuery = QueryOf<Routes['listBucketAssets']>

/** What is known of assets. */
export function assetRecordCalls(transport: Transport) {
  const list = async (query: AssetQuery = {}, options: CallOptions = {}) =>
    await callJson(transport, 'listAssets', {
      method: 'GET',
      path: '/api/v2/assets',
      query,
      options,
    })
  const listKeys = async (bucket: string, query: KeyListQuery = {}, options: CallOptions = {}) =>
    await callJson(transport, 'listBucketAssets', {
      method: 'GET',
      path: '/api/v2/buckets/{bucket}/assets',
      params: { bucket },
      query,
      options,
    })
  return {
    /** One page, newest first; `search` looks into name, key, tags and metadata. */
    list,

    /** Every asset of a listing, page by page. */
    listAll(query: Omit<AssetQuery, 'cursor' | 'offset'> = {}, options: CallOptions = {}) {
      return eachByCursor(cursor =>
        list(cursor === undefined ? query : { ...query, cursor }, options),
      )
    },

    /** One page of a bucket, in the order of keys. */
    listKeys,

    listAllKeys(
      bucket: string,
      query: Omit<KeyListQuery, 'cursor'> = {},
      options: CallOptions = {},
    ) {
      return eachByCursor(cursor =>
        listKeys(bucket, cursor === undefined ? query : { ...query, cursor }, options),
      )
    },

    async stats(query: QueryOf<Routes['getAssetStats']> = {}, options: CallOptions = {}) {
      return await callJson(transport, 'getAssetStats', {
        method: 'GET',
        path: '/api/v2/assets/stats',
        query,
        options,
      })
    },

    /** What is known of one asset. */
    async stat(ref: AssetRef, options: StatOptions = {}): Promise<AssetResponse> {
      if (typeof ref === 'string') {
        const query = options.includeDeleted === true ? { include_deleted: true } : {}
        return await callJson(transport, 'getAsset', {
          method: 'GET',
          path: '/api/v2/assets/{id}',
          params: { id: ref },
          query,
          options,
        })
      }
      const { bucket, key } = ref
      const request = requestOf('getByKeyQuery', {
        method: 'GET',
        path: '/api/v2/buckets/{bucket}/asset',
        params: { bucket },
        query: { key, info: true },
        options,
      })
      return await transport.run<AssetResponse>(request, readJson)
    },

    async getMetadata(id: string, options: CallOptions = {}): Promise<JsonObject> {
      return await callJson(transport, 'getAssetMetadata', {
        method: 'GET',
        path: '/api/v2/assets/{id}/metadata',
        params: { id },
        options,
      })
    },
  }
}
