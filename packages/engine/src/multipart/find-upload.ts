import type { Call } from '@holdfast/core/call.ts'
import { HIDDEN } from '@holdfast/core/errors.ts'
import type { MultipartUpload } from '@holdfast/core/objects.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { type Action, actionPermissions } from '../access/actions.ts'
import { authorizeObject, findBucketFor, isAllowed } from '../access/authorize-action.ts'
import { decide } from '../access/decide.ts'
import { holderOf } from '../assets/writes/stored-asset.ts'
import type { Engine } from '../engine.ts'
import { missingUpload } from './stored-upload.ts'

/** Which upload: all three must agree, UPLOAD_NOT_FOUND else. */
export interface UploadAddress {
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
}

export interface UploadPlace {
  readonly bucket: Bucket
  readonly asset: Asset | undefined
  /** Undefined when it is not there (any more); of who may not know of it, UPLOAD_NOT_FOUND. */
  readonly upload: MultipartUpload | undefined
}

/** Looks an upload up after the caller was found to be allowed to write its key. */
export async function lookUpUpload(
  engine: Engine,
  call: Call,
  { bucket: name, key, uploadId, action }: UploadAddress & { readonly action: Action },
): Promise<UploadPlace> {
  const bucket = await findBucketFor(engine, call, { bucket: name, action })
  const { view } = engine.catalog
  const asset = await view.assets.byKey(bucket.id, key)
  const upload = await view.uploads.byId(uploadId)
  const there = upload?.bucketId === bucket.id && upload.key === key
  if (there && isInitiators(call, upload) && OF_INITIATORS.has(action)) {
    // What lies at the key already closes nothing, and may still open it below.
    const { ownerId } = upload
    const began = { bucket, key, ownerId, isTaken: true, action }
    if (isAllowed(call, began)) return { bucket, asset, upload }
  }
  const holder = await holderOf(view, asset)
  authorizeObject(call, { bucket, key, asset: holder, action })
  if (!there) return { bucket, asset, upload: undefined }
  if (isOpenTo(call, { bucket, asset: holder, upload, action })) return { bucket, asset, upload }
  throw missingUpload(uploadId, { cause: HIDDEN })
}

/**
 * What who began an upload may do with it in the bucket of another, too
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions).
 */
const OF_INITIATORS: ReadonlySet<Action> = new Set<Action>([
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
])

/** All who show no credential have one id, and are not one. */
function isInitiators({ principal }: Call, { initiatorId }: MultipartUpload): boolean {
  return principal.kind !== 'anonymous' && initiatorId === principal.id
}

/** Its parts are nobody's asset yet: rights on own assets open only uploads of one's own. */
function isOpenTo(
  { principal }: Call,
  {
    bucket,
    asset,
    upload,
    action,
  }: UploadPlace & { readonly upload: MultipartUpload; readonly action: Action },
): boolean {
  const { ownerId, key, initiatorId } = upload
  if (initiatorId === principal.id) return true
  const place = { bucket, asset: asset && { ...asset, ownerId }, fresh: { ownerId, key } }
  return decide(principal, actionPermissions[action], { ...place, action }).allowed
}

export async function findUpload(
  engine: Engine,
  call: Call,
  wanted: UploadAddress & { readonly action: Action },
): Promise<UploadPlace & { readonly upload: MultipartUpload }> {
  const { bucket, asset, upload } = await lookUpUpload(engine, call, wanted)
  if (upload === undefined) throw missingUpload(wanted.uploadId)
  return { bucket, asset, upload }
}
