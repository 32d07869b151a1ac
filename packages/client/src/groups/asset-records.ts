import type { AnswerOf, BodyOf, QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { AssetQuery, AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { UpdateFields } from '@holdfast/contract/schemas/upload.ts'
import { buildForm, type FormFile, formDigest } from '../body/form.ts'
import type { JsonObject } from '../json.ts'
import type { CallOptions } from '../options.ts'
import { eachByCursor } from '../pages.ts'
import { callJson, jsonRequest, readJson, requestOf } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'
import type { AssetRef } from './asset-content.ts'

export interface StatOptions extends CallOptions {
  /** Also a deleted asset; only by id. */
  readonly includeDeleted?: boolean
}

export interface ChangeOptions extends CallOptions {
  /** Entity tag with its quotes: only while the content is this one. */
  readonly ifMatch?: string | undefined
}

export type KeyListQuery = QueryOf<Routes['listBucketAssets']>

/** What is known of assets, and how it changes. */
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

    /** Sets the given keys and removes those that are null. */
    async mergeMetadata(id: string, metadata: JsonObject, options: ChangeOptions = {}) {
      return await callJson(transport, 'mergeAssetMetadata', {
        method: 'PUT',
        path: '/api/v2/assets/{id}/metadata',
        params: { id },
        headers: preconditions(options),
        json: metadata,
        options,
      })
    },

    /** Changes fields, and the content when `file` is given. */
    async update(
      id: string,
      fields: UpdateFields,
      options: ChangeOptions & { file?: FormFile } = {},
    ): Promise<AnswerOf<Routes['updateAsset']>> {
      const target = {
        method: 'PUT',
        path: '/api/v2/assets/{id}',
        params: { id },
        headers: preconditions(options),
        options,
      } as const
      const { file } = options
      if (file === undefined)
        return await callJson(transport, 'updateAsset', { ...target, json: fields })
      const checksum = fields.checksum ?? (await formDigest(file, transport.sha256))
      const part = {
        file,
        filename: fields.filename ?? 'file',
        contentType: fields.content_type ?? 'application/octet-stream',
      }
      const body = buildForm({ ...fields, checksum }, [part])
      return await transport.run<AssetResponse>(
        { ...jsonRequest('updateAsset', target), body },
        readJson,
      )
    },

    /** At one stroke; the id stays. */
    async move(id: string, to: BodyOf<Routes['moveAsset']>, options: ChangeOptions = {}) {
      return await callJson(transport, 'moveAsset', {
        method: 'POST',
        path: '/api/v2/assets/{id}/move',
        params: { id },
        json: to,
        headers: preconditions(options),
        options,
      })
    },

    /** Inside the store, without sending bytes. */
    async copy(id: string, to: BodyOf<Routes['copyAsset']>, options: CallOptions = {}) {
      return await callJson(transport, 'copyAsset', {
        method: 'POST',
        path: '/api/v2/assets/{id}/copy',
        params: { id },
        json: to,
        options,
      })
    },

    /** Deletes; `hard` for good, with all versions. */
    async remove(ref: AssetRef, options: ChangeOptions & { hard?: boolean } = {}): Promise<void> {
      const query = options.hard === true ? { hard_delete: true } : {}
      const headers = preconditions(options)
      if (typeof ref === 'string') {
        await callJson(transport, 'removeAsset', {
          method: 'DELETE',
          path: '/api/v2/assets/{id}',
          params: { id: ref },
          query,
          headers,
          options,
        })
        return
      }
      await callJson(transport, 'removeByKeyQuery', {
        method: 'DELETE',
        path: '/api/v2/buckets/{bucket}/asset',
        params: { bucket: ref.bucket },
        query: { key: ref.key, ...query },
        headers,
        options,
      })
    },

    async restore(id: string, options: CallOptions = {}): Promise<AssetResponse> {
      return await callJson(transport, 'restoreAsset', {
        method: 'PUT',
        path: '/api/v2/assets/{id}/restore',
        params: { id },
        options,
      })
    },
  }
}

export function preconditions({ ifMatch }: ChangeOptions): Record<string, string> {
  return ifMatch === undefined ? {} : { 'if-match': ifMatch }
}
