import type { Asset, Json } from '@holdfast/core/records.ts'

/** What of an asset can be found, and what a person's search text asks of the index. */

const TERMS_MAX = 16
const INDEXED_CHARS_MAX = 16_384

/** Columns of the search index: name with key, tags, metadata. */
export function searchColumns(asset: Asset): [name: string, tags: string, metadata: string] {
  const names = asset.key.endsWith(asset.name) ? asset.key : `${asset.name} ${asset.key}`
  // Underscores join words in file names; people search the parts.
  return [
    `${names} ${names.replaceAll('_', ' ')}`,
    asset.tags.join(' '),
    wordsOf(asset.metadata).join(' ').slice(0, INDEXED_CHARS_MAX),
  ]
}

function wordsOf(value: Json): string[] {
  if (value === null || typeof value === 'boolean') return []
  if (typeof value !== 'object') return [String(value)]
  const parts = Array.isArray(value) ? value : Object.entries(value).flat()
  return parts.flatMap((part: Json) => wordsOf(part))
}

/** All words of the index that begin with a text, if they can be named. */
export type TermsOfPrefix = (prefix: string) => readonly string[] | undefined

/**
 * Words become prefix terms, "quoted" text a phrase, all of them must match. Every term is quoted,
 * so nothing of FTS5's own syntax gets through. Undefined when there is nothing to search for.
 */
export function matchExpression(text: string, termsOf: TermsOfPrefix): string | undefined {
  const terms: string[] = []
  const pattern = /"([^"]*)"?|[^\s"]+/gu
  for (const match of text.matchAll(pattern)) {
    const phrase = match[1]
    const raw = phrase ?? match[0]
    const term = raw.replaceAll('"', ' ').replaceAll('\0', ' ').trim()
    // The tokenizer drops what is neither letter nor digit; a term of nothing else matches nothing.
    if (!/[\p{L}\p{N}\p{Co}]/u.test(term)) continue
    terms.push(phrase === undefined ? prefixTerm(term, termsOf) : `"${term}"`)
    if (terms.length === TERMS_MAX) break
  }
  return terms.length === 0 ? undefined : terms.join(' AND ')
}

function prefixTerm(prefix: string, termsOf: TermsOfPrefix): string {
  const words = termsOf(prefix) ?? []
  if (words.length === 0) return `"${prefix}"*`
  return `(${words.map(word => `"${word}"`).join(' OR ')})`
}
