import type { AnswerOf, BodyOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { UpdateFields } from '@holdfast/contract/schemas/upload.ts'
import { buildForm, type FormFile, formDigest } from '../body/form.ts'
import type { JsonObject } from '../json.ts'
import type { CallOptions } from '../options.ts'
import { callJson, jsonRequest, readJson } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'
import type { AssetRef } from './asset-content.ts'

export interface ChangeOptions extends CallOptions {
  /**
   * Entity tag with its quotes: `etag` of an asset, only while its content is this one;
   * `record_etag`, only while nothing that is told of it has changed.
   */
  readonly ifMatch?: string | undefined
}

export type ChangedFields = Omit<UpdateFields, 'acl'> & {
  /** Null takes the list away; not together with a file, whose form has no word for it. */
  readonly acl?: NonNullable<UpdateFields['acl']> | null
}

export interface UpdateOptions extends ChangeOptions {
  /** New content. */
  readonly file?: FormFile
}

export interface RemoveOptions extends ChangeOptions {
  /** For good, with all versions. */
  readonly hard?: boolean
}

/** How assets change. */
export function assetChangeCalls(transport: Transport) {
  return {
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
      fields: ChangedFields,
      options: UpdateOptions = {},
    ): Promise<AnswerOf<Routes['updateAsset']>> {
      return await update(transport, { id, fields, options })
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
    async remove(ref: AssetRef, options: RemoveOptions = {}): Promise<void> {
      await remove(transport, ref, options)
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

async function update(
  transport: Transport,
  change: { id: string; fields: ChangedFields; options: UpdateOptions },
): Promise<AssetResponse> {
  const { id, fields, options } = change
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
}

async function remove(transport: Transport, ref: AssetRef, options: RemoveOptions): Promise<void> {
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
}
