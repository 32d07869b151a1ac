import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { RawPutQuery, UploadFields } from '@holdfast/contract/schemas/upload.ts'
import { buildForm, type FormFile, formDigest } from '../body/form.ts'
import { sendBytes, type UploadOptions } from '../body/upload.ts'
import type { UploadBody } from '../body/upload-body.ts'
import { type ContentFacts, readFacts } from '../download/content-facts.ts'
import { type Download, type DownloadOptions, startDownload } from '../download/download.ts'
import type { CallOptions } from '../options.ts'
import { jsonRequest, readJson, requestOf } from '../wire/operations.ts'
import type { Answer, Transport } from '../wire/transport.ts'

export interface AssetKey {
  readonly bucket: string
  readonly key: string
}

/** An asset by its id, or by bucket and key. */
export type AssetRef = string | AssetKey

/** A stored asset, and whether the call made it. */
export interface Put {
  readonly asset: AssetResponse
  readonly created: boolean
}

export interface PutOptions extends UploadOptions {
  readonly fields?: RawPutQuery
}

export interface ContentOptions extends DownloadOptions {
  /** Instead of the current one. */
  readonly version?: number
}

/** Bytes in and out. */
export function assetContentCalls(transport: Transport) {
  return {
    /** Creates or replaces by key. Bytes of any size; a changed content makes a version. */
    async put(target: AssetKey, body: UploadBody, options: PutOptions = {}): Promise<Put> {
      const { bucket, key } = target
      const request = requestOf('putByKeyQuery', {
        method: 'PUT',
        path: '/api/v2/buckets/{bucket}/asset',
        params: { bucket },
        query: { key, ...options.fields },
      })
      const { created, ...asset } = await sendBytes(transport, request, {
        body,
        options,
        read: readPut,
      })
      return { asset, created }
    },

    /** Puts new content to an asset that is there. */
    async putContent(id: string, body: UploadBody, options: PutOptions = {}) {
      const request = requestOf('putAssetContent', {
        method: 'PUT',
        path: '/api/v2/assets/{id}/content',
        params: { id },
        query: { ...options.fields },
      })
      return await sendBytes(transport, request, { body, options, read: readJson<AssetResponse> })
    },

    /** Creates by form, under a key of the server's choice unless `fields` names one. */
    async upload(file: FormFile, fields: UploadFields, options: CallOptions = {}) {
      const checksum = fields.checksum ?? (await formDigest(file, transport.sha256))
      const part = { file, filename: fields.filename, contentType: fields.content_type }
      const request = jsonRequest('uploadAsset', {
        method: 'POST',
        path: '/api/v2/assets/upload',
        options,
      })
      const body = buildForm({ ...fields, checksum }, [part])
      return await transport.run<AssetResponse>({ ...request, body }, readJson)
    },

    /** Bytes of the current content, or of `version`. */
    async get(ref: AssetRef, options: ContentOptions = {}): Promise<Download> {
      const query = options.version === undefined ? {} : { version: options.version }
      return await startDownload(transport, contentRequest(ref, query), options)
    },

    /** What the headers of a download say, without the bytes. */
    async head(ref: AssetRef, options: CallOptions & { version?: number } = {}) {
      const query = options.version === undefined ? {} : { version: options.version }
      const request = { ...contentRequest(ref, query), method: 'HEAD', options }
      return await transport.run<ContentFacts>(request, async ({ response, silence }) => {
        silence.release()
        return readFacts(response)
      })
    },
  }
}

function contentRequest(ref: AssetRef, query: { version?: number }) {
  if (typeof ref === 'string') {
    return requestOf('downloadAsset', {
      method: 'GET',
      path: '/api/v2/assets/{id}/download',
      params: { id: ref },
      query,
    })
  }
  const { bucket, key } = ref
  return requestOf('getByKeyQuery', {
    method: 'GET',
    path: '/api/v2/buckets/{bucket}/asset',
    params: { bucket },
    query: { key, ...query },
  })
}

export async function readPut(answer: Answer): Promise<AssetResponse & { created: boolean }> {
  const asset = await readJson<AssetResponse>(answer)
  return { ...asset, created: answer.response.status === 201 }
}
