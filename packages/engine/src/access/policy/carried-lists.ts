import type { Call } from '@holdfast/core/call.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import { blocksPublicLists, publicListBlocked } from '../list-rights.ts'
import { type CarriedTo, onlyWithout } from './carried-tags.ts'

/** Whether only what has no access list may come there, as with tags. FORBIDDEN where one does. */
export async function onlyUnlisted(
  call: Call,
  there: CarriedTo,
  isListed: () => Promise<boolean>,
): Promise<boolean> {
  const action = 's3:PutObjectAcl'
  const reason = 'the caller may set no access list there'
  return await onlyWithout(call, there, { action, reason, isThere: isListed })
}

/** The same of lists that name everybody, by the public access block: PUBLIC_ACCESS_BLOCKED. */
export async function onlyUnpublished(
  bucket: Bucket,
  isPublished: () => Promise<boolean>,
): Promise<boolean> {
  if (!blocksPublicLists(bucket)) return false
  if (await isPublished()) throw publicListBlocked(bucket)
  return true
}
