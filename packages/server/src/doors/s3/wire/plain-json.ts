/**
 * JSON of a policy. `JSON.parse` keeps the last of two fields of one name and drops the other,
 * which may be the condition that closes: SyntaxError here.
 */
export function plainJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  let written = 0
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) {
    if (colon !== undefined) written += 1
  }
  if (written === fieldsIn(value)) return value
  throw new SyntaxError('a field is given twice')
}

function fieldsIn(root: unknown): number {
  let count = 0
  const open = [root]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue
    const inside: unknown[] = Object.values(value)
    if (!Array.isArray(value)) count += inside.length
    open.push(...inside)
  }
  return count
}
