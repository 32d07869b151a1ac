import type { QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import { type Download, type DownloadOptions, startDownload } from '../download/download.ts'
import type { CallOptions } from '../options.ts'
import { eachByOffset } from '../pages.ts'
import { callJson, requestOf } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'

/** One version of an asset; `version` is its number or its id. */
export interface VersionRef {
  readonly id: string
  readonly version: number | string
}

type ListQuery = QueryOf<Routes['listVersions']>

export function versionReadCalls(transport: Transport) {
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

    async download(ref: VersionRef, options: DownloadOptions = {}): Promise<Download> {
      const request = requestOf('downloadVersion', {
        method: 'GET',
        path: '/api/v2/assets/{id}/versions/{version_id}/download',
        params: paramsOf(ref),
      })
      return await startDownload(transport, request, options)
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

    /** Who changed what and when, newest first. */
    history,

    historyAll(id: string, options: CallOptions = {}) {
      return eachByOffset(offset => history(id, { offset }, options))
    },
  }
}

export function paramsOf({ id, version }: VersionRef): { id: string; version_id: string } {
  return { id, version_id: String(version) }
}
