import type { BucketDocumentName } from '@holdfast/core/objects.ts'
import type { Bucket, JsonObject } from '@holdfast/core/records.ts'
import type { Action } from '@holdfast/engine/access/actions.ts'
import { authorizeBucket } from '@holdfast/engine/access/authorize-action.ts'
import { setBucketDocument } from '@holdfast/engine/buckets/documents.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import type { Verified } from '../auth/verify.ts'
import { type S3Code, S3Error } from '../errors.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { bucketPlace } from '../requests/place.ts'
import { readXml } from '../xml/read.ts'
import { readShape, type Shape, writeShape } from '../xml/shape.ts'
import { writeXml } from '../xml/write.ts'

const BODY_BYTES_MAX = 512 * 1024

/** A configuration of a bucket that is kept as it was set. */
export interface BucketDocument {
  readonly name: BucketDocumentName
  readonly root: string
  readonly shape: Extract<Shape, { kind: 'fields' }>
  readonly read: Action
  readonly write: Action
  /** Of its XML, where AWS documents one. */
  readonly bytesMax?: number
  /** Answer where none is set; absent: an empty document. */
  readonly missing?: S3Code
  /** What the shape cannot say. */
  readonly check?: (document: JsonObject, bucket: Bucket) => void
  /** What must be there for it. */
  readonly requires?: (document: JsonObject, bucket: Bucket, engine: Engine) => Promise<void>
  /** The form that the engine reads, and back; absent: as the elements are named. */
  readonly kept?: (document: JsonObject) => JsonObject
  readonly shown?: (kept: JsonObject) => JsonObject
  /** What a header says beside the elements: it is kept among them, and answered. */
  readonly header?: DocumentHeader
}

interface DocumentHeader {
  readonly name: string
  /** Under which it is kept; no element of the shape. */
  readonly field: string
  /** The first one holds where none is said. */
  readonly words: readonly [string, ...string[]]
}

export async function bucketOf(verified: Verified, action: Action): Promise<Bucket> {
  const { engine, call, bucket } = bucketPlace(verified)
  return authorizeBucket(engine, call, { bucket, action })
}

export function getDocument(about: BucketDocument): (verified: Verified) => Promise<Answer> {
  return async verified => {
    const bucket = await bucketOf(verified, about.read)
    const document = bucket.documents?.[about.name]
    if (document === undefined && about.missing !== undefined) {
      throw new S3Error(about.missing, { BucketName: bucket.name })
    }
    const shown = about.shown?.(document ?? {}) ?? document ?? {}
    const xml = writeXml(about.root, writeShape(shown, about.shape))
    return xmlAnswer(xml, headersOf(about, shown))
  }
}

export function putDocument(about: BucketDocument): (verified: Verified) => Promise<Answer> {
  return async verified => {
    const bucket = await bucketOf(verified, about.write)
    const bytes = await verified.body.read(about.bytesMax ?? BODY_BYTES_MAX)
    if (bytes.length === 0) throw new S3Error('MissingRequestBodyError')
    const document = readShape(readXml(bytes, about.root), about.shape)
    about.check?.(document, bucket)
    await about.requires?.(document, bucket, verified.request.context.engine)
    const kept = { ...(about.kept?.(document) ?? document), ...saidBeside(about, verified) }
    await keepDocument(verified, about.name, kept)
    return emptyAnswer(200, headersOf(about, kept))
  }
}

function saidBeside({ header }: BucketDocument, { request }: Verified): JsonObject {
  const said = header === undefined ? undefined : request.headers.get(header.name)
  if (header === undefined || said === undefined) return {}
  if (header.words.includes(said)) return { [header.field]: said }
  const message = `Invalid ${header.field} found: ${said.slice(0, 64)}`
  throw new S3Error('InvalidRequest', { message })
}

function headersOf({ header }: BucketDocument, document: JsonObject): Record<string, string> {
  if (header === undefined) return {}
  return { [header.name]: String(document[header.field] ?? header.words[0]) }
}

export function deleteDocument(about: BucketDocument): (verified: Verified) => Promise<Answer> {
  return async verified => {
    await bucketOf(verified, about.write)
    await keepDocument(verified, about.name, null)
    return emptyAnswer(204)
  }
}

export async function keepDocument(
  verified: Verified,
  name: BucketDocumentName,
  document: JsonObject | null,
): Promise<Bucket> {
  const { engine, call, bucket } = bucketPlace(verified)
  return setBucketDocument(engine, call, { bucket, name, document })
}
