import type { BodyOf, QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { PresignedUpload } from '@holdfast/contract/schemas/link.ts'
import { sendBytes, type UploadOptions } from '../body/upload.ts'
import type { UploadBody } from '../body/upload-body.ts'
import { type Download, type DownloadOptions, startDownload } from '../download/download.ts'
import type { CallOptions } from '../options.ts'
import { callJson } from '../wire/operations.ts'
import type { Transport, WireRequest } from '../wire/transport.ts'
import { type Put, readPut } from './asset-content.ts'

/** Addresses that carry their own permission for a while. */
export function presignedCalls(transport: Transport) {
  const linkRequest = (method: 'GET' | 'PUT', url: string): WireRequest => ({
    method,
    address: new URL(url, `${transport.url}/`).href,
    isLink: true,
    idempotent: true,
    safe: method === 'GET',
    options: {},
  })
  return {
    async forDownload(
      id: string,
      query: QueryOf<Routes['presignDownload']> = {},
      options: CallOptions = {},
    ) {
      return await callJson(transport, 'presignDownload', {
        method: 'GET',
        path: '/api/v2/assets/{id}/presigned-url',
        params: { id },
        query,
        options,
      })
    },

    async forUpload(request: BodyOf<Routes['presignUpload']>, options: CallOptions = {}) {
      return await callJson(transport, 'presignUpload', {
        method: 'POST',
        path: '/api/v2/presigned-uploads',
        // It signs and stores nothing.
        idempotent: true,
        safe: true,
        json: request,
        options,
      })
    },

    /** Reads a link; no key is sent. */
    async get(url: string, options: DownloadOptions = {}): Promise<Download> {
      return await startDownload(transport, linkRequest('GET', url), options)
    },

    /** Uploads to a link with the headers it asks for; no key is sent. */
    async put(
      link: Pick<PresignedUpload, 'url' | 'headers'>,
      body: UploadBody,
      options: UploadOptions = {},
    ): Promise<Put> {
      const headers = new Headers(link.headers)
      const contentType = options.contentType ?? headers.get('content-type') ?? undefined
      const request = { ...linkRequest('PUT', link.url), headers: Object.fromEntries(headers) }
      const { created, ...asset } = await sendBytes(transport, request, {
        body,
        options: { ...options, contentType },
        read: readPut,
      })
      return { asset, created }
    },
  }
}
