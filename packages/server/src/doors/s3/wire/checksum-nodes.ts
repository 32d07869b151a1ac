import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import type { XmlNode } from '../xml/write.ts'
import { checksumTypeName, shownChecksum } from './object-headers.ts'

/** `ChecksumCRC32` and `ChecksumType` of an answer. */
export function checksumNodes(object: StoredObject): XmlNode[] {
  const { checksum } = object.facets
  if (checksum === undefined) return []
  return [
    [`Checksum${checksum.algorithm}`, shownChecksum(checksum, object)],
    ['ChecksumType', checksumTypeName(checksum)],
  ]
}
