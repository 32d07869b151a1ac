import type { Call } from '@holdfast/core/call.ts'
import type { ExpectedDigests } from '@holdfast/core/digests.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import { bounds } from '@holdfast/core/limits.ts'
import type {
  ChecksumAlgorithm,
  MultipartUpload,
  ObjectFacets,
  UploadPart,
} from '@holdfast/core/objects.ts'
import type { ByteRange, ByteSource, Staged } from '@holdfast/core/ports/element.ts'
import { authorisedAnew, rightsMoment, rightsNow } from '../access/rights-now.ts'
import { receiveUpload } from '../assets/intake/upload.ts'
import { type Seen, seenOf } from '../assets/writes/seen.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { checksumAmong, digestNameOf } from '../objects/checksums.ts'
import { getObject, sourceSeen } from '../objects/find-object.ts'
import type { ObjectAddress, StoredObject } from '../objects/object-views.ts'
import { readObject } from '../objects/read-object.ts'
import { requireSource, type SourceConditions } from '../objects/source-conditions.ts'
import { findUpload, type UploadAddress } from './find-upload.ts'
import type { PutPartArgs } from './upload-transactions.ts'

export interface UploadPartInput extends UploadAddress {
  /** 1 to 10,000. */
  readonly number: number
  readonly source: ByteSource
  readonly length?: number | undefined
  readonly expected?: ExpectedDigests | undefined
  readonly trailing?: (() => ExpectedDigests) | undefined
  /** Of the checksum that comes with the part, which must be that of the upload. */
  readonly algorithm?: ChecksumAlgorithm | undefined
}

/** With what the object will be encrypted by, and what its checksum is made by. */
export type SealedPart = UploadPart &
  Pick<ObjectFacets, 'encryption'> & { readonly algorithm?: ChecksumAlgorithm | undefined }

/** Durable when it resolves. The checksum of the upload's or the part's algorithm is computed. */
export async function uploadPart(
  engine: Engine,
  call: Call,
  input: UploadPartInput,
): Promise<SealedPart> {
  requireNumber(input.number)
  const place = placeOf(engine, call, input)
  const { upload } = await findUpload(engine, call, place)
  const { algorithm = upload.checksum?.algorithm } = input
  if (upload.checksum !== null && algorithm !== upload.checksum.algorithm) {
    const problem = `is ${algorithm}, and that of the upload is ${upload.checksum.algorithm}`
    const errors = [{ path: 'checksum_algorithm', problem }]
    const expected = upload.checksum.algorithm
    throw new HoldfastError('VALIDATION_ERROR', { errors, expected, actual: algorithm })
  }
  return sealed(upload, await keepPart(engine, call, { input, place, upload }))
}

interface Place extends UploadAddress {
  readonly action: 's3:PutObject'
  /** Of the rights that the upload is found by. */
  readonly moment: number
}

function placeOf(
  engine: Engine,
  { moment }: Call,
  { bucket, key, uploadId }: UploadAddress,
): Place {
  const action = 's3:PutObject'
  return { bucket, key, uploadId, action, moment: moment ?? rightsMoment(engine) }
}

function sealed(
  { facets: { encryption }, checksum }: MultipartUpload,
  part: UploadPart,
): SealedPart {
  const algorithm = checksum?.algorithm
  return { ...part, algorithm, ...(encryption === undefined ? {} : { encryption }) }
}

async function keepPart(
  engine: Engine,
  call: Call,
  {
    input,
    place,
    upload,
    from,
  }: {
    readonly input: Omit<UploadPartInput, keyof UploadAddress>
    readonly place: Place
    readonly upload: MultipartUpload
    readonly from?: Source | undefined
  },
): Promise<UploadPart> {
  const { number, length, expected, trailing } = input
  const algorithm = upload.checksum?.algorithm
  // One that trails the bytes must be computed before it is known, also where none is kept.
  const computed = algorithm ?? input.algorithm
  const source = await watchedPart(engine, { place, input, upload })
  const received = await receiveUpload(engine, call, source, {
    length,
    expected,
    trailing,
    md5: true,
    digests: computed === undefined ? undefined : [digestNameOf(computed)],
    sizeMax: bounds.partBytesMax,
  })
  try {
    const { facts, location, staged } = received
    const { digests: _, ...kept } = facts
    const { md5 } = kept
    if (md5 === null) throw new HoldfastError('INTERNAL', {}, { cause: 'a part without MD5' })
    const checksum = algorithm === undefined ? null : (checksumAmong(facts, algorithm) ?? null)
    const incoming = { facts: kept, location }
    const args = { number, incoming, md5, checksum }
    const bytes = staged === null ? {} : { staged: [staged] }
    return await commitPart(engine, call, { place, args, bytes, from })
  } finally {
    await received.discard()
  }
}

/** Open parts weigh on the quotas of the object to be. */
async function watchedPart(
  engine: Engine,
  {
    place,
    input: { number, source, length },
    upload: { id, ownerId, service },
  }: {
    readonly place: Place
    readonly input: Pick<UploadPartInput, 'number' | 'source' | 'length'>
    readonly upload: MultipartUpload
  },
): Promise<ByteSource> {
  const before = await engine.catalog.view.uploads.part(id, number)
  const instead = before === undefined ? undefined : { id: before.id, size: before.size }
  const payers = { bucket: place.bucket, owner: ownerId, service }
  return await engine.arriving.watched(source, { payers, length, instead })
}

/** Asked again now that the bytes are here: whoever began to send them may have lost the right. */
async function commitPart(
  engine: Engine,
  call: Call,
  {
    place,
    args,
    bytes = {},
    from,
  }: {
    readonly place: Place
    readonly from?: Source | undefined
    readonly args: Omit<PutPartArgs, 'uploadId'>
    readonly bytes?: { readonly staged?: Staged[] }
  },
): Promise<UploadPart> {
  const isSame = place.moment === rightsMoment(engine)
  const asked = isSame ? call : await rightsNow(engine, call)
  return await authorisedAnew(engine, asked, async now => {
    const { bucket, asset, upload } = await findUpload(engine, now, place)
    const sources = from === undefined ? [] : [await from.seen()]
    const seen = [seenOf(bucket, asset), ...sources]
    const about = { ...args, uploadId: upload.id, seen }
    const part = await commit(engine, call, { name: 'uploads.putPart', args: about, ...bytes })
    engine.digests.partKept(upload.id)
    return part
  })
}

export interface CopyPartInput extends UploadAddress {
  readonly number: number
  readonly from: ObjectAddress
  readonly range?: ByteRange | undefined
  readonly sourceConditions?: SourceConditions | undefined
}

interface Source {
  readonly source: StoredObject
  /** What the part may be committed by, asked before each commit. */
  readonly seen: () => Promise<Seen>
}

/** The whole of a plain object is taken by reference, a range is read and stored anew. */
export async function uploadPartCopy(
  engine: Engine,
  call: Call,
  input: CopyPartInput,
): Promise<{ readonly part: SealedPart; readonly source: StoredObject }> {
  requireNumber(input.number)
  const { number, range } = input
  const place = placeOf(engine, call, input)
  const { upload } = await findUpload(engine, call, place)
  const find = async (now: Call) => await getObject(engine, now, input.from)
  const source = await find(call)
  const { moment } = place
  const { versionId } = input.from
  const seen = sourceSeen(engine, call, { source, find, versionId, moment })
  const from = { source, seen }
  requireSource(source, input.sourceConditions ?? {})
  const { size } = source.version
  if (range !== undefined && range.last >= size) {
    throw new HoldfastError('RANGE_NOT_SATISFIABLE', { size })
  }
  const whole = range === undefined || (range.first === 0 && range.last === size - 1)
  const shared = whole ? await sharePart(engine, call, { place, upload, number, from }) : undefined
  if (shared !== undefined) return { part: sealed(upload, shared), source }
  const length = range === undefined ? size : range.last - range.first + 1
  const body = size === 0 ? nothing() : bytesOf(engine, source, range)
  const part = await keepPart(engine, call, {
    ...{ place, upload, from },
    input: { number, source: body, length },
  })
  return { part: sealed(upload, part), source }
}

/** Undefined where the bytes must be read: for their checksum, or because they are composed. */
async function sharePart(
  engine: Engine,
  call: Call,
  wanted: {
    readonly place: Place
    readonly upload: MultipartUpload
    readonly number: number
    readonly from: Source
  },
): Promise<UploadPart | undefined> {
  const { place, upload, number, from } = wanted
  const { source } = from
  const { sha256, md5, size } = source.version
  const algorithm = upload.checksum?.algorithm
  const known = source.facets.checksum
  const same = known?.algorithm === algorithm && known?.type === 'full'
  if (md5 === null || size > bounds.partBytesMax) return undefined
  if (algorithm !== undefined && !same) return undefined
  const blob = await engine.catalog.view.blobs.get(sha256)
  if (blob === undefined || blob.parts !== undefined) return undefined
  const checksum = algorithm === undefined ? null : (known?.value ?? null)
  const incoming = { facts: { sha256, md5, size }, parts: [] }
  return await commitPart(engine, call, { place, args: { number, incoming, md5, checksum }, from })
}

async function* bytesOf(
  engine: Engine,
  source: StoredObject,
  range: ByteRange | undefined,
): AsyncGenerator<Uint8Array> {
  const { bytes, chunks } = await readObject(engine, source, { range })
  if (bytes !== undefined) yield bytes
  else yield* chunks
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function requireNumber(number: number): void {
  if (Number.isSafeInteger(number) && number >= 1 && number <= bounds.partsMax) return
  const problem = `must be a whole number from 1 to ${bounds.partsMax}`
  throw invalidFields({ path: 'part_number', problem })
}
