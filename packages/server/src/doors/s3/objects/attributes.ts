import { authorizeObject } from '@holdfast/engine/access/authorize-action.ts'
import { getObject } from '@holdfast/engine/objects/find-object.ts'
import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import { requireNumber } from '../auth/verified-body.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import { type Answer, xmlAnswer } from '../requests/answer.ts'
import { objectPlace } from '../requests/place.ts'
import { requireReadConditions } from '../wire/conditions.ts'
import { httpDate } from '../wire/header-text.ts'
import { checksumTypeName, versionHeader } from '../wire/object-headers.ts'
import { writeXml, type XmlNode } from '../xml/write.ts'

const NAMES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const

/**
 * For who may read the object, too: it tells size, ETag and checksums of the content
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html, permissions).
 */
export async function getObjectAttributes(verified: Verified): Promise<Answer> {
  const { engine, call, address } = objectPlace(verified)
  const wanted = wantedOf(verified)
  const { versionId } = address
  const named = versionId !== undefined
  const action = named ? 's3:GetObjectVersionAttributes' : 's3:GetObjectAttributes'
  const object = await getObject(engine, call, { ...address, action })
  const reading = named ? 's3:GetObjectVersion' : 's3:GetObject'
  authorizeObject(call, { ...object, key: object.asset.key, versionId, action: reading })
  requireReadConditions(verified.request.headers, object)
  const { version } = object
  const nodes = NAMES.filter(name => wanted.has(name)).flatMap(name => {
    return attributeNodes(verified, object, name)
  })
  return xmlAnswer(writeXml('GetObjectAttributesResponse', nodes), {
    'last-modified': httpDate(version.createdAt),
    ...versionHeader(object),
  })
}

function attributeNodes(
  verified: Verified,
  object: StoredObject,
  name: (typeof NAMES)[number],
): XmlNode[] {
  const { version, facets } = object
  switch (name) {
    case 'ETag':
      return [['ETag', object.etag]]
    case 'Checksum':
      return checksumNode(object)
    case 'ObjectParts':
      return partsNode(verified, object)
    case 'StorageClass':
      return [['StorageClass', facets.storageClass ?? 'STANDARD']]
    case 'ObjectSize':
      return [['ObjectSize', version.size]]
  }
}

/** Here AWS leaves out the number of parts, in which a composite one ends everywhere else. */
function checksumNode({ facets: { checksum } }: StoredObject): XmlNode[] {
  if (checksum === undefined) return []
  const { algorithm, value } = checksum
  const nodes: XmlNode[] = [
    [`Checksum${algorithm}`, value],
    ['ChecksumType', checksumTypeName(checksum)],
  ]
  return [['Checksum', nodes]]
}

function wantedOf({ request }: Verified): ReadonlySet<string> {
  const header = request.headers.get('x-amz-object-attributes')
  if (header === undefined || header.trim() === '') {
    throw new S3Error('InvalidRequest', {
      message: 'Missing required header for this request: x-amz-object-attributes',
    })
  }
  const names = header.split(',').map(name => name.trim())
  const unknown = names.find(name => !NAMES.some(known => known === name))
  if (unknown === undefined) return new Set(names)
  throw invalidArgument('x-amz-object-attributes', unknown, 'Invalid attribute name specified.')
}

function partsNode({ request }: Verified, { facets }: StoredObject): XmlNode[] {
  const { parts, checksum } = facets
  if (parts === undefined) return []
  const { headers } = request
  const max = headers.get('x-amz-max-parts')
  const marker = headers.get('x-amz-part-number-marker')
  const bounds = { min: 0, max: 2_147_483_647 }
  const limit =
    max === undefined ? 1000 : Math.min(1000, requireNumber('x-amz-max-parts', max, bounds))
  const after = marker === undefined ? 0 : requireNumber('x-amz-part-number-marker', marker, bounds)
  // Without checksums AWS tells the number of parts only.
  if (parts.every(part => part.checksum === undefined)) {
    return [['ObjectParts', [['PartsCount', parts.length]]]]
  }
  const left = parts.filter(part => part.number > after)
  const page = left.slice(0, limit)
  const nodes: XmlNode[] = page.map(part => [
    'Part',
    [
      ['PartNumber', part.number],
      ['Size', part.size],
      checksum === undefined ? undefined : [`Checksum${checksum.algorithm}`, part.checksum],
    ],
  ])
  const last = page.at(-1)?.number ?? after
  return [
    [
      'ObjectParts',
      [
        ['PartsCount', parts.length],
        ['PartNumberMarker', after],
        ['NextPartNumberMarker', last],
        ['MaxParts', limit],
        ['IsTruncated', left.length > page.length],
        ...nodes,
      ],
    ],
  ]
}
