import type { ByteRange } from '@holdfast/core/ports/element.ts'

/**
 * Range requests (RFC 9110 §14). What is sent is never larger than the content: overlapping or
 * too many ranges are answered with the whole content once.
 */
export type RangeAnswer =
  | { readonly kind: 'whole' }
  | { readonly kind: 'unsatisfiable' }
  | { readonly kind: 'ranges'; readonly ranges: readonly [ByteRange, ...ByteRange[]] }

const whole: RangeAnswer = Object.freeze({ kind: 'whole' })
const unsatisfiable: RangeAnswer = Object.freeze({ kind: 'unsatisfiable' })
const HEADER_CHARS_MAX = 1024

export function parseRange(
  header: string | undefined,
  size: number,
  rangesMax: number,
): RangeAnswer {
  if (header === undefined) return whole
  const set = /^bytes=(.*)$/i.exec(header.trim())?.[1]
  // Other units and texts that are no ranges are ignored, as the RFC wants.
  if (set === undefined) return whole
  if (set.length > HEADER_CHARS_MAX) return whole
  const specs = set.split(',').map(spec => spec.trim())
  if (specs.length > rangesMax) return whole
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const match = /^(\d*)-(\d*)$/.exec(spec)
    if (match === null || spec === '-') return whole
    const range = resolve(match[1] ?? '', match[2] ?? '', size)
    if (range === 'whole') return whole
    if (range === 'reversed') return unsatisfiable
    if (range !== 'outside') ranges.push(range)
  }
  const [first, ...others] = ranges
  if (first === undefined) return unsatisfiable
  if (overlapping(ranges)) return whole
  return { kind: 'ranges', ranges: [first, ...others] }
}

function resolve(
  from: string,
  to: string,
  size: number,
): ByteRange | 'outside' | 'reversed' | 'whole' {
  if (from === '') {
    const suffix = Number(to)
    if (suffix === 0) return 'outside'
    // A suffix of nothing is all there is, but no Content-Range can say so.
    if (size === 0) return 'whole'
    return { first: Math.max(0, size - suffix), last: size - 1 }
  }
  const first = Number(from)
  const last = to === '' ? Number.POSITIVE_INFINITY : Number(to)
  if (last < first) return 'reversed'
  if (first >= size) return 'outside'
  return { first, last: Math.min(last, size - 1) }
}

function overlapping(ranges: readonly ByteRange[]): boolean {
  const sorted = [...ranges].sort((one, other) => one.first - other.first)
  return sorted.some((range, index) => {
    const before = sorted[index - 1]
    return before !== undefined && range.first <= before.last
  })
}

export function rangeBytes(range: ByteRange): number {
  return range.last - range.first + 1
}

export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.first}-${range.last}/${size}`
}
