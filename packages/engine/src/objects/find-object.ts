import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Action } from '../access/actions.ts'
import type { Engine } from '../engine.ts'
import type { ObjectAddress, StoredObject } from './object-views.ts'

/**
 * The version asked for, or the current one. ASSET_NOT_FOUND for a key that is free or hidden by a
 * marker (`delete_marker` and `version_id` in the details), VERSION_NOT_FOUND, and VERSION_IS_MARKER
 * for a marker named by its id.
 */
export async function getObject(
  _engine: Engine,
  _call: Call,
  _wanted: ObjectAddress & { readonly action?: Action | undefined },
): Promise<StoredObject> {
  throw new HoldfastError('INTERNAL')
}
