/** What a JSON text holds, told before anything is built from it. */
export interface JsonShape {
  readonly depth: number
  readonly values: number
  /** Names of the largest object. */
  readonly namesMax: number
  /** A name that one object has twice. */
  readonly repeated: string | undefined
}

/** How far the shape is followed: beyond any of these the rest does not matter any more. */
export interface ShapeBounds {
  readonly depth: number
  readonly values: number
  readonly names: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b
const CLOSE_OBJECT = 0x7d
const CLOSE_ARRAY = 0x5d

/**
 * Counted on the text, without recursion: deep values must not reach code that recurses, a value of
 * two bytes takes a hundred in memory, and an object of thousands of names is slow to build. Names
 * must be unique (RFC 8259 §4): parsers disagree about which of two counts, so one could be checked
 * and the other kept. What is said of a text that is no JSON has no meaning.
 */
export function shapeOf(text: string, bounds: ShapeBounds): JsonShape {
  const names: (Set<string> | undefined)[] = []
  let level = 0
  let depth = 0
  let values = 0
  let namesMax = 0
  let repeated: string | undefined
  let nameNext = false
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) {
      const end = endOfString(text, at + 1)
      const known = nameNext ? names[level] : undefined
      nameNext = false
      if (known !== undefined) {
        const name = unescaped(text.slice(at + 1, end))
        if (known.has(name)) repeated ??= name
        known.add(name)
        namesMax = Math.max(namesMax, known.size)
      }
      at = end
    } else if (unit === COMMA) {
      values += 1
      nameNext = names[level] !== undefined
    } else if (unit === OPEN_OBJECT || unit === OPEN_ARRAY) {
      level += 1
      values += 1
      depth = Math.max(depth, level)
      nameNext = unit === OPEN_OBJECT && level <= bounds.depth
      if (level <= bounds.depth) names[level] = nameNext ? new Set() : undefined
    } else if (unit === CLOSE_OBJECT || unit === CLOSE_ARRAY) {
      level -= 1
      nameNext = false
    }
    if (values > bounds.values || namesMax > bounds.names) break
  }
  return { depth, values, namesMax, repeated }
}

/** Where the quote stands that ends a string; the end of the text when none does. */
function endOfString(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit === BACKSLASH) at += 1
    else if (unit === QUOTE) return at
  }
  return text.length
}

/** `"\u0061"` is the same name as `"a"`. */
function unescaped(raw: string): string {
  if (!raw.includes('\\')) return raw
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    return raw
  }
}
