/** `type=value`; the value ends at a `,`, `;` or `+` that is not escaped (RFC 4514 §3). */
const PART = /^\s*([\w.-]+)\s*=\s*((?:\\.|[^\\,;+])*)([,;+]|$)/su
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
function spelt(value: string): string {
  // The bytes of a value, and no text.
  if (value.startsWith('#')) return value
  const plain = trimmedEnd(value).replace(ESCAPED, (_, hex?: string, sign = '') => {
    return hex === undefined ? sign : Buffer.from(hex.replaceAll('\\', ''), 'hex').toString()
  })
  return plain.normalize('NFC').replace(/[\\,;+="<>#]|^\s|\s$/gu, sign => `\\${sign}`)
}

/** Without the spaces at its end, but for one that is escaped. */
function trimmedEnd(value: string): string {
  const end = value.trimEnd()
  let escapes = 0
  while (end.at(-1 - escapes) === '\\') escapes += 1
  return escapes % 2 === 1 ? value.slice(0, end.length + 1) : end
}
