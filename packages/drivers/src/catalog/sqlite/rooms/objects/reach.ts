import type { AssetFilter, Ownership, Reach } from '@holdfast/core/ports/asset-questions.ts'
import type { AssetTables } from '../assets.ts'

type Tables = Pick<AssetTables, 'buckets' | 'words'>

interface Condition {
  readonly text: string
  readonly values: readonly unknown[]
}

/** Whom a list shows deleted what an access list names them for. */
type ShownTo = 'readers' | 'writers'

/** The conditions on `assets a` that keep rows to what a principal may see. */
export function withinSight(
  tables: Tables,
  { visibleTo, visibleOwner, reach }: Pick<AssetFilter, 'visibleTo' | 'visibleOwner' | 'reach'>,
  deleted: ShownTo,
): Condition[] {
  const conditions: Condition[] = []
  if (visibleTo !== undefined) {
    const ids = [visibleTo].flat()
    const own = ownedBy(tables, visibleOwner)
    const named = namesOneOf(ids, deleted)
    const either = ['a.acl IS NULL', ...own.map(({ text }) => text), named.text]
    const values = [...own.flatMap(({ values: bound }) => bound), ...named.values]
    conditions.push({ text: `(${either.join(' OR ')})`, values })
  }
  if (reach !== undefined) conditions.push(withinReach(tables, reach, deleted))
  return conditions
}

/** What is reached only in part. */
function withinReach(tables: Tables, reach: Reach, deleted: ShownTo): Condition {
  const { buckets } = tables
  const { ids, bucketIds, prefixes } = reach
  const named = namesOneOf(ids, deleted)
  const either = [`(a.acl IS NOT NULL AND ${named.text})`]
  const values: unknown[] = [...named.values]
  for (const own of ownedBy(tables, reach.owner)) {
    either.push(own.text)
    values.push(...own.values)
  }
  const open = bucketIds.flatMap(id => buckets.no(id) ?? [])
  if (open.length > 0) either.push(`(a.acl IS NULL AND a.bucket IN (${open.join(', ')}))`)
  const within = prefixes.flatMap(({ bucketId, prefix }) => {
    const no = buckets.no(bucketId)
    return no === undefined ? [] : [{ no, prefix, length: [...prefix].length }]
  })
  // Said one by one, a thousand are too deep for SQL; so, each asset is looked up by every length.
  if (within.length > 0) {
    either.push(`(a.acl IS NULL AND EXISTS (SELECT 1 FROM json_each(?) n
      WHERE a.bucket || '/' || substr(a.key, 1, n.value) IN (SELECT value FROM json_each(?))))`)
    values.push(JSON.stringify([...new Set(within.map(({ length }) => length))]))
    values.push(JSON.stringify(within.map(({ no, prefix }) => `${no}/${prefix}`)))
  }
  return { text: `(${either.join(' OR ')})`, values }
}

/** None where nothing there is owned. */
function ownedBy({ buckets, words }: Tables, ownership: Ownership | undefined): Condition[] {
  const owner = ownership === undefined ? undefined : words.find(ownership.ownerId)
  if (owner === undefined) return []
  const { bucketIds } = ownership ?? {}
  if (bucketIds === undefined) return [{ text: 'a.owner = ?', values: [owner] }]
  const numbers = bucketIds.flatMap(id => buckets.no(id) ?? [])
  return [{ text: `(a.owner = ? AND a.bucket IN (${numbers.join(', ')}))`, values: [owner] }]
}

/** The read list of the ACL has one of the ids; that of what is deleted the write list, too. */
function namesOneOf(ids: readonly string[], deleted: ShownTo): Condition {
  const marks = ids.map(() => '?').join(', ')
  const names = (list: string) =>
    `EXISTS (SELECT 1 FROM json_each(a.acl, '$.${list}') WHERE value IN (${marks}))`
  if (deleted === 'readers') return { text: names('read'), values: ids }
  const text = `(${names('read')} AND (a.deleted_at IS NULL OR ${names('write')}))`
  return { text, values: [...ids, ...ids] }
}
