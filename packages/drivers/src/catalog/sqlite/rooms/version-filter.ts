import type { VersionQuery } from '@holdfast/core/ports/asset-questions.ts'
import type { Version } from '@holdfast/core/records.ts'
import { codeOf, toMs } from '../row-values.ts'

export const kinds: readonly Version['kind'][] = ['content', 'marker']
export const changes: readonly Version['change'][] = [
  'create',
  'update',
  'rollback',
  'copy',
  'delete',
]

export type VersionFilter = Omit<VersionQuery, 'limit' | 'offset'>

interface Condition {
  readonly sql: string
  readonly values: unknown[]
}

/** What rows of versions `v` the query is about; `asset` is the number of its asset. */
export function versionCondition(query: VersionFilter, asset: number): Condition {
  const parts = ['v.asset = ?']
  const values: unknown[] = [asset]
  if (query.below !== undefined) {
    parts.push('v.number < ?')
    values.push(query.below)
  }
  if (query.from !== undefined) {
    parts.push('v.number >= ?')
    values.push(query.from)
  }
  if (query.kinds !== undefined) {
    const codes = query.kinds.map(kind => codeOf(kinds, kind))
    parts.push(codes.length === 1 ? `v.kind = ${codes[0]}` : `v.kind IN (${codes.join(', ')})`)
  }
  if (query.deleted === 'without') parts.push('v.deleted_at IS NULL')
  if (query.deleted === 'only') parts.push('v.deleted_at IS NOT NULL')
  if (query.changes !== undefined) {
    parts.push(`v.change IN (${query.changes.map(kind => codeOf(changes, kind)).join(', ')})`)
  }
  if (query.id !== undefined) {
    parts.push('is' in query.id ? 'v.id = ?' : 'v.id <> ?')
    values.push('is' in query.id ? query.id.is : query.id.not)
  }
  if (query.createdAfter !== undefined) {
    parts.push('v.created_at >= ?')
    values.push(toMs(query.createdAfter))
  }
  if (query.createdBefore !== undefined) {
    parts.push('v.created_at < ?')
    values.push(toMs(query.createdBefore))
  }
  for (const condition of saidOf(query)) {
    parts.push(condition.sql)
    values.push(...condition.values)
  }
  return { sql: parts.join(' AND '), values }
}

/**
 * By itself SQLite takes the index in whose order they are, and looks at each marker: tens of
 * thousands of these may lie above, or alone.
 */
export function indexFor({ kinds: asked, id }: VersionFilter): string {
  const isOfContent = asked?.length === 1 && asked[0] === 'content' && id === undefined
  return isOfContent ? 'INDEXED BY versions_content' : ''
}

/** No index holds these: SQLite looks at each row, but no record is made of those it passes. */
function saidOf(query: VersionFilter): Condition[] {
  const { tag, lock, aclOwner, aclIsPublic, hasObjectTags } = query
  const found: Condition[] = []
  if (tag === null) found.push({ sql: 'v.tags IS NULL', values: [] })
  else if (tag !== undefined) found.push({ sql: TAGGED, values: [tag] })
  if (lock !== undefined) {
    found.push({ sql: lock.holds ? LOCKED : `NOT ${LOCKED}`, values: [lock.at] })
  }
  if (hasObjectTags) found.push({ sql: OBJECT_TAGGED, values: [] })
  if (aclOwner !== undefined) found.push({ sql: ACL_OWNER, values: [aclOwner] })
  if (aclIsPublic) found.push({ sql: ACL_PUBLIC, values: [] })
  return found
}

const TAGGED = `v.tags IS NOT NULL
  AND EXISTS (SELECT 1 FROM json_each(v.tags) t WHERE t.value ->> '$.name' = ?)`
/** Never null, so it can be negated. */
const LOCKED = `(v.object IS NOT NULL AND (coalesce(v.object ->> '$.legalHold', 0) = 1
  OR coalesce(v.object ->> '$.retention.until', '') > ?))`
const OBJECT_TAGGED = "v.object IS NOT NULL AND v.object -> '$.tags[0]' IS NOT NULL"
const ACL_OWNER = `v.object IS NOT NULL AND v.object ->> '$.acl.owner' = ?`
const ACL_PUBLIC = `v.object IS NOT NULL AND EXISTS (SELECT 1
  FROM json_each(v.object, '$.acl.grants') g WHERE json_type(g.value, '$.grantee') = 'text')`
