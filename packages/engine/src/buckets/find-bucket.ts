import type { Call } from '@holdfast/core/call.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import type { Action } from '../access/actions.ts'
import { authorize, type Fresh, refuseMissing } from '../access/decide.ts'
import type { Engine } from '../engine.ts'

/**
 * The bucket, when the caller has the permission in it, or for the asset that would be there.
 */
export async function findBucket(
  engine: Engine,
  call: Call,
  wanted: {
    readonly name: string
    readonly permission: Permission
    readonly fresh?: Fresh | undefined
    readonly action?: Action | undefined
  },
): Promise<Bucket> {
  const bucket = await engine.catalog.view.buckets.byName(wanted.name)
  if (bucket === undefined) {
    return refuseMissing(call.principal, wanted.permission, [
      'BUCKET_NOT_FOUND',
      { bucket: wanted.name },
    ])
  }
  const { fresh, action } = wanted
  // What is not there has no tags that a policy could ask about.
  const objectTags = fresh && {}
  authorize(call.principal, wanted.permission, { bucket, fresh, action, objectTags })
  return bucket
}
