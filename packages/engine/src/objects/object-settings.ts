import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ObjectAcl, ObjectTag, Retention } from '@holdfast/core/objects.ts'
import type { Engine } from '../engine.ts'
import type { ObjectAddress, StoredObject } from './object-views.ts'

/** Replaces the tag set; null removes it. */
export async function setObjectTags(
  _engine: Engine,
  _call: Call,
  _input: ObjectAddress & { readonly tags: readonly ObjectTag[] | null },
): Promise<StoredObject> {
  throw new HoldfastError('INTERNAL')
}

/** VERSION_LOCKED when that would shorten or weaken a retention that still holds. */
export async function setObjectRetention(
  _engine: Engine,
  _call: Call,
  _input: ObjectAddress & {
    readonly retention: Retention | null
    readonly bypassGovernance?: boolean | undefined
  },
): Promise<StoredObject> {
  throw new HoldfastError('INTERNAL')
}

export async function setLegalHold(
  _engine: Engine,
  _call: Call,
  _input: ObjectAddress & { readonly legalHold: boolean },
): Promise<StoredObject> {
  throw new HoldfastError('INTERNAL')
}

export async function setObjectAcl(
  _engine: Engine,
  _call: Call,
  _input: ObjectAddress & { readonly acl: ObjectAcl },
): Promise<StoredObject> {
  throw new HoldfastError('INTERNAL')
}
