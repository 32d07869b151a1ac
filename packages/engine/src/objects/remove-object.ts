import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Engine } from '../engine.ts'
import type { ObjectAddress } from './object-views.ts'

export interface RemoveObjectInput extends ObjectAddress {
  /** Retention in governance mode does not hold, for callers who may. */
  readonly bypassGovernance?: boolean | undefined
  /** ETag without quotes or `*`; PRECONDITION_FAILED when the current version is another. */
  readonly ifMatch?: string | undefined
}

export interface RemovedObject {
  /** A marker was made, or the version removed was one. */
  readonly deleteMarker: boolean
  /** Of the marker made or of the version removed; null where the bucket never versioned. */
  readonly versionId: string | null
}

/**
 * Without a version id: hides the object behind a marker, or in a bucket that never versioned moves
 * it to the trash. With one: exactly that version goes for good. A key or version that is not there
 * is no error. VERSION_LOCKED under retention or hold.
 */
export async function removeObject(
  _engine: Engine,
  _call: Call,
  _input: RemoveObjectInput,
): Promise<RemovedObject> {
  throw new HoldfastError('INTERNAL')
}

export type RemovalOutcome =
  | { readonly removed: RemovedObject; readonly error?: never }
  | { readonly removed?: never; readonly error: HoldfastError }

/** Many at once, each for itself, in the order given. */
export async function removeObjects(
  _engine: Engine,
  _call: Call,
  _inputs: readonly RemoveObjectInput[],
): Promise<RemovalOutcome[]> {
  throw new HoldfastError('INTERNAL')
}
