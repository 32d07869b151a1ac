import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { BucketDocumentName } from '@holdfast/core/objects.ts'
import type { Bucket, JsonObject } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'

export interface DocumentInput {
  readonly bucket: string
  readonly name: BucketDocumentName
  /** Null removes it; removing what is not there is no error. */
  readonly document: JsonObject | null
}

/**
 * Sets one configuration of a bucket. The door has checked its form; here its meaning is: a policy
 * is parsed (POLICY_UNSUPPORTED), public ones are refused under a public access block, object lock
 * needs versioning and stays for ever.
 */
export async function setBucketDocument(
  _engine: Engine,
  _call: Call,
  _input: DocumentInput,
): Promise<Bucket> {
  throw new HoldfastError('INTERNAL')
}
