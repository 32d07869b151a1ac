import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Engine } from '../engine.ts'
import type { StoredObject } from '../objects/object-views.ts'
import type { ETagConditions } from '../objects/put-object.ts'
import type { UploadAddress } from './uploads.ts'

export interface NamedPart {
  readonly number: number
  /** Hex MD5, without quotes. */
  readonly etag: string
  /** Base64, when the client sent one. */
  readonly checksum?: string | undefined
}

export interface CompleteUploadInput extends UploadAddress {
  readonly parts: readonly NamedPart[]
  /** Checksum of the object that the client expects, base64 without `-<parts>`. */
  readonly checksum?: string | undefined
  /** Size that the client expects (`x-amz-mp-object-size`). */
  readonly size?: number | undefined
  readonly conditions?: ETagConditions | undefined
}

/**
 * Makes the parts one object without copying them. PART_INVALID, PART_ORDER_INVALID, PART_TOO_SMALL,
 * DIGEST_MISMATCH, LENGTH_MISMATCH; repeating a completion answers the same. May take as long as
 * reading the whole content once, since its SHA-256 is computed here.
 */
export async function completeUpload(
  _engine: Engine,
  _call: Call,
  _input: CompleteUploadInput,
): Promise<StoredObject> {
  throw new HoldfastError('INTERNAL')
}
