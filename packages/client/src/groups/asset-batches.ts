import type { BodyOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { BatchUploadResult } from '@holdfast/contract/schemas/batch.ts'
import type { BatchRequest } from '@holdfast/contract/schemas/upload.ts'
import { buildForm, type FormFile, formDigest } from '../body/form.ts'
import { type Download, startDownload } from '../download/download.ts'
import type { CallOptions } from '../options.ts'
import { callJson, jsonRequest, readJson } from '../wire/operations.ts'
import type { Answer, Transport } from '../wire/transport.ts'

export type BatchFile = BatchRequest['files'][number] & { readonly file: FormFile }

/** Several assets with one request. */
export function assetBatchCalls(transport: Transport) {
  return {
    /** Each file stands for itself, unless `request.atomic` asks for all or nothing. */
    async uploadMany(
      files: readonly BatchFile[],
      request: Omit<BatchRequest, 'files'>,
      options: CallOptions = {},
    ): Promise<BatchUploadResult> {
      const entries: BatchRequest['files'] = []
      for (const { file, ...entry } of files) {
        const checksum = entry.checksum ?? (await formDigest(file, transport.sha256))
        entries.push({ ...entry, checksum })
      }
      const parts = files.map(({ file, filename, content_type: contentType }) => {
        return { file, filename, contentType }
      })
      const body = buildForm({ request: { ...request, files: entries } }, parts)
      const target = jsonRequest('batchUpload', {
        method: 'POST',
        path: '/api/v2/assets/batch-upload',
        options,
      })
      return await transport.run({ ...target, body }, readBatch)
    },

    /** Deletes each for itself; the result tells which ones were refused. */
    async removeMany(ids: readonly string[], options: CallOptions & { hard?: boolean } = {}) {
      const json = { ids: [...ids], ...(options.hard === true ? { hard_delete: true } : {}) }
      return await callJson(transport, 'batchDelete', {
        method: 'POST',
        path: '/api/v2/assets/batch-delete',
        // Deleting what is deleted changes nothing; for good, the second answer would be 404.
        idempotent: options.hard !== true,
        json,
        options,
      })
    },

    /** One archive of several assets; it is made while it is sent, so it cannot be resumed. */
    async getMany(
      request: BodyOf<Routes['batchDownload']>,
      options: CallOptions = {},
    ): Promise<Download> {
      const target = jsonRequest('batchDownload', {
        method: 'POST',
        path: '/api/v2/assets/batch-download',
        idempotent: true,
        safe: true,
        json: request,
      })
      return await startDownload(transport, target, options)
    },
  }
}

/** All stored is answered by a plain list; it gets the form of the mixed answer. */
async function readBatch(answer: Answer): Promise<BatchUploadResult> {
  const value = await readJson<readonly AssetResponse[] | BatchUploadResult>(answer)
  if (!isList(value)) return value
  const results = value.map((asset, index) => {
    return { index, filename: asset.name, status: 201, asset }
  })
  return { results, succeeded: results.length, failed: 0 }
}

function isList(
  value: readonly AssetResponse[] | BatchUploadResult,
): value is readonly AssetResponse[] {
  return Array.isArray(value)
}
