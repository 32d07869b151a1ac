/**
 * `type=value`; the value ends at a `,`, `;` or `+` that is not escaped (RFC 4514 §3). Spaces
 * around it are U+0020 alone: the name of another group may begin with one of the others.
 */
const PART = /^ *([\w.-]+) *=((?:\\.|[^\\,;+])*)([,;+]|$)/su
const ESCAPED = /((?:\\[\da-f]{2})+)|\\(.)/gisu

/**
 * One spelling for all that name the same group: a distinguished name in any case, with or without
 * spaces between its parts, and whichever way its characters are escaped. Two that differ in more
 * stay two. What is no distinguished name is in small letters.
 */
export function groupNameOf(name: string): string {
  const parts: string[] = []
  for (let rest = name; ; ) {
    const found = PART.exec(rest)
    if (found === null) return name.toLowerCase()
    const [whole, type = '', value = '', end = ''] = found
    parts.push(`${type}=${spelt(value)}`.toLowerCase())
    if (end === '') return parts.join('')
    parts.push(end === '+' ? '+' : ',')
    rest = rest.slice(whole.length)
  }
}

/** What is escaped is escaped in one way, and nothing else is. */
function spelt(given: string): string {
  const value = trimmed(given)
  // The bytes of a value, and no text.
  if (value.startsWith('#')) return value
  const plain = value.replace(ESCAPED, (_, hex?: string, sign = '') => {
    return hex === undefined ? sign : Buffer.from(hex.replaceAll('\\', ''), 'hex').toString()
  })
  return plain.normalize('NFC').replace(/[\\,;+="<>#]|^ | $/gu, sign => `\\${sign}`)
}

/** Without the spaces around it, but for one at its end that is escaped. */
function trimmed(value: string): string {
  let begin = 0
  while (value[begin] === ' ') begin += 1
  let end = value.length
  while (end > begin && value[end - 1] === ' ') end -= 1
  let escapes = 0
  while (value[end - 1 - escapes] === '\\') escapes += 1
  return value.slice(begin, escapes % 2 === 1 ? end + 1 : end)
}
