import type { Call } from '@holdfast/core/call.ts'
import type { ExpectedDigests } from '@holdfast/core/digests.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { UploadPart } from '@holdfast/core/objects.ts'
import type { ByteRange, ByteSource } from '@holdfast/core/ports/element.ts'
import type { Engine } from '../engine.ts'
import type { SourceConditions } from '../objects/copy-object.ts'
import type { ObjectAddress, StoredObject } from '../objects/object-views.ts'
import type { UploadAddress } from './uploads.ts'

export interface UploadPartInput extends UploadAddress {
  /** 1 to 10,000. */
  readonly number: number
  readonly source: ByteSource
  readonly length?: number | undefined
  readonly expected?: ExpectedDigests | undefined
  readonly trailing?: (() => ExpectedDigests) | undefined
}

/** Durable when it resolves. The checksum of the upload's algorithm is always computed. */
export async function uploadPart(
  _engine: Engine,
  _call: Call,
  _input: UploadPartInput,
): Promise<UploadPart> {
  throw new HoldfastError('INTERNAL')
}

export interface CopyPartInput extends UploadAddress {
  readonly number: number
  readonly from: ObjectAddress
  readonly range?: ByteRange | undefined
  readonly sourceConditions?: SourceConditions | undefined
}

export async function uploadPartCopy(
  _engine: Engine,
  _call: Call,
  _input: CopyPartInput,
): Promise<{ readonly part: UploadPart; readonly source: StoredObject }> {
  throw new HoldfastError('INTERNAL')
}
