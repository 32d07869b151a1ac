import { listObjects, type ObjectList } from '@holdfast/engine/objects/list-objects.ts'
import { objectOwner } from '@holdfast/engine/objects/object-facets.ts'
import type { BriefObject } from '@holdfast/engine/objects/object-views.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidArgument } from '../errors.ts'
import { type Answer, xmlAnswer } from '../requests/answer.ts'
import { bucketPlace } from '../requests/place.ts'
import { checksumTypeName } from '../wire/object-headers.ts'
import { wholeSeconds, writeXml, type XmlNode } from '../xml/write.ts'
import { askedOf, keyOfToken, type ListAsk, prefixNodes, tokenOf } from './list-query.ts'
import { ownerNode } from './owner-nodes.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
export async function listObjectsFirst(verified: Verified): Promise<Answer> {
  const { query } = verified.request
  for (const name of ['continuation-token', 'start-after']) {
    if (!query.has(name)) continue
    const told = name === 'start-after' ? 'startAfter' : name
    const message = `${told} only supported in REST.GET.BUCKET with list-type=2`
    throw invalidArgument(name, undefined, message)
  }
  const ask = await askedOf(verified, 'max-keys', found => found)
  const marker = query.get('marker') ?? ''
  const { page, name } = await pageOf(verified, ask, marker)
  const truncated = page.next !== undefined && ask.limit > 0
  const { shown } = ask
  const xml = writeXml('ListBucketResult', [
    ['Name', name],
    ['Prefix', shown(ask.prefix)],
    ['Marker', shown(marker)],
    // Without a delimiter the last key of the page is the next marker, and AWS leaves it out.
    truncated && ask.delimiter !== undefined ? ['NextMarker', shown(page.next ?? '')] : undefined,
    ['MaxKeys', ask.limit],
    ask.delimiter === undefined ? undefined : ['Delimiter', shown(ask.delimiter)],
    ['IsTruncated', truncated],
    ask.encoding,
    ...page.objects.map(object => contentsNode(object, ask, true)),
    ...prefixNodes(page.prefixes, ask),
  ])
  return xmlAnswer(xml, regionHeader(verified))
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export async function listObjectsSecond(verified: Verified): Promise<Answer> {
  const { query } = verified.request
  // AWS answers every other type as the first.
  if (query.get('list-type') !== '2') return await listObjectsFirst(verified)
  if (query.has('marker')) {
    const message = 'Marker unsupported with REST.GET.BUCKET in list-type=2'
    throw invalidArgument('marker', undefined, message)
  }
  const token = query.get('continuation-token')
  const startAfter = query.get('start-after')
  const owners = query.get('fetch-owner') === 'true'
  const isFirst = token === undefined || token === ''
  const { ask, after } = await askedOf(verified, 'max-keys', found => {
    return { ask: found, after: isFirst ? (startAfter ?? '') : keyOfToken(token) }
  })
  const { page, name } = await pageOf(verified, ask, after)
  const truncated = page.next !== undefined && ask.limit > 0
  const { shown } = ask
  const xml = writeXml('ListBucketResult', [
    ['Name', name],
    ['Prefix', shown(ask.prefix)],
    startAfter === undefined || !isFirst ? undefined : ['StartAfter', shown(startAfter)],
    token === undefined ? undefined : ['ContinuationToken', token],
    truncated ? ['NextContinuationToken', tokenOf(page.next ?? '')] : undefined,
    ['KeyCount', page.objects.length + page.prefixes.length],
    ['MaxKeys', ask.limit],
    ask.delimiter === undefined ? undefined : ['Delimiter', shown(ask.delimiter)],
    ['IsTruncated', truncated],
    ask.encoding,
    ...page.objects.map(object => contentsNode(object, ask, owners)),
    ...prefixNodes(page.prefixes, ask),
  ])
  return xmlAnswer(xml, regionHeader(verified))
}

async function pageOf(
  verified: Verified,
  ask: ListAsk,
  after: string,
): Promise<{ page: ObjectList; name: string }> {
  const { engine, call, bucket } = bucketPlace(verified)
  const { prefix, delimiter, limit } = ask
  const page = await listObjects(engine, call, {
    bucket,
    limit,
    ...(prefix === '' ? {} : { prefix }),
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(after === '' ? {} : { after }),
  })
  return { page, name: bucket }
}

function contentsNode(object: BriefObject, { shown }: ListAsk, owners: boolean): XmlNode {
  const { version, facets } = object
  const { checksum } = facets
  return [
    'Contents',
    [
      ['Key', shown(object.asset.key)],
      ['LastModified', wholeSeconds(version.createdAt)],
      ['ETag', `"${object.etag}"`],
      checksum === undefined ? undefined : ['ChecksumAlgorithm', checksum.algorithm],
      checksum === undefined ? undefined : ['ChecksumType', checksumTypeName(checksum)],
      ['Size', version.size],
      owners ? ownerNode(objectOwner(object)) : undefined,
      ['StorageClass', facets.storageClass ?? 'STANDARD'],
    ],
  ]
}

/** Clients find the region of a bucket by it. */
function regionHeader({ request }: Verified): Record<string, string> {
  return { 'x-amz-bucket-region': request.context.settings.s3Region }
}
