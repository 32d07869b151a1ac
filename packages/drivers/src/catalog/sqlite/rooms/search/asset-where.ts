import type { AssetFilter } from '@holdfast/core/ports/asset-questions.ts'
import { assetTypes } from '@holdfast/core/records.ts'
import { codeOf } from '../../row-values.ts'
import type { AssetTables } from '../assets.ts'
import { afterPrefix, compareKeys } from '../objects/key-range.ts'
import { withinSight } from '../objects/reach.ts'
import type { SearchTerms } from './search-terms.ts'
import { matchExpression } from './search-text.ts'
import type { Ground, Window } from './windows.ts'

/** Conditions of a question about assets, which its text takes from `whereText`. */
export interface Where {
  readonly from: string
  readonly parts: string[]
  readonly values: unknown[]
  /** False when nothing can match. */
  readonly possible: boolean
}

interface WhereParts {
  readonly tables: AssetTables
  readonly terms: SearchTerms
}

/** A filter as SQL; where it has a search text, the first value is that. */
export function whereOf(
  { tables, terms }: WhereParts,
  filter: AssetFilter,
  window: Window = {},
): Where {
  const { buckets, words } = tables
  const { by } = window
  const column = (name: Ground) => columnIn(by, name)
  const parts: string[] = []
  const values: unknown[] = []
  const nothing: Where = { from: 'assets a', parts, values, possible: false }
  if (filter.deleted === 'without') parts.push('a.deleted_at IS NULL')
  if (filter.deleted === 'only') parts.push('a.deleted_at IS NOT NULL')
  if (filter.bucketId !== undefined) {
    const no = buckets.no(filter.bucketId)
    if (no === undefined) return nothing
    parts.push(`${column('bucket')} = ?`)
    values.push(no)
  }
  if (filter.bucketIds !== undefined) {
    const numbers = filter.bucketIds.flatMap(id => buckets.no(id) ?? [])
    if (numbers.length === 0) return nothing
    parts.push(`${column('bucket')} IN (${numbers.join(', ')})`)
  }
  for (const [name, word] of [
    ['service', filter.service],
    ['owner', filter.ownerId],
  ] as const) {
    if (word === undefined) continue
    const no = words.find(word)
    if (no === undefined) return nothing
    parts.push(`${column(name)} = ?`)
    values.push(no)
  }
  if (filter.type !== undefined) {
    parts.push('a.type = ?')
    values.push(codeOf(assetTypes, filter.type))
  }
  if (filter.name !== undefined) {
    parts.push('a.name = ?')
    values.push(filter.name)
  }
  if (filter.tagsAny !== undefined && filter.tagsAny.length > 0) {
    const tagged = taggedBy(filter.tagsAny, window)
    parts.push(...tagged.parts)
    values.push(...tagged.values)
  }
  if (filter.keyPrefix !== undefined && filter.keyPrefix !== '') {
    // Who is not deleted is not in the trash: said aloud, the index by key can be used.
    if (filter.deleted === 'without') parts.push('a.trashed = 0')
    // A part of the newest is found by its numbers: by the prefix, each would look at all of it.
    const key = window.since === undefined ? column('key') : '+a.key'
    // An index is entered by one bound of each side: of two, the one that leaves less.
    const isEntered = window.after !== undefined && compareKeys(window.after, filter.keyPrefix) >= 0
    parts.push(`${isEntered ? '+a.key' : key} >= ?`)
    values.push(filter.keyPrefix)
    const end = afterPrefix(filter.keyPrefix)
    if (end !== undefined) {
      parts.push(`${window.until === undefined ? key : '+a.key'} < ?`)
      values.push(end)
    }
  }
  const shownTo = filter.deleted === 'without' ? 'readers' : 'writers'
  for (const condition of withinSight(tables, filter, shownTo)) {
    parts.push(condition.text)
    values.push(...condition.values)
  }
  if (window.after !== undefined) {
    const isWide = filter.keyPrefix !== undefined && compareKeys(window.after, filter.keyPrefix) < 0
    parts.push(`${isWide ? '+a.key' : column('key')} > ?`, 'a.trashed = 0')
    values.push(window.after)
  }
  if (window.until !== undefined) {
    parts.push(`${column('key')} <= ?`)
    values.push(window.until)
  }
  const number = by === 'tags' || by === 'key' ? '+a.created_seq' : 'a.created_seq'
  const numbers = between(filter.search === undefined ? number : 'search.rowid', window)
  parts.push(...numbers.parts)
  values.push(...numbers.values)
  if (filter.search === undefined) return { from: 'assets a', parts, values, possible: true }
  const match = matchExpression(filter.search, terms.beginningWith)
  if (match === undefined) return nothing
  parts.unshift('search MATCH ?')
  values.unshift(match)
  const from = 'search CROSS JOIN assets a ON a.created_seq = search.rowid'
  return { from, parts, values, possible: true }
}

/** Only what a part is found by may be found by an index: with a plus, the others are read. */
function columnIn(by: Ground | undefined, name: Ground): string {
  const isFound = by === undefined || by === name || (by === 'key' && name === 'bucket')
  return isFound ? `a.${name}` : `+a.${name}`
}

type Conditions = Pick<Where, 'parts' | 'values'>

function taggedBy(tags: readonly string[], window: Window): Conditions {
  const marks = tags.map(() => '?').join(', ')
  if (window.by !== undefined && window.by !== 'tags') {
    const tagged = `tag IN (${marks}) AND asset = a.created_seq`
    return { parts: [`EXISTS (SELECT 1 FROM asset_tags WHERE ${tagged})`], values: [...tags] }
  }
  const within = between('asset', window)
  const tagged = [`tag IN (${marks})`, ...within.parts].join(' AND ')
  return {
    parts: [`a.created_seq IN (SELECT asset FROM asset_tags WHERE ${tagged})`],
    values: [...tags, ...within.values],
  }
}

/** Numbers of assets that lie in the window. */
function between(column: string, { before, since }: Window): Conditions {
  const parts: string[] = []
  const values: number[] = []
  if (before !== undefined) {
    parts.push(`${column} < ?`)
    values.push(before)
  }
  if (since !== undefined) {
    parts.push(`${column} >= ?`)
    values.push(since)
  }
  return { parts, values }
}

export function whereText(where: Where): string {
  return where.parts.length === 0 ? '' : `WHERE ${where.parts.join(' AND ')}`
}
