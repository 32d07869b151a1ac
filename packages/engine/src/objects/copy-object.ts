import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ChecksumAlgorithm, ObjectTag } from '@holdfast/core/objects.ts'
import type { Engine } from '../engine.ts'
import type { ObjectAddress, StoredObject } from './object-views.ts'
import type { ETagConditions, ObjectInput } from './put-object.ts'

/** `x-amz-copy-source-if-*`. Times are ISO 8601. */
export interface SourceConditions extends ETagConditions {
  readonly ifModifiedSince?: string | undefined
  readonly ifUnmodifiedSince?: string | undefined
}

export interface CopyObjectInput {
  readonly from: ObjectAddress
  readonly to: { readonly bucket: string; readonly key: string }
  /** Headers and user metadata of `facets` replace those of the source. */
  readonly replaceMetadata: boolean
  /** Tags that replace those of the source; absent: they are copied. */
  readonly tags?: readonly ObjectTag[] | undefined
  /** Storage class, lock, acl, encryption; with `replaceMetadata` headers and metadata too. */
  readonly facets: ObjectInput
  /** Computes this checksum unless the source has it. */
  readonly checksum?: ChecksumAlgorithm | undefined
  readonly sourceConditions?: SourceConditions | undefined
  readonly conditions?: ETagConditions | undefined
}

export interface CopiedObject {
  readonly source: StoredObject
  readonly object: StoredObject
}

/**
 * The content of one version at another key, without moving a byte. A copy onto itself must change
 * something: VALIDATION_ERROR else.
 */
export async function copyObject(
  _engine: Engine,
  _call: Call,
  _input: CopyObjectInput,
): Promise<CopiedObject> {
  throw new HoldfastError('INTERNAL')
}

export interface RenameObjectInput {
  readonly bucket: string
  readonly from: string
  readonly to: string
  readonly sourceConditions?: SourceConditions | undefined
  readonly conditions?: ETagConditions | undefined
}

/** The object with its history at another key. An object that is there must be removable. */
export async function renameObject(
  _engine: Engine,
  _call: Call,
  _input: RenameObjectInput,
): Promise<StoredObject> {
  throw new HoldfastError('INTERNAL')
}
