import { isUtf8 } from 'node:buffer'

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
    if (found === null) return small(name)
    const [whole, type = '', value = '', end = ''] = found
    parts.push(small(`${type}=${spelt(value)}`))
    if (end === '') return parts.join('')
    parts.push(end === '+' ? '+' : ',')
    rest = rest.slice(whole.length)
  }
}

/** A capital sigma has two small letters, by where it stands. */
function small(name: string): string {
  return name.toLowerCase().replaceAll('ς', 'σ')
}

/** What is escaped is escaped in one way, and nothing else is. */
function spelt(given: string): string {
  const value = trimmed(given)
  // The bytes of a value, and no text.
  if (value.startsWith('#')) return value
  const plain = value.replace(ESCAPED, (_, hex?: string, sign = '') => {
    return hex === undefined ? sign : textOf(Buffer.from(hex.replaceAll('\\', ''), 'hex'))
  })
  const escaped = plain.normalize('NFC').replace(/[\\,;+="<>#]|^ | $/gu, sign => `\\${sign}`)
  return escaped.replace(
    /[\udc80-\udcff]/gu,
    byte => `\\${byte.charCodeAt(0).toString(16).slice(2)}`,
  )
}

/**
 * Bytes that are no text have signs of their own, halves of pairs that no text has: one for all of
 * them would make one group of two.
 */
function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  const signs = Array.from(bytes, byte => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte))
  return signs.join('')
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
