import type { HoldfastError } from '@holdfast/core/errors.ts'
import { lineOf } from '@holdfast/engine/caller-lines.ts'
import {
  type RemovalOutcome,
  type RemoveObjectInput,
  removeObjects,
} from '@holdfast/engine/objects/remove-object.ts'
import { auditRefusal } from '../audited.ts'
import type { Verified } from '../auth/verify.ts'
import { asS3Error, INVALID_VERSION_ID } from '../error-codes.ts'
import { S3Error } from '../errors.ts'
import { type Answer, xmlAnswer } from '../requests/answer.ts'
import { bucketPlace } from '../requests/place.ts'
import { holdAnswer } from '../send.ts'
import { checksumOfHeader } from '../wire/checksums.ts'
import { removalConditions } from '../wire/conditions.ts'
import {
  booleanOf,
  childrenOf,
  malformed,
  readXml,
  requiredText,
  requireOnly,
  textOf,
} from '../xml/read.ts'
import { writeXml, type XmlNode } from '../xml/write.ts'
import { bypasses } from './delete-object.ts'

const BODY_BYTES_MAX = 4 * 1024 * 1024
const OBJECTS_MAX = 1000
/** To answer what is longer has a turn of the event loop for itself, as to read it has. */
const SHORT_BYTES = 64 * 1024

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export async function deleteObjects(verified: Verified): Promise<Answer> {
  const { engine, call, bucket } = bucketPlace(verified)
  requireIntegrity(verified)
  const body = await verified.body.read(BODY_BYTES_MAX)
  if (body.length === 0) throw new S3Error('MissingRequestBodyError')
  holdAnswer(verified.request, answerBytes(body))
  const root = readXml(body, 'Delete')
  requireOnly(root, 'Object', 'Quiet')
  const quiet = booleanOf(root, 'Quiet') ?? false
  const bypassGovernance = bypasses(verified.request.headers)
  const inputs = childrenOf(root, 'Object').map((object): RemoveObjectInput => {
    requireOnly(object, 'Key', 'VersionId', 'ETag', 'Size', 'LastModifiedTime')
    const versionId = textOf(object, 'VersionId')
    const key = requiredText(object, 'Key')
    if (key === '') {
      throw new S3Error('UserKeyMustBeSpecified', { message: 'User key must be specified.' })
    }
    return {
      bucket,
      key,
      bypassGovernance,
      ...(versionId === undefined || versionId === '' ? {} : { versionId }),
      conditions: removalConditions({
        etag: textOf(object, 'ETag'),
        size: textOf(object, 'Size'),
        modified: textOf(object, 'LastModifiedTime'),
      }),
    }
  })
  if (inputs.length === 0 || inputs.length > OBJECTS_MAX) throw malformed()
  const outcomes = await removeObjects(engine, call, inputs)
  if (body.length > SHORT_BYTES) await engine.lists.next(lineOf(call))
  // Taken from what each key was told, so that nobody learns more of the bucket than that.
  const [missing] = outcomes.flatMap(({ error }) => error ?? [])
  if (missing?.code === 'BUCKET_NOT_FOUND') throw missing
  verified.request.told.removed = inputs
    .filter((_, at) => outcomes[at]?.error === undefined)
    .map(({ key }) => key)
  auditRefused(verified, inputs, outcomes)
  const nodes = outcomes.flatMap((outcome, at): XmlNode[] => {
    const input = inputs[at]
    if (input === undefined || (quiet && outcome.error === undefined)) return []
    return [outcomeNode(input, outcome)]
  })
  return xmlAnswer(writeXml('DeleteResult', nodes))
}

const [QUOTE, APOSTROPHE, GREATER] = Buffer.from('"\'>')

/** About as many: it names the same keys, with escapes where they may come without. */
function answerBytes(body: Uint8Array): number {
  let bytes = body.length
  for (const byte of body) {
    if (byte === QUOTE || byte === APOSTROPHE) bytes += '&quot;'.length - 1
    else if (byte === GREATER) bytes += '&gt;'.length - 1
  }
  return bytes
}

/** The answer is a good one whatever was refused in it: the log gets a row for all of that. */
function auditRefused(
  { request }: Verified,
  inputs: readonly RemoveObjectInput[],
  outcomes: readonly RemovalOutcome[],
): void {
  const refused = outcomes.flatMap(({ error }, at) => {
    const refusal = error === undefined ? undefined : asS3Error(error)
    const key = inputs[at]?.key
    return refusal?.status === 403 && key !== undefined ? [{ refusal, key }] : []
  })
  const [first] = refused
  if (first === undefined) return
  const keys = refused.map(({ key }) => key)
  auditRefusal(request, first.refusal, keys)
}

/** AWS wants a checksum here; a signed body is one. */
function requireIntegrity({ request }: Verified): void {
  const { headers } = request
  const names = [...headers.names.all(), ...(headers.get('x-amz-trailer') ?? '').split(',')]
  const summed = names.some(name => checksumOfHeader(name.trim().toLowerCase()) !== undefined)
  const signed = /^[0-9a-f]{64}$/i.test(headers.get('x-amz-content-sha256') ?? '')
  if (summed || signed || headers.has('content-md5')) return
  const message = 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*'
  throw new S3Error('InvalidRequest', { message })
}

/** In a list an id that can be none is one of no version. */
function entryError(error: HoldfastError): S3Error {
  const refusal = asS3Error(error)
  return refusal.message === INVALID_VERSION_ID ? new S3Error('NoSuchVersion') : refusal
}

function outcomeNode(input: RemoveObjectInput, { removed, error }: RemovalOutcome): XmlNode {
  const asked: XmlNode[] = [
    ['Key', input.key],
    ['VersionId', input.versionId],
  ]
  if (error !== undefined) {
    const { code, message } = entryError(error)
    return ['Error', [...asked, ['Code', code], ['Message', message]]]
  }
  const marker: XmlNode[] = removed.deleteMarker
    ? [
        ['DeleteMarker', true],
        ['DeleteMarkerVersionId', removed.versionId ?? undefined],
      ]
    : []
  return ['Deleted', [...asked, ...marker]]
}
