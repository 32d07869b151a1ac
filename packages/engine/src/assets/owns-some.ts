import type { Call } from '@holdfast/core/call.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'

/**
 * Whether the caller owns something in the bucket, deleted or not. No index has both, so all that
 * is its own, or deleted, is looked at, in turns with all others; where it has none, nothing is.
 */
export async function ownsSome(
  engine: Engine,
  call: Call,
  { id: bucketId }: Pick<Bucket, 'id'>,
): Promise<boolean> {
  const { assets, quotas } = engine.catalog.view
  const { id: ownerId } = call.principal
  const { assets: all } = await quotas.usage('owner', ownerId)
  if (all === 0) return false
  const live = await assets.count({ ownerId, deleted: 'without' })
  const giveWay = engine.lists.giveWay(call)
  const owns = async (deleted: 'without' | 'only') => {
    return (await assets.list({ bucketId, ownerId, deleted, limit: 1 }, giveWay)).length > 0
  }
  return (live > 0 && (await owns('without'))) || (all > live && (await owns('only')))
}
