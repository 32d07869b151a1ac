import { createHash } from 'node:crypto'

const SUBJECT_BYTES_MAX = 255

/**
 * Whether a text can name a subject (RFC 7519 §4.1.2). Half a character is none (RFC 7493 §2.1):
 * as bytes, and so in the id, all of them are the same.
 */
export function isSubject(text: string | undefined): text is string {
  if (text === undefined || text === '' || !text.isWellFormed()) return false
  return Buffer.byteLength(text) <= SUBJECT_BYTES_MAX
}

/**
 * The id of the user that a subject of another place is here: a UUID version 8 (RFC 9562 §5.8)
 * made of both names. It can be told before the subject was ever seen, and no other subject and no
 * name that somebody chooses leads to the same user: a number and the text of its digits are two.
 */
export function subjectId(issuer: string, subject: string | number): string {
  const kind = typeof subject === 'number' ? ['number'] : []
  const parts = [issuer, String(subject), ...kind].map(
    part => `${Buffer.byteLength(part)}\n${part}`,
  )
  const bytes = createHash('sha256')
    .update(`holdfast-subject-v1\n${parts.join('\n')}`)
    .digest()
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = bytes.toString('hex', 0, 16)
  const cuts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)]
  return [...cuts, hex.slice(20)].join('-')
}
