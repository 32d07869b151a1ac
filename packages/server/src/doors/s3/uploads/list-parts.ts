import { rightsNow } from '@holdfast/engine/access/rights-now.ts'
import { listParts, listUploads } from '@holdfast/engine/multipart/uploads.ts'
import type { Verified } from '../auth/verify.ts'
import { askedOf, countOf, limitOf, prefixNodes } from '../listing/list-query.ts'
import { ownerNode } from '../listing/owner-nodes.ts'
import { type Answer, xmlAnswer } from '../requests/answer.ts'
import { bucketPlace } from '../requests/place.ts'
import { checksumTypeName } from '../wire/object-headers.ts'
import { wholeSeconds, writeXml, type XmlNode } from '../xml/write.ts'
import { uploadPlace } from './upload-part.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
export async function listPartsHere(verified: Verified): Promise<Answer> {
  const { engine, call, upload: address } = uploadPlace(verified)
  const { query } = verified.request
  const limit = limitOf(query, 'max-parts')
  const marker = query.get('part-number-marker')
  const after = marker === undefined || marker === '' ? 0 : countOf('part-number-marker', marker)
  await engine.lists.giveWay(call)()
  const now = await rightsNow(engine, call)
  const { upload, parts, next } = await listParts(engine, now, { ...address, after, limit })
  const { checksum } = upload
  const truncated = next !== undefined && limit > 0
  const nodes = parts.map((part): XmlNode => {
    return [
      'Part',
      [
        ['PartNumber', part.number],
        ['LastModified', wholeSeconds(part.createdAt)],
        ['ETag', `"${part.md5}"`],
        ['Size', part.size],
        checksum === null || part.checksum === null
          ? undefined
          : [`Checksum${checksum.algorithm}`, part.checksum],
      ],
    ]
  })
  const xml = writeXml('ListPartsResult', [
    ['Bucket', address.bucket],
    ['Key', address.key],
    ['UploadId', address.uploadId],
    ownerNode(upload.initiatorId, 'Initiator'),
    ownerNode(upload.initiatorId),
    ['StorageClass', upload.facets.storageClass ?? 'STANDARD'],
    ['PartNumberMarker', after],
    ['NextPartNumberMarker', parts.at(-1)?.number ?? 0],
    ['MaxParts', limit],
    ['IsTruncated', truncated],
    checksum === null ? undefined : ['ChecksumAlgorithm', checksum.algorithm],
    checksum === null ? undefined : ['ChecksumType', checksumTypeName(checksum)],
    ...nodes,
  ])
  return xmlAnswer(xml)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export async function listUploadsHere(verified: Verified): Promise<Answer> {
  const { engine, call, bucket } = bucketPlace(verified)
  const { query } = verified.request
  const ask = await askedOf(verified, 'max-uploads', found => found)
  const keyMarker = query.get('key-marker') || undefined
  // Without a key marker AWS ignores it.
  const uploadIdMarker =
    keyMarker === undefined ? undefined : query.get('upload-id-marker') || undefined
  const { prefix, delimiter, limit, shown } = ask
  // A page of long keys is megabytes: one in a turn, as those of objects.
  await engine.lists.giveWay(call)()
  const now = await rightsNow(engine, call)
  const page = await listUploads(engine, now, {
    bucket,
    limit,
    ...(prefix === '' ? {} : { prefix }),
    delimiter,
    keyMarker,
    uploadIdMarker,
  })
  const next = limit > 0 ? page.next : undefined
  const nodes = page.uploads.map((upload): XmlNode => {
    const { checksum } = upload
    return [
      'Upload',
      [
        ['Key', shown(upload.key)],
        ['UploadId', upload.id],
        ownerNode(upload.initiatorId, 'Initiator'),
        ownerNode(upload.initiatorId),
        ['StorageClass', upload.facets.storageClass ?? 'STANDARD'],
        ['Initiated', wholeSeconds(upload.createdAt)],
        checksum === null ? undefined : ['ChecksumAlgorithm', checksum.algorithm],
        checksum === null ? undefined : ['ChecksumType', checksumTypeName(checksum)],
      ],
    ]
  })
  const xml = writeXml('ListMultipartUploadsResult', [
    ['Bucket', bucket],
    ['KeyMarker', shown(keyMarker ?? '')],
    ['UploadIdMarker', uploadIdMarker ?? ''],
    ['NextKeyMarker', shown(next?.key ?? '')],
    ['NextUploadIdMarker', next?.uploadId ?? ''],
    delimiter === undefined ? undefined : ['Delimiter', shown(delimiter)],
    ['Prefix', shown(prefix)],
    ['MaxUploads', limit],
    ['IsTruncated', next !== undefined],
    ask.encoding,
    ...nodes,
    ...prefixNodes(page.prefixes, ask),
  ])
  return xmlAnswer(xml)
}
