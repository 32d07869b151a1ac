import { HoldfastError } from '@holdfast/core/errors.ts'

/**
 * Conditional requests (RFC 9110 §13). Entity tags here are always strong: `"<sha256>"` of content,
 * `"r<sequence>"` of the record of an asset.
 */

export interface ConditionHeaders {
  readonly 'if-match'?: string | undefined
  readonly 'if-none-match'?: string | undefined
  readonly 'if-modified-since'?: string | undefined
  readonly 'if-unmodified-since'?: string | undefined
  readonly 'if-range'?: string | undefined
}

export interface Shown {
  readonly sha256: string
  /** ISO text of when the content was written. */
  readonly modifiedAt: string
}

export interface Tag {
  readonly weak: boolean
  readonly value: string
}

export function etagOf(value: string): string {
  return `"${value}"`
}

/** Whether If-None-Match names what would be sent; a list that cannot be read names nothing. */
export function isKnown(ifNoneMatch: string | undefined, value: string): boolean {
  if (ifNoneMatch === undefined) return false
  const tags = parseTags(ifNoneMatch)
  return tags === '*' || (tags?.some(tag => tag.value === value) ?? false)
}

/** Entity tags of a list, `*`, or undefined for a text that is neither. */
export function parseTags(header: string): readonly Tag[] | '*' | undefined {
  const text = header.trim()
  if (text === '*') return '*'
  const tags: Tag[] = []
  let at = 0
  const pattern = /[ \t]*(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(,|$)/y
  while (at < text.length) {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null || tags.length >= 64) return undefined
    tags.push({ weak: match[1] !== undefined, value: match[2] ?? '' })
    at = pattern.lastIndex
    if (match[3] === ',' && at === text.length) return undefined
  }
  return tags.length === 0 ? undefined : tags
}

/** What a GET or HEAD is answered with, in the order of RFC 9110 §13.2.2. */
export function judgeRead(
  headers: ConditionHeaders,
  shown: Shown,
): 'send' | 'not-modified' | 'failed' {
  if (headers['if-match'] !== undefined) {
    if (!strongMatch(parseTags(headers['if-match']), shown)) return 'failed'
  } else {
    const unmodifiedSince = parseDate(headers['if-unmodified-since'])
    if (unmodifiedSince !== undefined && modifiedSeconds(shown) > unmodifiedSince) return 'failed'
  }
  if (headers['if-none-match'] !== undefined) {
    return isKnown(headers['if-none-match'], shown.sha256) ? 'not-modified' : 'send'
  }
  const modifiedSince = parseDate(headers['if-modified-since'])
  if (modifiedSince !== undefined && modifiedSeconds(shown) <= modifiedSince) return 'not-modified'
  return 'send'
}

/** Whether Range counts: If-Range is absent or names exactly this content (RFC 9110 §13.1.5). */
export function rangeApplies(ifRange: string | undefined, shown: Shown, nowMs: number): boolean {
  if (ifRange === undefined) return true
  if (ifRange.includes('"')) return strongMatch(parseTags(ifRange), shown)
  const modified = modifiedSeconds(shown)
  // Within its second the content could have changed again: the date says too little (§8.8.2.2).
  return parseDate(ifRange) === modified && modified < Math.floor(nowMs / 1000)
}

function strongMatch(tags: readonly Tag[] | '*' | undefined, shown: Shown): boolean {
  if (tags === '*') return true
  return tags?.some(tag => !tag.weak && tag.value === shown.sha256) ?? false
}

export interface WriteConditions {
  readonly ifMatch?: readonly string[]
  readonly ifNoneMatch?: readonly string[] | '*'
}

/**
 * If-Match and If-None-Match of a change, as the engine takes them. A list that cannot be read is
 * refused: ignoring it would overwrite what the caller wanted to protect.
 */
export function writeConditions(headers: ConditionHeaders): WriteConditions {
  const ifMatch = required(headers['if-match'], 'If-Match')
  const ifNoneMatch = required(headers['if-none-match'], 'If-None-Match')
  for (const name of ['if-unmodified-since', 'if-modified-since'] as const) {
    if (headers[name] === undefined) continue
    throw new HoldfastError('MALFORMED_REQUEST', {
      header: name,
      reason: 'changes take If-Match and If-None-Match only',
    })
  }
  return {
    ...(ifMatch === undefined
      ? {}
      : { ifMatch: ifMatch === '*' ? ['*'] : ifMatch.map(tag => strongValue(tag)) }),
    ...(ifNoneMatch === undefined
      ? {}
      : { ifNoneMatch: ifNoneMatch === '*' ? '*' : ifNoneMatch.map(tag => plain(tag.value)) }),
  }
}

/** Weak tags never match strongly, so they stand for a value that no content has. */
function strongValue(tag: Tag): string {
  return tag.weak ? `W/${tag.value}` : plain(tag.value)
}

/** The tag `"*"` is not the star. */
function plain(value: string): string {
  return value === '*' ? '"*"' : value
}

function required(header: string | undefined, name: string): readonly Tag[] | '*' | undefined {
  if (header === undefined) return undefined
  const tags = parseTags(header)
  if (tags === undefined) {
    throw new HoldfastError('MALFORMED_REQUEST', {
      header: name,
      reason: 'must be * or entity tags in double quotes',
    })
  }
  return tags
}

/** HTTP dates have seconds only. */
export function modifiedSeconds(shown: Shown): number {
  return Math.floor(Date.parse(shown.modifiedAt) / 1000)
}

export function httpDate(iso: string): string {
  return new Date(iso).toUTCString()
}

const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .{7,30}$/

/** Seconds of an HTTP date, or undefined for a text that is none: then the condition is ignored. */
function parseDate(header: string | undefined): number | undefined {
  if (header === undefined || !DATE.test(header.trim())) return undefined
  const ms = Date.parse(header.trim())
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000)
}
