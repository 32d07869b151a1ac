import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { actionPermissions } from '@holdfast/engine/access/actions.ts'
import { findBucketFor, isAllowed } from '@holdfast/engine/access/authorize-action.ts'
import { refusal } from '@holdfast/engine/access/decide.ts'
import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import { putObject } from '@holdfast/engine/objects/put-object.ts'
import { ownerOf } from '@holdfast/engine/objects/store-object.ts'
import { gather, SMALL_BYTES_MAX } from '../../../http/direct/body-buffers.ts'
import type { Verified } from '../auth/verify.ts'
import { type Answer, emptyAnswer } from '../requests/answer.ts'
import { objectPlace } from '../requests/place.ts'
import { writeConditions } from '../wire/conditions.ts'
import { checksumHeaders, encryptionHeader, newVersionHeader } from '../wire/object-headers.ts'
import { objectInput } from '../wire/object-input.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export async function putObjectHere(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const facets = await objectInput(verified).catch(async error => {
    await requirePut(verified)
    throw error
  })
  const conditions = writeConditions(verified.request.headers)
  const length = verified.body.contentLength
  const { source, expected, trailing, checksum } = verified.body.open()
  const { buffers } = verified.request
  const memory = length > 0 && length <= SMALL_BYTES_MAX ? buffers.take(length) : undefined
  const object = await putObject(engine, call, {
    ...address,
    source: memory === undefined ? source : gathered(source, memory),
    length,
    expected,
    trailing,
    facets,
    checksum: checksum?.algorithm,
    conditions,
  })
  // A put that failed may have left the bytes with somebody; what is durable is looked at no more.
  if (memory !== undefined) buffers.giveBack(memory)
  return emptyAnswer(200, storedHeaders(object))
}

/** FORBIDDEN: what is wrong with headers is told to who may put there, as AWS does. */
async function requirePut(verified: Verified): Promise<void> {
  const { engine, call, address } = objectPlace(verified)
  const { bucket: name, key } = address
  const action = 's3:PutObject'
  const bucket = await findBucketFor(engine, call, { bucket: name, action })
  const asset = await engine.catalog.view.assets.byKey(bucket.id, key)
  const wanted = { bucket, key, asset, ownerId: ownerOf(call.principal), action } as const
  if (isAllowed(call, wanted)) return
  throw refusal(call.principal, actionPermissions[action], 'the object may not be put')
}

/** What is told of an object that was just put. */
export function storedHeaders(object: StoredObject): Record<string, string> {
  return {
    etag: `"${object.etag}"`,
    ...newVersionHeader(object),
    ...encryptionHeader(object),
    ...checksumHeaders(object),
  }
}

/** The body in one piece, read when it is asked for and not before. */
async function* gathered(source: ByteSource, memory: Buffer): AsyncGenerator<Uint8Array> {
  yield await gather(source, memory)
}
