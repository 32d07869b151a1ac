import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import type { XmlNode } from '../xml/write.ts'
import { checksumTypeName, shownChecksum } from './object-headers.ts'

/** `ChecksumCRC32` and `ChecksumType` of an answer; `bare` without the number of parts. */
export function checksumNodes(
  object: StoredObject,
  options: { readonly bare?: boolean } = {},
): XmlNode[] {
  const { checksum } = object.facets
  if (checksum === undefined) return []
  return [
    [
      `Checksum${checksum.algorithm}`,
      options.bare === true ? checksum.value : shownChecksum(checksum, object),
    ],
    ['ChecksumType', checksumTypeName(checksum)],
  ]
}
