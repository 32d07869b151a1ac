import { type ListedVersion, listObjectVersions } from '@holdfast/engine/objects/list-objects.ts'
import { objectOwner } from '@holdfast/engine/objects/object-facets.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidArgument } from '../errors.ts'
import { type Answer, xmlAnswer } from '../requests/answer.ts'
import { requireBucket } from '../requests/missing-bucket.ts'
import { bucketPlace } from '../requests/place.ts'
import { checksumTypeName } from '../wire/object-headers.ts'
import type { Query } from '../wire/query.ts'
import { wholeSeconds, writeXml, type XmlNode } from '../xml/write.ts'
import { askedOf, integerOf, type ListAsk, prefixNodes } from './list-query.ts'
import { ownerNode } from './owner-nodes.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html */
export async function listVersionsHere(verified: Verified): Promise<Answer> {
  const { engine, call, bucket } = bucketPlace(verified)
  const { query } = verified.request
  // In this order, since AWS tells the first of several mistakes.
  const number = integerOf('max-keys', query.get('max-keys') || '0')
  const { keyMarker, versionIdMarker } = markersOf(query)
  if (number < 0) {
    await requireBucket(verified.request)
    throw invalidArgument('max-keys', undefined, 'max-keys cannot be negative')
  }
  const ask = await askedOf(verified, 'max-keys', found => found)
  const { prefix, delimiter, limit, shown } = ask
  const page = await listObjectVersions(engine, call, {
    bucket,
    limit,
    ...(prefix === '' ? {} : { prefix }),
    delimiter,
    keyMarker,
    versionIdMarker,
  })
  const next = limit > 0 ? page.next : undefined
  const xml = writeXml('ListVersionsResult', [
    ['Name', bucket],
    ['Prefix', shown(prefix)],
    ['KeyMarker', shown(keyMarker ?? '')],
    ['VersionIdMarker', versionIdMarker ?? ''],
    next === undefined ? undefined : ['NextKeyMarker', shown(next.key)],
    next?.versionId === undefined ? undefined : ['NextVersionIdMarker', next.versionId],
    ['MaxKeys', limit],
    delimiter === undefined ? undefined : ['Delimiter', shown(delimiter)],
    ['IsTruncated', next !== undefined],
    ask.encoding,
    ...page.versions.map(version => versionNode(version, ask)),
    ...prefixNodes(page.prefixes, ask),
  ])
  return xmlAnswer(xml)
}

/** A marker of a key that is empty counts as none; one of a version must not be empty. */
function markersOf(query: Query) {
  const keyMarker = query.get('key-marker') || undefined
  const versionIdMarker = query.get('version-id-marker')
  if (versionIdMarker === undefined) return { keyMarker, versionIdMarker }
  const wrong = (message: string) => invalidArgument('version-id-marker', versionIdMarker, message)
  if (keyMarker === undefined) {
    throw wrong('A version-id marker cannot be specified without a key marker.')
  }
  if (versionIdMarker === '') throw wrong('A version-id marker cannot be empty.')
  return { keyMarker, versionIdMarker }
}

function versionNode(listed: ListedVersion, { shown }: ListAsk): XmlNode {
  const { version, facets } = listed
  const { checksum } = facets
  const head: XmlNode[] = [
    ['Key', shown(listed.asset.key)],
    ['VersionId', listed.versionId],
    ['IsLatest', listed.isLatest],
    ['LastModified', wholeSeconds(version.createdAt)],
  ]
  if (listed.isMarker) return ['DeleteMarker', [...head, ownerNode(objectOwner(listed))]]
  return [
    'Version',
    [
      ...head,
      ['ETag', `"${listed.etag}"`],
      checksum === undefined ? undefined : ['ChecksumAlgorithm', checksum.algorithm],
      checksum === undefined ? undefined : ['ChecksumType', checksumTypeName(checksum)],
      ['Size', version.size],
      ownerNode(objectOwner(listed)),
      ['StorageClass', facets.storageClass ?? 'STANDARD'],
    ],
  ]
}
