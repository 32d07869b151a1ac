import { HoldfastError } from '@holdfast/core/errors.ts'
import type { BlobBytes, ByteRange } from '@holdfast/core/ports/element.ts'
import { type BlobReading, readKnownBlob } from '../content/read-blob.ts'
import type { Engine } from '../engine.ts'
import type { StoredObject } from './object-views.ts'

/** Bytes of an object that `getObject` returned. RANGE_NOT_SATISFIABLE outside the content. */
export async function readObject(
  engine: Engine,
  { version }: Pick<StoredObject, 'version'>,
  options: BlobReading = {},
): Promise<BlobBytes> {
  return readKnownBlob(engine, version.sha256, options)
}

/**
 * The bytes of one part (from 1); no range where the part is empty. PART_INVALID when the object
 * has no such part. Content that did not come in parts is one.
 */
export function partRange(
  { version, facets }: Pick<StoredObject, 'version' | 'facets'>,
  number: number,
): { readonly range: ByteRange | undefined; readonly parts: number } {
  const parts = facets.parts ?? [{ number: 1, size: version.size }]
  let first = 0
  for (const part of parts) {
    if (part.number === number) {
      const range = part.size === 0 ? undefined : { first, last: first + part.size - 1 }
      return { range, parts: parts.length }
    }
    first += part.size
  }
  throw new HoldfastError('PART_INVALID', { part_number: number, parts: parts.length })
}
