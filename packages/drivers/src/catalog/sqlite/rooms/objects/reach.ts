import type { Reach } from '@holdfast/core/ports/asset-questions.ts'
import type { AssetTables } from '../assets.ts'

/** The condition on `assets a` that keeps rows to what a principal reaches only in part. */
export function withinReach(
  { buckets, words }: Pick<AssetTables, 'buckets' | 'words'>,
  reach: Reach,
): { text: string; values: unknown[] } {
  const { ids, ownerId, bucketIds, prefixes } = reach
  const either = [`(a.acl IS NOT NULL AND ${namesOneOf(ids)})`]
  const values: unknown[] = [...ids]
  const owner = ownerId === undefined ? undefined : words.find(ownerId)
  if (owner !== undefined) {
    either.push('a.owner = ?')
    values.push(owner)
  }
  const open = bucketIds.flatMap(id => buckets.no(id) ?? [])
  if (open.length > 0) either.push(`(a.acl IS NULL AND a.bucket IN (${open.join(', ')}))`)
  for (const { bucketId, prefix } of prefixes) {
    const no = buckets.no(bucketId)
    if (no === undefined) continue
    either.push('(a.acl IS NULL AND a.bucket = ? AND substr(a.key, 1, ?) = ?)')
    values.push(no, [...prefix].length, prefix)
  }
  return { text: `(${either.join(' OR ')})`, values }
}

/** The read list of the ACL has one of as many bound ids. */
export function namesOneOf(ids: readonly string[]): string {
  const marks = ids.map(() => '?').join(', ')
  return `EXISTS (SELECT 1 FROM json_each(a.acl, '$.read') WHERE value IN (${marks}))`
}
