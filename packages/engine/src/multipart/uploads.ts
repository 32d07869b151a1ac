import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type {
  ChecksumAlgorithm,
  ChecksumType,
  MultipartUpload,
  UploadPart,
} from '@holdfast/core/objects.ts'
import type { Engine } from '../engine.ts'
import type { ObjectInput } from '../objects/put-object.ts'

export interface CreateUploadInput {
  readonly bucket: string
  readonly key: string
  readonly facets: ObjectInput
  readonly checksum?:
    | { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType }
    | undefined
}

export async function createUpload(
  _engine: Engine,
  _call: Call,
  _input: CreateUploadInput,
): Promise<MultipartUpload> {
  throw new HoldfastError('INTERNAL')
}

/** Which upload: all three must agree, UPLOAD_NOT_FOUND else. */
export interface UploadAddress {
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
}

/** Drops the parts. UPLOAD_NOT_FOUND when it is not there (any more). */
export async function abortUpload(
  _engine: Engine,
  _call: Call,
  _upload: UploadAddress,
): Promise<void> {
  throw new HoldfastError('INTERNAL')
}

export interface PartPage {
  readonly upload: MultipartUpload
  readonly parts: readonly UploadPart[]
  /** Number to pass as `after`; absent on the last page. */
  readonly next?: number
}

export async function listParts(
  _engine: Engine,
  _call: Call,
  _query: UploadAddress & { readonly after?: number | undefined; readonly limit: number },
): Promise<PartPage> {
  throw new HoldfastError('INTERNAL')
}

export interface ListUploadsQuery {
  readonly bucket: string
  readonly prefix?: string | undefined
  readonly delimiter?: string | undefined
  readonly keyMarker?: string | undefined
  readonly uploadIdMarker?: string | undefined
  /** 0 to 1000. */
  readonly limit: number
}

export interface UploadPage {
  readonly uploads: readonly MultipartUpload[]
  readonly prefixes: readonly string[]
  readonly next?: { readonly key: string; readonly uploadId?: string }
}

export async function listUploads(
  _engine: Engine,
  _call: Call,
  _query: ListUploadsQuery,
): Promise<UploadPage> {
  throw new HoldfastError('INTERNAL')
}
