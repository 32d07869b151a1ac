import { isHoldfastError } from '@holdfast/core/errors.ts'
import { copyObject, renameObject } from '@holdfast/engine/objects/copy-object.ts'
import { getObject } from '@holdfast/engine/objects/find-object.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import { type CopySource, parseCopySource } from '../requests/address.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { objectPlace } from '../requests/place.ts'
import { checksumNodes } from '../wire/checksum-nodes.ts'
import { checksumAlgorithmOf } from '../wire/checksums.ts'
import { sourceConditions, writeConditions } from '../wire/conditions.ts'
import { encryptionHeader, newVersionHeader, versionHeader } from '../wire/object-headers.ts'
import { wholeSeconds, writeXml } from '../xml/write.ts'
import { putInput } from './put-input.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export async function copyObjectHere(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const { headers } = verified.request
  const from = copySourceOf(verified)
  const replaceMetadata = directive(verified, 'x-amz-metadata-directive') === 'REPLACE'
  const replaceTags = directive(verified, 'x-amz-tagging-directive') === 'REPLACE'
  const { tags, ...facets } = await putInput(verified)
  const itself =
    from.bucket === address.bucket && from.key === address.key && from.versionId === undefined
  const changes =
    replaceMetadata ||
    headers.has('x-amz-storage-class') ||
    headers.has('x-amz-server-side-encryption') ||
    facets.headers?.websiteRedirect !== undefined
  if (itself && !changes && !(await isEncryptedByRule(verified, from))) {
    const message =
      'This copy request is illegal because it is trying to copy an object to itself without ' +
      "changing the object's metadata, storage class, website redirect location or encryption " +
      'attributes.'
    throw new S3Error('InvalidRequest', { message })
  }
  const copying = copyObject(engine, call, {
    from,
    to: address,
    replaceMetadata,
    changes: changes || itself,
    facets,
    tags: replaceTags ? (tags ?? []) : undefined,
    checksum: checksumAlgorithmOf(headers.get('x-amz-checksum-algorithm')),
    sourceConditions: sourceConditions(verified.request, 'x-amz-copy-source'),
    conditions: writeConditions(headers),
  })
  const { source, object } = await copying.catch(refuseMarker)
  const xml = writeXml('CopyObjectResult', [
    ['LastModified', wholeSeconds(object.version.createdAt)],
    ['ETag', `"${object.etag}"`],
    ...checksumNodes(object),
  ])
  const sourceVersion = versionHeader(source)['x-amz-version-id']
  return xmlAnswer(xml, {
    ...newVersionHeader(object),
    ...encryptionHeader(object),
    ...(sourceVersion === undefined ? {} : { 'x-amz-copy-source-version-id': sourceVersion }),
  })
}

/** A copy takes on what the bucket prescribes, which is a change, as at AWS. */
async function isEncryptedByRule(verified: Verified, from: CopySource): Promise<boolean> {
  const { engine, call } = objectPlace(verified)
  const { bucket } = await getObject(engine, call, from)
  return bucket.documents?.encryption !== undefined
}

/** Of a source that is named by the id of a marker; a target cannot be one. */
export function refuseMarker(error: unknown): never {
  if (!isHoldfastError(error) || error.code !== 'VERSION_IS_MARKER') throw error
  const message =
    'The source of a copy request may not specifically refer to a delete marker by version id.'
  throw new S3Error('InvalidRequest', { message })
}

export function copySourceOf({ request }: Verified): CopySource {
  return parseCopySource(request.headers.get('x-amz-copy-source') ?? '')
}

function directive({ request }: Verified, name: string): 'COPY' | 'REPLACE' {
  const value = request.headers.get(name) ?? 'COPY'
  if (value === 'COPY' || value === 'REPLACE') return value
  const [kind] = /metadata|tagging/.exec(name) ?? ['']
  throw invalidArgument(name, value, `Unknown ${kind} directive.`)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_RenameObject.html */
export async function renameObjectHere(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const { headers } = verified.request
  const source = headers.get('x-amz-rename-source')
  if (source === undefined) {
    const message = 'Missing required header for this request: x-amz-rename-source'
    throw new S3Error('InvalidRequest', { message })
  }
  const from = renameSource(source, address.bucket)
  await renameObject(engine, call, {
    bucket: address.bucket,
    from,
    to: address.key,
    sourceConditions: sourceConditions(verified.request, 'x-amz-rename-source'),
    conditions: writeConditions(headers),
  })
  return emptyAnswer(200)
}

/** A key of this bucket, or `bucket/key` with it. */
function renameSource(header: string, bucket: string): string {
  const text = header.startsWith('/') ? header.slice(1) : header
  const named = text.startsWith(`${bucket}/`) ? text : `${bucket}/${text}`
  return parseCopySource(named).key
}
