import type { Call } from '@holdfast/core/call.ts'
import type { HoldfastError } from '@holdfast/core/errors.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { decide, refusal } from '../../access/decide.ts'
import type { Engine } from '../../engine.ts'
import { keepsVersions } from '../writes/stored-asset.ts'

const REMOVAL = ['assets:write', 's3:DeleteObject'] as const
const OF_VERSIONS = ['versions:write', 's3:DeleteObjectVersion'] as const

/**
 * Why the caller may not take a key away from what holds it, which goes to the trash with its
 * versions: it takes what a removal of them takes. The tags of what goes count against the caller.
 */
export async function lacksToDisplace(
  { catalog }: Engine,
  { principal }: Call,
  { bucket, asset }: { readonly bucket: Bucket; readonly asset: Asset },
): Promise<HoldfastError | undefined> {
  const keeps = await keepsVersions(catalog.view, bucket, asset)
  for (const [permission, action] of keeps ? [REMOVAL, OF_VERSIONS] : [REMOVAL]) {
    const { allowed, reason } = decide(principal, permission, { bucket, asset, action })
    if (!allowed) return refusal(principal, permission, reason)
  }
  return undefined
}
