/**
 * `*` stands for any characters, `?` for one. Not by a regular expression: patterns come from
 * callers, and this needs at most the product of both lengths.
 */
export function isLike(text: string, pattern: string): boolean {
  let at = 0
  let mark = 0
  let star = -1
  let resume = 0
  while (at < text.length) {
    const wanted = pattern[mark]
    if (wanted === '*') {
      star = mark
      resume = at
      mark += 1
    } else if (wanted === '?' || wanted === text[at]) {
      at += 1
      mark += 1
    } else if (star >= 0) {
      resume += 1
      at = resume
      mark = star + 1
    } else return false
  }
  while (pattern[mark] === '*') mark += 1
  return mark === pattern.length
}
