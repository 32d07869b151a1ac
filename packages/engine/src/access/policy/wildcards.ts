import { BoundedCache } from '@holdfast/core/bounded-cache.ts'

/** Of patterns whose parts are kept, with what it takes to look for them. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024
const patterns = new BoundedCache<readonly Part[]>(KEPT_BYTES_MAX)

/** What stands between two stars. */
interface Part {
  readonly text: string
  readonly isWild: boolean
  /** For a short wild part: one bit for each of its characters that another character fits. */
  readonly masks: Masks | undefined
}

interface Masks {
  readonly ofAscii: Int32Array
  readonly ofOthers: ReadonlyMap<number, number>
  /** Of characters that are not named: where `?` stands. */
  readonly any: number
  readonly whole: number
}

/**
 * `*` stands for any characters, `?` for one. Patterns come from callers, and each is asked about
 * thousands of keys: what it costs follows the lengths of both, not their product.
 */
export function isLike(text: string, pattern: string): boolean {
  if (pattern.includes('?') && PAIR.test(text)) return isLikeInPairs(text, pattern)
  return isLikeInUnits(text, pattern)
}

const PAIR = /[\ud800-\udbff][\udc00-\udfff]/
const PAIRS = /[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g
/** Halves of pairs that can stand for whole ones, but for the last. */
const HALVES = 2047
const OF_NONE = '\udfff'

/** `?` is one character, also of two units: in each text one half stands for such a pair. */
function isLikeInPairs(text: string, pattern: string): boolean {
  if (!text.isWellFormed() || text.length > 2 * HALVES) return isLikeInUnits(text, pattern)
  // One text is asked about with every pattern of a policy.
  if (last.text !== text) last = fold(text)
  const { folded, halves } = last
  return isLikeInUnits(
    folded,
    pattern.replace(PAIRS, pair => halves.get(pair) ?? OF_NONE),
  )
}

let last = fold('')

function fold(text: string) {
  const halves = new Map<string, string>()
  const folded = text.replace(PAIRS, pair => {
    const half = halves.get(pair) ?? String.fromCharCode(0xd800 + halves.size)
    halves.set(pair, half)
    return half
  })
  return { text, folded, halves }
}

function isLikeInUnits(text: string, pattern: string): boolean {
  const parts = partsOf(pattern)
  const [first] = parts
  const last = parts.at(-1)
  if (first === undefined || last === undefined) return text === pattern
  const { length } = first.text
  if (parts.length === 1) return text.length === length && isAt(text, first, 0)
  const end = text.length - last.text.length
  if (end < length || !isAt(text, first, 0) || !isAt(text, last, end)) return false
  let at = length
  for (const part of parts.slice(1, -1)) {
    const found = find(text, part, { from: at, end })
    if (found < 0) return false
    at = found + part.text.length
  }
  return true
}

/** What stands between the stars. */
function partsOf(pattern: string): readonly Part[] {
  const known = patterns.get(pattern)
  if (known !== undefined) return known
  const texts = pattern.split(/\*+/)
  const made = texts.map((text, at) => partOf(text, at > 0 && at < texts.length - 1))
  const bytes = made.reduce((sum, { masks }) => sum + PART_BYTES + (masks ? MASKS_BYTES : 0), 0)
  patterns.set(pattern, made, 2 * pattern.length + bytes)
  return made
}

const PART_BYTES = 64
const MASKS_BYTES = 1024

function partOf(text: string, isBetween: boolean): Part {
  const isWild = text.includes('?')
  const isSought = isWild && isBetween && text.length <= SOUGHT_MAX
  return { text, isWild, masks: isSought ? masksOf(text) : undefined }
}

function isAt(text: string, { text: part, isWild }: Part, from: number): boolean {
  if (!isWild) return text.startsWith(part, from)
  for (let at = 0; at < part.length; at += 1) {
    if (part[at] !== '?' && part[at] !== text[from + at]) return false
  }
  return true
}

/** Bits of a word: a longer part with `?` between two stars cannot be looked for at once. */
const SOUGHT_MAX = 31

/** Whether a part between two stars costs the product of the lengths: policies have none such. */
export function isTooWild(pattern: string): boolean {
  const between = pattern.split(/\*+/).slice(1, -1)
  return between.some(part => part.length > SOUGHT_MAX && part.includes('?'))
}

interface Range {
  readonly from: number
  readonly end: number
}

function find(text: string, part: Part, { from, end }: Range): number {
  const { length } = part.text
  if (!part.isWild) {
    const found = text.indexOf(part.text, from)
    return found + length <= end ? found : -1
  }
  if (part.masks === undefined) return findSlowly(text, part, { from, end })
  const { ofAscii, ofOthers, any, whole } = part.masks
  let state = 0
  for (let at = from; at < end; at += 1) {
    const code = text.charCodeAt(at)
    const mask = (code < ASCII ? ofAscii[code] : ofOthers.get(code)) ?? any
    state = ((state << 1) | 1) & mask
    if ((state & whole) !== 0) return at - length + 1
  }
  return -1
}

const ASCII = 128

/** Shift-And: one bit for each character of the part that ends here. */
function masksOf(part: string): Masks {
  let any = 0
  for (let at = 0; at < part.length; at += 1) if (part[at] === '?') any |= 1 << at
  const ofAscii = new Int32Array(ASCII).fill(any)
  const ofOthers = new Map<number, number>()
  for (let at = 0; at < part.length; at += 1) {
    const code = part.charCodeAt(at)
    if (part[at] === '?') continue
    if (code < ASCII) ofAscii[code] = (ofAscii[code] ?? any) | (1 << at)
    else ofOthers.set(code, (ofOthers.get(code) ?? any) | (1 << at))
  }
  return { ofAscii, ofOthers, any, whole: 1 << (part.length - 1) }
}

function findSlowly(text: string, part: Part, { from, end }: Range): number {
  for (let at = from; at + part.text.length <= end; at += 1) {
    if (isAt(text, part, at)) return at
  }
  return -1
}
