import { putObject } from '@holdfast/engine/objects/put-object.ts'
import type { Verified } from '../auth/verify.ts'
import { S3Error } from '../errors.ts'
import { type Answer, emptyAnswer } from '../requests/answer.ts'
import { objectPlace } from '../requests/place.ts'
import { writeConditions } from '../wire/conditions.ts'
import { checksumHeaders, encryptionHeader, versionHeader } from '../wire/object-headers.ts'
import { objectInput } from '../wire/object-input.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export async function putObjectHere(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const facets = objectInput(verified)
  const conditions = writeConditions(verified.request.headers)
  const { source, length, expected, trailing, checksum } = verified.body.open()
  if (length === undefined) throw new S3Error('MissingContentLength')
  const object = await putObject(engine, call, {
    ...address,
    source,
    length,
    expected,
    trailing,
    facets,
    checksum: checksum?.algorithm,
    conditions,
  })
  return emptyAnswer(200, {
    etag: `"${object.etag}"`,
    ...versionHeader(object),
    ...encryptionHeader(object),
    ...checksumHeaders(object),
  })
}
