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

/** Nothing is kept of a pattern: of the longest it would be megabytes. */
function isLikeInUnits(text: string, pattern: string): boolean {
  const first = pattern.indexOf('*')
  if (first < 0) return text.length === pattern.length && isAt(text, pattern, 0)
  const last = pattern.lastIndexOf('*')
  const tail = pattern.slice(last + 1)
  const end = text.length - tail.length
  if (end < first || !isAt(text, pattern.slice(0, first), 0) || !isAt(text, tail, end)) return false
  let at = first
  for (let star = first; star < last; ) {
    const next = pattern.indexOf('*', star + 1)
    const part = pattern.slice(star + 1, next)
    const found = part === '' ? at : find(text, part, { from: at, end })
    if (found < 0) return false
    at = found + part.length
    star = next
  }
  return true
}

function isAt(text: string, part: string, from: number): boolean {
  if (!part.includes('?')) return text.startsWith(part, from)
  for (let at = 0; at < part.length; at += 1) {
    if (part[at] !== '?' && part[at] !== text[from + at]) return false
  }
  return true
}

/** Bits of a word: a longer part with `?` between two stars cannot be looked for at once. */
const SOUGHT_MAX = 31

/** Whether a part between two stars costs the product of the lengths: policies have none such. */
export function isTooWild(pattern: string): boolean {
  return between(pattern).some(part => part.length > SOUGHT_MAX && part.includes('?'))
}

/** What stands between two stars is looked for in all of a text. */
export function between(pattern: string): readonly string[] {
  return pattern.split(/\*+/).slice(1, -1)
}

interface Range {
  readonly from: number
  readonly end: number
}

function find(text: string, part: string, { from, end }: Range): number {
  if (from + part.length > end) return -1
  if (part.length > SOUGHT_MAX && part.includes('?')) return findSlowly(text, part, { from, end })
  if (part.includes('?')) return findAtOnce(text, part, { from, end })
  const found = text.indexOf(part, from)
  return found + part.length <= end ? found : -1
}

const ASCII = 128
/** Of the part that is looked for: one bit for each of its characters that another one is. */
const ofAscii = new Int32Array(ASCII)
const ofOthers = new Map<number, number>()

/** Shift-And: one bit for each character of the part that ends here. */
function findAtOnce(text: string, part: string, { from, end }: Range): number {
  const any = fill(part)
  const whole = 1 << (part.length - 1)
  let found = -1
  let state = 0
  for (let at = from; at < end; at += 1) {
    const code = text.charCodeAt(at)
    const mask = code < ASCII ? ofAscii[code] : ofOthers.get(code)
    state = ((state << 1) | 1) & ((mask ?? 0) | any)
    if ((state & whole) === 0) continue
    found = at - part.length + 1
    break
  }
  empty(part)
  return found
}

/** The bits of `?`, which every character is. */
function fill(part: string): number {
  let any = 0
  for (let at = 0; at < part.length; at += 1) {
    const code = part.charCodeAt(at)
    if (part[at] === '?') any |= 1 << at
    else if (code < ASCII) ofAscii[code] = (ofAscii[code] ?? 0) | (1 << at)
    else ofOthers.set(code, (ofOthers.get(code) ?? 0) | (1 << at))
  }
  return any
}

function empty(part: string): void {
  for (let at = 0; at < part.length; at += 1) {
    const code = part.charCodeAt(at)
    if (code < ASCII) ofAscii[code] = 0
  }
  if (ofOthers.size > 0) ofOthers.clear()
}

function findSlowly(text: string, part: string, { from, end }: Range): number {
  for (let at = from; at + part.length <= end; at += 1) {
    if (isAt(text, part, at)) return at
  }
  return -1
}
