import { HoldfastError } from '@holdfast/core/errors.ts'
import type { BlobBytes, ByteRange } from '@holdfast/core/ports/element.ts'
import type { Engine } from '../engine.ts'
import type { StoredObject } from './object-views.ts'

/** Bytes of an object that `getObject` returned. RANGE_NOT_SATISFIABLE outside the content. */
export async function readObject(
  _engine: Engine,
  _object: StoredObject,
  _range?: ByteRange,
): Promise<BlobBytes> {
  throw new HoldfastError('INTERNAL')
}

/** The bytes of one part (from 1). PART_INVALID when the object has no such part. */
export function partRange(
  _object: StoredObject,
  _number: number,
): { readonly range: ByteRange | undefined; readonly parts: number } {
  throw new HoldfastError('INTERNAL')
}
