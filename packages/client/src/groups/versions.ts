import type { BodyOf, QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { VersionFields } from '@holdfast/contract/schemas/upload.ts'
import type { VersionResponse } from '@holdfast/contract/schemas/version.ts'
import { buildForm, type FormFile, formDigest } from '../body/form.ts'
import { type Download, type DownloadOptions, startDownload } from '../download/download.ts'
import type { CallOptions } from '../options.ts'
import { eachByOffset } from '../pages.ts'
import { callJson, jsonRequest, readJson, requestOf } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'
import { type ChangeOptions, preconditions } from './asset-records.ts'

/** One version of an asset; `version` is its number or its id. */
export interface VersionRef {
  readonly id: string
  readonly version: number | string
}

type ListQuery = QueryOf<Routes['listVersions']>

export function versionCalls(transport: Transport) {
  const list = async (id: string, query: ListQuery = {}, options: CallOptions = {}) =>
    await callJson(transport, 'listVersions', {
      method: 'GET',
      path: '/api/v2/assets/{id}/versions',
      params: { id },
      query,
      options,
    })
  const history = async (
    id: string,
    query: QueryOf<Routes['getHistory']> = {},
    options: CallOptions = {},
  ) =>
    await callJson(transport, 'getHistory', {
      method: 'GET',
      path: '/api/v2/assets/{id}/versions/history',
      params: { id },
      query,
      options,
    })
  return {
    /** One page, newest number first. */
    list,

    listAll(id: string, query: Omit<ListQuery, 'offset'> = {}, options: CallOptions = {}) {
      return eachByOffset(offset => list(id, { ...query, offset }, options))
    },

    async get(ref: VersionRef, options: CallOptions = {}) {
      return await callJson(transport, 'getVersion', {
        method: 'GET',
        path: '/api/v2/assets/{id}/versions/{version_id}',
        params: paramsOf(ref),
        options,
      })
    },

    /** New content by form; equal content gives the version there is. */
    async put(id: string, file: FormFile, options: PutVersionOptions = {}) {
      const { fields = {} } = options
      const checksum = fields.checksum ?? (await formDigest(file, transport.sha256))
      const part = {
        file,
        filename: fields.filename ?? 'file',
        contentType: fields.content_type ?? 'application/octet-stream',
      }
      const request = jsonRequest('createVersion', {
        method: 'POST',
        path: '/api/v2/assets/{id}/versions',
        params: { id },
        headers: preconditions(options),
        // Content that is there already makes no second version.
        idempotent: options.ifMatch === undefined,
        options,
      })
      const body = buildForm({ ...fields, checksum }, [part])
      return await transport.run<VersionResponse>({ ...request, body }, readJson)
    },

    /** Tag, metadata and description; the content of a version never changes. */
    async update(
      ref: VersionRef,
      changes: BodyOf<Routes['updateVersion']>,
      options: CallOptions = {},
    ) {
      return await callJson(transport, 'updateVersion', {
        method: 'PUT',
        path: '/api/v2/assets/{id}/versions/{version_id}',
        params: paramsOf(ref),
        json: changes,
        options,
      })
    },

    async remove(ref: VersionRef, options: CallOptions = {}): Promise<void> {
      await callJson(transport, 'removeVersion', {
        method: 'DELETE',
        path: '/api/v2/assets/{id}/versions/{version_id}',
        params: paramsOf(ref),
        options,
      })
    },

    async download(ref: VersionRef, options: DownloadOptions = {}): Promise<Download> {
      const request = requestOf('downloadVersion', {
        method: 'GET',
        path: '/api/v2/assets/{id}/versions/{version_id}/download',
        params: paramsOf(ref),
      })
      return await startDownload(transport, request, options)
    },

    /** Makes old content current again, as a new version. */
    async rollback(ref: VersionRef, options: CallOptions = {}) {
      return await callJson(transport, 'rollbackVersion', {
        method: 'POST',
        path: '/api/v2/assets/{id}/versions/{version_id}/rollback',
        params: paramsOf(ref),
        options,
      })
    },

    /** Tagged versions are not pruned. */
    async tag(ref: VersionRef, tag: BodyOf<Routes['tagVersion']>, options: CallOptions = {}) {
      return await callJson(transport, 'tagVersion', {
        method: 'POST',
        path: '/api/v2/assets/{id}/versions/{version_id}/tags',
        params: paramsOf(ref),
        json: tag,
        options,
      })
    },

    async compare(
      id: string,
      between: { readonly from: number | string; readonly to: number | string },
      options: CallOptions = {},
    ) {
      return await callJson(transport, 'compareVersions', {
        method: 'GET',
        path: '/api/v2/assets/{id}/versions/compare',
        params: { id },
        query: { from: String(between.from), to: String(between.to) },
        options,
      })
    },

    /** Deletes old versions; without limits, by those of the bucket. */
    async prune(
      id: string,
      request: NonNullable<BodyOf<Routes['pruneVersions']>> = {},
      options: CallOptions = {},
    ) {
      return await callJson(transport, 'pruneVersions', {
        method: 'POST',
        path: '/api/v2/assets/{id}/versions/prune',
        params: { id },
        json: request,
        options,
      })
    },

    /** Who changed what and when, newest first. */
    history,

    historyAll(id: string, options: CallOptions = {}) {
      return eachByOffset(offset => history(id, { offset }, options))
    },
  }
}

export interface PutVersionOptions extends ChangeOptions {
  readonly fields?: VersionFields
}

function paramsOf({ id, version }: VersionRef): { id: string; version_id: string } {
  return { id, version_id: String(version) }
}
