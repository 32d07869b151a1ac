import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { bounds } from '@holdfast/core/limits.ts'
import type {
  BlobPart,
  ChecksumType,
  MultipartUpload,
  ObjectFacets,
  UploadPart,
} from '@holdfast/core/objects.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { rightsMoment, rightsNow } from '../access/rights-now.ts'
import { requireLength } from '../assets/accepted.ts'
import { findTarget } from '../assets/intake/put-target.ts'
import { commit } from '../commit.ts'
import { headOf } from '../content/content-facts.ts'
import type { Engine } from '../engine.ts'
import { isDamagedBeside } from '../integrity/examine.ts'
import { type ETagConditions, requireETag } from '../objects/etag.ts'
import { type StoredObject, storedObject } from '../objects/object-views.ts'
import { objectPut, storeObject } from '../objects/store-object.ts'
import {
  checksumOfParts,
  etagOfParts,
  requireChecksums,
  requireNamedParts,
} from './complete-parts.ts'
import { lookUpUpload, type UploadAddress } from './find-upload.ts'
import { requireUndisturbed } from './require-undisturbed.ts'
import { missingUpload } from './stored-upload.ts'

export interface NamedPart {
  readonly number: number
  /** Hex MD5, without quotes. */
  readonly etag: string
  /** Base64, when the client sent one. */
  readonly checksum?: string | undefined
}

export interface CompleteUploadInput extends UploadAddress {
  readonly parts: readonly NamedPart[]
  /** Checksum of the object that the client expects, base64 without `-<parts>`. */
  readonly checksum?: string | undefined
  /** Size that the client expects (`x-amz-mp-object-size`). */
  readonly size?: number | undefined
  /** What the client takes the checksum for (`x-amz-checksum-type`). */
  readonly checksumType?: ChecksumType | undefined
  readonly conditions?: ETagConditions | undefined
}

/**
 * Makes the parts one object without copying them. PART_INVALID, PART_ORDER_INVALID,
 * PART_TOO_SMALL, DIGEST_MISMATCH, LENGTH_MISMATCH; repeating a completion answers the same, also
 * while the first one is under way, and UPLOAD_NOT_FOUND where it names other parts. May take as
 * long as reading the whole content once, where its SHA-256 was not taken before: those of one
 * upload go one after the other, and TOO_MANY_REQUESTS where too many wait.
 */
export async function completeUpload(
  engine: Engine,
  call: Call,
  input: CompleteUploadInput,
): Promise<StoredObject> {
  const moment = call.moment ?? rightsMoment(engine)
  // By what the caller may then, since it may have waited long.
  const callNow = async () =>
    moment === rightsMoment(engine) ? call : await rightsNow(engine, call)
  const { upload } = await placeOf(engine, call, input)
  if (upload === undefined) return await completeInTurn(engine, callNow, input)
  return await engine.identity.turns.take(`complete ${upload.id}`, async () => {
    // Those who waited are told what was made, or refused, one in each turn of the event loop.
    await engine.lists.giveWay(call)()
    return await completeInTurn(engine, callNow, input)
  })
}

async function completeInTurn(
  engine: Engine,
  callNow: () => Promise<Call>,
  input: CompleteUploadInput,
): Promise<StoredObject> {
  const call = await callNow()
  const place = await placeOf(engine, call, input)
  const { upload } = place
  if (upload === undefined) {
    const done = await completedBefore(engine, place, input)
    if (done !== undefined) return done
    throw missingUpload(input.uploadId)
  }
  try {
    return await completeOpen(engine, call, { input, asset: place.asset, upload })
  } catch (error) {
    // A client that asks again while it is still being completed must not hear that it is gone.
    if (call.signal.aborted) throw error
    const now = await placeOf(engine, await callNow(), input)
    const done = now.upload === undefined ? await completedBefore(engine, now, input) : undefined
    if (done !== undefined) return done
    throw error
  }
}

function placeOf(engine: Engine, call: Call, { bucket, key, uploadId }: UploadAddress) {
  return lookUpUpload(engine, call, { bucket, key, uploadId, action: 's3:PutObject' })
}

interface OpenCompletion {
  readonly input: CompleteUploadInput
  readonly asset: Asset | undefined
  readonly upload: MultipartUpload
}

async function completeOpen(
  engine: Engine,
  call: Call,
  { input, asset, upload }: OpenCompletion,
): Promise<StoredObject> {
  const { bucket, key, uploadId, conditions = {} } = input
  const shown = asset?.deletedAt === null ? asset : undefined
  await requireETag(engine.catalog.view, shown, conditions)
  await requireUndisturbed(engine.catalog.view, upload, conditions)
  requireChecksums(upload, input)
  // No upload that named none keeps checksums of parts: their ETags tell the bytes.
  const keptNone = upload.checksum === null
  const claimed = keptNone ? input.parts.map(({ number, etag }) => ({ number, etag })) : input.parts
  const parts = requireNamedParts(await allParts(engine, upload), claimed, engine.limits)
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  requireSizes(engine, input, size)
  const facets = completedFacets(upload, parts, input)
  const [first] = parts
  const made = objectPut(engine, call, { bucket, key, facets, length: size })
  const fields = { ...made.fields, ownerId: upload.ownerId }
  const put = { ...made, fields, isOwnerSettled: true }
  const target = await findTarget(engine, call, put)
  // Too many are refused before all is read; how a part is stored may change until then.
  await plainParts(engine, parts)
  const sha256 = await engine.digests.sha256Of(upload.id, parts, call)
  const plain = await plainParts(engine, parts)
  const replaces = plain.length > 1 && (await isDamagedBeside(engine, sha256, plain))
  const ready = {
    put,
    target,
    incoming: { facts: { sha256, md5: null, size }, parts: plain, replaces },
    head: first === undefined ? new Uint8Array(0) : await headOf(engine, first),
    facets,
    conditions,
  }
  const named = parts.map(part => ({ number: part.number, sha256: part.sha256 }))
  return storeObject(engine, call, {
    ready,
    commit: args => {
      const work = { uploadId, parts: named, put: args }
      return commit(engine, call, { name: 'uploads.complete', args: work })
    },
  })
}

const RECENT = 100

/** A part whose bytes another upload made an object of counts as the parts of that. */
async function plainParts(
  { catalog, limits }: Engine,
  parts: readonly UploadPart[],
): Promise<readonly BlobPart[]> {
  // What is composed of one part is the blob of that part: nothing to look up.
  if (parts.length < 2) return parts.map(({ sha256, size }) => ({ sha256, size }))
  const plain: BlobPart[] = []
  for (const { sha256, size } of parts) {
    const own = (await catalog.view.blobs.place(sha256))?.parts ?? [{ sha256, size }]
    for (const part of own) plain.push(part)
    const { plainPartsMax: limit } = limits
    if (plain.length > limit) {
      const reason = `The parts were themselves made of parts, of more than ${limit} together.`
      throw new HoldfastError('TOO_MANY_ITEMS', { limit, reason })
    }
  }
  return plain
}

/** The answer to the first completion may have been lost on its way. */
async function completedBefore(
  { catalog }: Engine,
  { bucket, asset }: { readonly bucket: Bucket; readonly asset: Asset | undefined },
  { uploadId, parts }: CompleteUploadInput,
): Promise<StoredObject | undefined> {
  if (asset === undefined) return undefined
  const kinds = ['content'] as const
  const query = { assetId: asset.id, kinds, deleted: 'without' as const, limit: RECENT }
  const versions = await catalog.view.versions.list(query)
  const listed = versions.find(version => version.object?.uploadId === uploadId)
  const made = listed && (await catalog.view.versions.byId(listed.id))
  return made?.object && isMadeOf(made.object, parts)
    ? storedObject(bucket, asset, made)
    : undefined
}

/** Other parts than those that were named then would be taken for stored. */
function isMadeOf({ parts = [], etag }: ObjectFacets, named: readonly NamedPart[]): boolean {
  if (named.length === 0 || parts.length !== named.length) return false
  if (parts.some(({ number }, index) => number !== named[index]?.number)) return false
  return etagOfParts(named.map(part => ({ md5: part.etag }))) === etag
}

const PAGE = 1000

async function allParts({ catalog }: Engine, upload: MultipartUpload): Promise<UploadPart[]> {
  const all: UploadPart[] = []
  for (;;) {
    const query = { uploadId: upload.id, after: all.at(-1)?.number ?? 0, limit: PAGE }
    const page = await catalog.view.uploads.parts(query)
    all.push(...page)
    if (page.length < PAGE) return all
  }
}

function requireSizes(engine: Engine, input: CompleteUploadInput, size: number): void {
  if (input.size !== undefined && input.size !== size) {
    throw new HoldfastError('LENGTH_MISMATCH', { announced: input.size, size })
  }
  requireLength(size, Math.min(engine.limits.assetBytesMax, bounds.objectBytesMax))
}

function completedFacets(
  upload: MultipartUpload,
  parts: readonly UploadPart[],
  input: CompleteUploadInput,
): ObjectFacets {
  const checksum = checksumOfParts(upload, parts, input.checksum)
  return {
    ...upload.facets,
    etag: etagOfParts(parts),
    uploadId: upload.id,
    ...(checksum === undefined ? {} : { checksum }),
    parts: parts.map(({ number, size, checksum: own }) => ({
      number,
      size,
      ...(own === null ? {} : { checksum: own }),
    })),
  }
}
