import type { KeyedQuery } from '@holdfast/core/ports/object-questions.ts'

/**
 * Where a listing by key begins and ends. Keys are ordered by their UTF-8 bytes, as SQLite compares
 * texts; JavaScript compares UTF-16 units, which differ above U+FFFF.
 */
export interface KeyRange {
  /** Included. */
  readonly from: string
  /** Excluded; undefined: to the end of the bucket. */
  readonly to: string | undefined
}

export function keyRange(query: KeyedQuery & { readonly after?: string }): KeyRange {
  const { prefix = '', after } = query
  const to = afterPrefix(prefix)
  if (after === undefined) return { from: prefix, to }
  const group = commonPrefix(after, query)
  // The common prefix is not after the marker: all that it stands for is passed over.
  const next = group === undefined ? successor(after) : afterPrefix(group)
  if (next === undefined) return { from: prefix, to: prefix }
  return { from: compareKeys(next, prefix) > 0 ? next : prefix, to }
}

/** The common prefix that stands for the key in a listing, if one does. */
export function commonPrefix(
  key: string,
  { prefix = '', delimiter }: Pick<KeyedQuery, 'prefix' | 'delimiter'>,
): string | undefined {
  if (delimiter === undefined || delimiter === '' || !key.startsWith(prefix)) return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : key.slice(0, at + delimiter.length)
}

export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** The first text greater than this one. */
export function successor(text: string): string {
  return `${text}\0`
}

/** The first text that is greater than every text with the prefix, in code point order. */
export function afterPrefix(prefix: string): string | undefined {
  // Most end in a character of one unit that has a next one.
  const unit = prefix.charCodeAt(prefix.length - 1)
  if (unit < 0xd7ff) return prefix.slice(0, -1) + String.fromCharCode(unit + 1)
  const points = [...prefix]
  while (points.length > 0) {
    const last = points.pop()?.codePointAt(0) ?? 0
    if (last >= 0x10ffff) continue
    const next = last + 1 === 0xd800 ? 0xe000 : last + 1
    return points.join('') + String.fromCodePoint(next)
  }
  return undefined
}
