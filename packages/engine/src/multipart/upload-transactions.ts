import { HoldfastError } from '@holdfast/core/errors.ts'
import type { MultipartUpload, UploadPart } from '@holdfast/core/objects.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { type Incoming, keepIncoming } from '../assets/writes/incoming.ts'
import { type PutArgs, type PutResult, putTransaction } from '../assets/writes/put-transaction.ts'
import { storedBucket } from '../assets/writes/stored-asset.ts'
import { enforceQuotas } from '../quotas/enforce-quotas.ts'
import { requireUndisturbed } from './require-undisturbed.ts'
import { storedUpload } from './stored-upload.ts'

export type CreateUploadArgs = Pick<
  MultipartUpload,
  'bucketId' | 'key' | 'service' | 'ownerId' | 'initiatorId' | 'createdBy' | 'checksum' | 'facets'
>

export async function createUploadTransaction(
  tx: CatalogTransaction,
  args: CreateUploadArgs,
  moment: Moment,
): Promise<MultipartUpload> {
  const bucket = await storedBucket(tx, args.bucketId)
  const seq = await tx.nextSeq()
  const upload: MultipartUpload = {
    id: moment.newId(),
    seq,
    createdSeq: seq,
    bucketId: bucket.id,
    key: args.key,
    service: args.service,
    ownerId: args.ownerId,
    createdAt: moment.now,
    initiatorId: args.initiatorId,
    createdBy: args.createdBy,
    checksum: args.checksum,
    facets: args.facets,
  }
  await tx.put.upload(upload)
  const detail = { upload_id: upload.id, key: upload.key }
  await tx.note({ what: 'upload.created', bucketId: bucket.id, detail })
  return upload
}

export interface PutPartArgs {
  readonly uploadId: string
  readonly number: number
  readonly incoming: Incoming
  readonly md5: string
  readonly checksum: string | null
}

/** Open parts weigh on the quotas of the object to be. */
export async function putPartTransaction(
  tx: CatalogTransaction,
  args: PutPartArgs,
  moment: Moment,
): Promise<UploadPart> {
  const upload = await storedUpload(tx, args.uploadId)
  const bucket = await storedBucket(tx, upload.bucketId)
  const { facts } = args.incoming
  const before = await tx.uploads.part(upload.id, args.number)
  const payers = { bucket: bucket.name, owner: upload.ownerId, service: upload.service }
  await enforceQuotas(tx, payers, { assets: 0, bytes: facts.size - (before?.size ?? 0) })
  await keepIncoming(tx, args.incoming)
  const { sha256, size } = facts
  const { number, md5, checksum } = args
  const part: UploadPart = {
    id: `${upload.id}/${number}`,
    seq: await tx.nextSeq(),
    uploadId: upload.id,
    number,
    size,
    sha256,
    md5,
    checksum,
    createdAt: moment.now,
  }
  await tx.put.part(part)
  const detail = { upload_id: upload.id, key: upload.key, number, size, sha256 }
  await tx.note({ what: 'part.created', bucketId: bucket.id, detail })
  return part
}

export interface RemoveUploadArgs {
  readonly uploadId: string
  /** Only when it is older and no part came since: asked again inside the transaction. */
  readonly abandonedSince: string | null
}

/** False when it was not abandoned after all. */
export async function removeUploadTransaction(
  tx: CatalogTransaction,
  args: RemoveUploadArgs,
  _moment: Moment,
): Promise<boolean> {
  const upload = await storedUpload(tx, args.uploadId)
  const before = args.abandonedSince
  if (before !== null && !(await isAbandoned(tx, upload, before))) return false
  await removeUpload(tx, upload, before === null ? {} : { abandoned: true })
  return true
}

async function isAbandoned(
  tx: CatalogTransaction,
  { id, createdAt }: MultipartUpload,
  before: string,
): Promise<boolean> {
  if (createdAt >= before) return false
  for (let after = 0; ; ) {
    const page = await tx.uploads.parts({ uploadId: id, after, limit: PAGE })
    if (page.some(part => part.createdAt >= before)) return false
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return true
    after = last.number
  }
}

const PAGE = 1000

async function removeUpload(
  tx: CatalogTransaction,
  upload: MultipartUpload,
  detail: JsonObject,
): Promise<void> {
  await tx.remove.upload(upload.id)
  const { bucketId, id, key } = upload
  const facts = { upload_id: id, key, ...detail }
  await tx.note({ what: 'upload.removed', bucketId, detail: facts })
}

/** In one transaction everybody else who writes waits for; each part is one more. */
const UPLOADS_MAX = 200
const ROWS_MAX = 500

/** The uploads of a bucket that is about to go, as many as one transaction takes; true: all. */
export async function removeUploadsOf(tx: CatalogTransaction, bucketId: string): Promise<boolean> {
  const page = await tx.uploads.list({ bucketId, limit: UPLOADS_MAX })
  let rows = 0
  for (const { upload } of page) {
    if (upload === undefined) continue
    const parts = await tx.uploads.parts({ uploadId: upload.id, limit: ROWS_MAX })
    const isFirst = rows === 0
    rows += 1 + parts.length
    if (rows > ROWS_MAX && !isFirst) return false
    await removeUpload(tx, upload, {})
  }
  return page.length < UPLOADS_MAX
}

export interface CompleteUploadArgs {
  readonly uploadId: string
  /** The parts that the object was composed of, to be found unchanged. */
  readonly parts: readonly Pick<UploadPart, 'number' | 'sha256'>[]
  readonly put: PutArgs
}

/** The parts become the content of the object and the upload goes, at one moment. */
export async function completeUploadTransaction(
  tx: CatalogTransaction,
  args: CompleteUploadArgs,
  moment: Moment,
): Promise<PutResult> {
  const upload = await storedUpload(tx, args.uploadId)
  for (const { number, sha256 } of args.parts) {
    const part = await tx.uploads.part(upload.id, number)
    if (part?.sha256 !== sha256) throw new HoldfastError('PART_INVALID', { part_number: number })
  }
  await requireUndisturbed(tx, upload, args.put.object?.conditions ?? {})
  // First, so that the bytes weigh on the quotas only once.
  await removeUpload(tx, upload, { completed: true })
  return putTransaction(tx, args.put, moment)
}
