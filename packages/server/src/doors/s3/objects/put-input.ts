import { HoldfastError } from '@holdfast/core/errors.ts'
import { actionPermissions } from '@holdfast/engine/access/actions.ts'
import { findBucketFor, isAllowed } from '@holdfast/engine/access/authorize-action.ts'
import { mayKnowBucket, refusal } from '@holdfast/engine/access/decide.ts'
import type { ObjectInput } from '@holdfast/engine/objects/object-facets.ts'
import { ownerOf } from '@holdfast/engine/objects/store-object.ts'
import type { Verified } from '../auth/verify.ts'
import { objectPlace } from '../requests/place.ts'
import { objectInput } from '../wire/object-input.ts'

interface Place {
  readonly bucket: string
  readonly key: string
}

/** Of a put, copy or upload: what is wrong with its headers is told to who may put there. */
export async function putInput(
  verified: Verified,
  place: Place = objectPlace(verified).address,
): Promise<ObjectInput> {
  try {
    return await objectInput(verified)
  } catch (error) {
    await requirePut(verified, place)
    throw error
  }
}

/** FORBIDDEN, as AWS says it first. */
async function requirePut({ request, call }: Verified, place: Place): Promise<void> {
  const { engine } = request.context
  const { bucket: name, key } = place
  const action = 's3:PutObject'
  const bucket = await findBucketFor(engine, call, { bucket: name, action })
  const asset = await engine.catalog.view.assets.byKey(bucket.id, key)
  const wanted = { bucket, key, asset, ownerId: ownerOf(call.principal), action } as const
  if (isAllowed(call, wanted)) return
  // To who may not know of the bucket it is not there, as where its headers are good.
  if (!mayKnowBucket(call.principal, bucket)) {
    throw new HoldfastError('BUCKET_NOT_FOUND', { bucket: name })
  }
  throw refusal(call.principal, actionPermissions[action], 'the object may not be put')
}
