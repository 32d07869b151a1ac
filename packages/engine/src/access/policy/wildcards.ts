import { BoundedCache } from '@holdfast/core/bounded-cache.ts'

/** Of patterns whose parts are kept. */
const KEPT_CHARS_MAX = 256 * 1024
const parts = new BoundedCache<readonly string[]>(KEPT_CHARS_MAX)

/**
 * `*` stands for any characters, `?` for one. Patterns come from callers, and each is asked about
 * thousands of keys: what it costs follows the lengths of both, not their product.
 */
export function isLike(text: string, pattern: string): boolean {
  const [first = '', ...rest] = partsOf(pattern)
  const last = rest.pop()
  if (last === undefined) return text.length === first.length && isAt(text, first, 0)
  const end = text.length - last.length
  if (end < first.length || !isAt(text, first, 0) || !isAt(text, last, end)) return false
  const between = text.slice(0, end)
  let at = first.length
  for (const part of rest) {
    const found = find(between, part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return true
}

/** What stands between the stars. */
function partsOf(pattern: string): readonly string[] {
  const known = parts.get(pattern)
  if (known !== undefined) return known
  const made = pattern.split(/\*+/)
  parts.set(pattern, made, pattern.length)
  return made
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
  const between = pattern.split(/\*+/).slice(1, -1)
  return between.some(part => part.length > SOUGHT_MAX && part.includes('?'))
}

/** Characters that need no map, which takes ten times as long. */
const PLAIN = 128
const ANY = 63

function find(text: string, part: string, from: number): number {
  if (!part.includes('?')) return text.indexOf(part, from)
  if (part.length > SOUGHT_MAX) return findSlowly(text, part, from)
  // Shift-And: one bit for each character of the part that ends here.
  const plain = new Int32Array(PLAIN)
  const others = new Map<number, number>()
  let any = 0
  for (let at = 0; at < part.length; at += 1) {
    const code = part.charCodeAt(at)
    if (code === ANY) any |= 1 << at
    else if (code < PLAIN) plain[code] = (plain[code] ?? 0) | (1 << at)
    else others.set(code, (others.get(code) ?? 0) | (1 << at))
  }
  const whole = 1 << (part.length - 1)
  let state = 0
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    const mask = (code < PLAIN ? plain[code] : others.get(code)) ?? 0
    state = ((state << 1) | 1) & (any | mask)
    if ((state & whole) !== 0) return at - part.length + 1
  }
  return -1
}

function findSlowly(text: string, part: string, from: number): number {
  for (let at = from; at + part.length <= text.length; at += 1) {
    if (isAt(text, part, at)) return at
  }
  return -1
}
