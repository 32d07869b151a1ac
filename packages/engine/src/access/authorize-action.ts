import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'
import type { Action } from './actions.ts'

/** The bucket, when the caller may do this to it; BUCKET_NOT_FOUND, FORBIDDEN, UNAUTHENTICATED. */
export async function authorizeBucket(
  _engine: Engine,
  _call: Call,
  _wanted: { readonly bucket: string; readonly action: Action },
): Promise<Bucket> {
  throw new HoldfastError('INTERNAL')
}
