import type { Call } from '@holdfast/core/call.ts'
import type { ExpectedDigests } from '@holdfast/core/digests.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ChecksumAlgorithm, ObjectFacets } from '@holdfast/core/objects.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import type { Engine } from '../engine.ts'
import type { StoredObject } from './object-views.ts'

/** Conditions on the current version by ETag (without quotes); `*` stands for any. */
export interface ETagConditions {
  readonly ifMatch?: readonly string[] | undefined
  readonly ifNoneMatch?: readonly string[] | undefined
}

/** What a request says about an object, beside its bytes. `etag`, `checksum`, `parts` are computed. */
export type ObjectInput = Pick<
  ObjectFacets,
  | 'headers'
  | 'userMetadata'
  | 'storageClass'
  | 'encryption'
  | 'tags'
  | 'retention'
  | 'legalHold'
  | 'acl'
>

export interface PutObjectInput {
  readonly bucket: string
  readonly key: string
  readonly source: ByteSource
  readonly length?: number | undefined
  /** Digests that came with the headers, hex. */
  readonly expected?: ExpectedDigests | undefined
  /** Digests that come after the bytes, hex; their algorithm must be `checksum`. */
  readonly trailing?: (() => ExpectedDigests) | undefined
  /** Algorithm to compute and keep with the object, always of type `full`. */
  readonly checksum?: ChecksumAlgorithm | undefined
  readonly facets: ObjectInput
  readonly conditions?: ETagConditions | undefined
}

/** A new version at the key: every put makes one, whatever the bytes. */
export async function putObject(
  _engine: Engine,
  _call: Call,
  _input: PutObjectInput,
): Promise<StoredObject> {
  throw new HoldfastError('INTERNAL')
}
