import type { Call } from '@holdfast/core/call.ts'
import { invalidFields } from '@holdfast/core/errors.ts'
import { isUuid } from '@holdfast/core/ids.ts'
import type {
  ChecksumAlgorithm,
  ChecksumType,
  MultipartUpload,
  UploadPart,
} from '@holdfast/core/objects.ts'
import type { UploadQuery } from '@holdfast/core/ports/object-questions.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import { authorizeBucket } from '../access/authorize-action.ts'
import { authorisedAnew } from '../access/rights-now.ts'
import { findTarget } from '../assets/intake/put-target.ts'
import { seenOf } from '../assets/writes/seen.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { completeFacets, type ObjectInput } from '../objects/object-facets.ts'
import { objectPut, requireTargetGrants } from '../objects/store-object.ts'
import { isCrc } from './combine-crc.ts'
import { findUpload, type UploadAddress } from './find-upload.ts'

export interface CreateUploadInput {
  readonly bucket: string
  readonly key: string
  readonly facets: ObjectInput
  readonly checksum?:
    | { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType }
    | undefined
}

/** VALIDATION_ERROR for a pair of algorithm and type that S3 does not have. */
export async function createUpload(
  engine: Engine,
  call: Call,
  input: CreateUploadInput,
): Promise<MultipartUpload> {
  return await authorisedAnew(engine, call, now => beginUpload(engine, now, input))
}

async function beginUpload(
  engine: Engine,
  call: Call,
  input: CreateUploadInput,
): Promise<MultipartUpload> {
  const { bucket, key, facets, checksum = null } = input
  if (checksum !== null) requireChecksumType(checksum)
  const put = objectPut(engine, call, { bucket, key, facets })
  const target = await findTarget(engine, call, put)
  // Refused now, not after hours of uploading; what the bucket prescribes is added at the end.
  const { encryption } = completeFacets(target.bucket, facets, engine.clock.now())
  requireTargetGrants(call, { put, target, facets })
  const { principal } = call
  const args = {
    bucketId: target.bucket.id,
    seen: [seenOf(target.bucket, target.existing)],
    key,
    service: put.fields.service,
    ownerId: put.fields.ownerId,
    initiatorId: principal.id,
    createdBy: principal.name,
    checksum,
    facets: encryption === undefined ? facets : { ...facets, encryption },
  }
  return commit(engine, call, { name: 'uploads.create', args })
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
function requireChecksumType({ algorithm, type }: NonNullable<CreateUploadInput['checksum']>) {
  const known = type === 'full' ? isCrc(algorithm) : algorithm !== 'CRC64NVME'
  if (known) return
  const problem = `${algorithm} has no checksums of type ${type}`
  throw invalidFields({ path: 'checksum_type', problem })
}

/** Drops the parts. UPLOAD_NOT_FOUND when it is not there (any more). */
export async function abortUpload(
  engine: Engine,
  call: Call,
  address: UploadAddress,
): Promise<void> {
  const wanted = { ...address, action: 's3:AbortMultipartUpload' as const }
  await authorisedAnew(engine, call, async now => {
    const { bucket, asset, upload } = await findUpload(engine, now, wanted)
    const seen = [seenOf(bucket, asset)]
    const args = { uploadId: upload.id, abandonedSince: null, seen }
    await commit(engine, now, { name: 'uploads.remove', args })
    engine.digests.forget(upload.id)
  })
}

export interface PartPage {
  readonly upload: MultipartUpload
  readonly parts: readonly UploadPart[]
  /** Number to pass as `after`; absent on the last page. */
  readonly next?: number
}

export async function listParts(
  engine: Engine,
  call: Call,
  query: UploadAddress & { readonly after?: number | undefined; readonly limit: number },
): Promise<PartPage> {
  const { bucket, key, uploadId, after = 0, limit } = query
  const wanted = { bucket, key, uploadId, action: 's3:ListMultipartUploadParts' as const }
  const { upload } = await findUpload(engine, call, wanted)
  const found = await engine.catalog.view.uploads.parts({ uploadId, after, limit: limit + 1 })
  const parts = found.slice(0, limit)
  const last = parts.at(-1)
  if (found.length <= limit || last === undefined) return { upload, parts }
  return { upload, parts, next: last.number }
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

/** Keys in UTF-8 byte order, of each the oldest upload first. */
export async function listUploads(
  engine: Engine,
  call: Call,
  query: ListUploadsQuery,
): Promise<UploadPage> {
  const action = 's3:ListBucketMultipartUploads'
  const bucket = await authorizeBucket(engine, call, { bucket: query.bucket, action })
  const { prefix, delimiter, limit } = query
  const found = await engine.catalog.view.uploads.list({
    bucketId: bucket.id,
    ...(prefix === undefined ? {} : { prefix }),
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(await startOf(engine, bucket, query)),
    limit: limit < 1 ? 0 : limit + 1,
  })
  const page = found.slice(0, limit)
  const uploads = page.flatMap(({ upload }) => upload ?? [])
  const prefixes = page.flatMap(entry => entry.prefix ?? [])
  const last = page.at(-1)
  if (found.length <= limit || last === undefined) return { uploads, prefixes }
  const next =
    last.prefix === undefined
      ? { key: last.upload.key, uploadId: last.upload.id }
      : { key: last.prefix }
  return { uploads, prefixes, next }
}

async function startOf(
  engine: Engine,
  bucket: Bucket,
  { keyMarker, uploadIdMarker }: ListUploadsQuery,
): Promise<Pick<UploadQuery, 'after' | 'afterSeq'>> {
  if (keyMarker === undefined || keyMarker === '') return {}
  if (uploadIdMarker === undefined) return { after: keyMarker }
  const none = () => invalidFields({ path: 'upload_id_marker', problem: 'names no upload of it' })
  if (!isUuid(uploadIdMarker)) throw none()
  const upload = await engine.catalog.view.uploads.byId(uploadIdMarker)
  // It ended since the page that named it: what may be told twice is better than what is left out.
  if (upload === undefined) return { after: keyMarker, afterSeq: 0 }
  if (upload.bucketId !== bucket.id || upload.key !== keyMarker) throw none()
  return { after: keyMarker, afterSeq: upload.createdSeq }
}
