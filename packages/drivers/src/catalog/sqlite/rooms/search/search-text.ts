import type { Asset, Json } from '@holdfast/core/records.ts'

/** What of an asset can be found, and what a person's search text asks of the index. */

const TERMS_MAX = 16
/**
 * Words of all terms together; what comes behind them is not asked for. Each costs a walk through
 * all places where it stands, and a text of 512 bytes could name `jpg` a hundred times.
 */
const WORDS_MAX = 24
/** What the tokenizer makes one token of: letters, digits and private use, with their marks. */
const WORD = /[\p{L}\p{N}\p{Co}][\p{L}\p{N}\p{Co}\p{M}]*/gu
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

/** A text between blanks or quotes: its words follow each other in what is found. */
interface Term {
  readonly text: string
  /** The only word of the text, which is the beginning of one in what is found. */
  readonly beginning: string | undefined
  readonly isOpen: boolean
}

/**
 * Words become prefix terms, "quoted" text a phrase, all of them must match. Every term is quoted,
 * so nothing of FTS5's own syntax gets through. Undefined when there is nothing to search for.
 */
export function matchExpression(text: string, termsOf: TermsOfPrefix): string | undefined {
  const expressions = neededTerms(text).map(({ text: shown, isOpen }) =>
    isOpen ? prefixTerm(shown, termsOf) : `"${shown}"`,
  )
  return expressions.length === 0 ? undefined : expressions.join(' AND ')
}

/** The words of a search text that stand for all words which begin with them. */
export function beginningsIn(text: string): string[] {
  const open = neededTerms(text).filter(({ isOpen }) => isOpen)
  return open.flatMap(({ text: shown }) => [...shown.matchAll(WORD)].at(-1)?.[0] ?? [])
}

function neededTerms(text: string): Term[] {
  const terms: Term[] = []
  let left = WORDS_MAX
  const pattern = /"([^"]*)"?|[^\s"]+/gu
  for (const [raw, phrase] of text.matchAll(pattern)) {
    const given = (phrase ?? raw).replaceAll('"', ' ').replaceAll('\0', ' ').trim()
    const words = [...given.matchAll(WORD)]
    // The tokenizer drops what is neither letter nor digit; a term of nothing else matches nothing.
    if (words.length === 0) continue
    const last = words.length > left ? words[left - 1] : undefined
    const isOpen = phrase === undefined && last === undefined
    terms.push({
      text: last === undefined ? given : given.slice(0, last.index + last[0].length),
      beginning: isOpen && words.length === 1 ? words[0]?.[0].toLowerCase() : undefined,
      isOpen,
    })
    left -= words.length
    if (left <= 0 || terms.length === TERMS_MAX) break
  }
  return terms.filter(
    (term, at) =>
      !terms.some((other, place) => {
        return place !== at && holds(other, term, place < at)
      }),
  )
}

/** Whether whatever matches one term matches the other, too; of equal ones, the first is kept. */
function holds(one: Term, other: Term, isBefore: boolean): boolean {
  if (one.text === other.text && one.isOpen === other.isOpen) return isBefore
  if (one.beginning === undefined || other.beginning === undefined) return false
  if (one.beginning === other.beginning) return isBefore
  return one.beginning.startsWith(other.beginning)
}

function prefixTerm(prefix: string, termsOf: TermsOfPrefix): string {
  const words = termsOf(prefix) ?? []
  if (words.length === 0) return `"${prefix}"*`
  return `(${words.map(word => `"${word}"`).join(' OR ')})`
}
