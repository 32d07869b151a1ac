import type { ByteSource } from '@holdfast/core/ports/element.ts'
import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import { putObject } from '@holdfast/engine/objects/put-object.ts'
import { gather, SMALL_BYTES_MAX } from '../../../http/direct/body-buffers.ts'
import type { Verified } from '../auth/verify.ts'
import { type Answer, emptyAnswer } from '../requests/answer.ts'
import { objectPlace } from '../requests/place.ts'
import { writeConditions } from '../wire/conditions.ts'
import { checksumHeaders, encryptionHeader, newVersionHeader } from '../wire/object-headers.ts'
import { putInput } from './put-input.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export async function putObjectHere(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const facets = await putInput(verified)
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
