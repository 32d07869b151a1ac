import { createHash } from 'node:crypto'

/** Names longer than this are refused by common file systems. */
const NAME_BYTES_MAX = 255

const DEVICES = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)(\.|$)/i

/**
 * One part of a key as a name in a directory: never empty, never `.` or `..`, never a path, never
 * a device. Names that are fine stay as they are; the others are written with %XX.
 */
export function safeName(part: string, windows: boolean): string {
  return shortened(windows ? windowsName(part) : posixName(part))
}

function posixName(part: string): string {
  if (part === '') return '%'
  if (part === '.' || part === '..') return part.replaceAll('.', '%2E')
  return part.replaceAll(/[\0/]/g, escaped)
}

function windowsName(part: string): string {
  const bare = posixName(part)
    // `:` would name a drive or a stream, `\` a path.
    .replaceAll(/[\p{Cc}<>:"|?*\\]/gu, escaped)
    .replace(/[. ]$/, escaped)
  return DEVICES.test(bare) ? `%${bare}` : bare
}

function escaped(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

/** The end is kept, because it tells the type; the hash keeps two long names apart. */
function shortened(name: string): string {
  const bytes = Buffer.from(name)
  if (bytes.length <= NAME_BYTES_MAX) return name
  const dot = name.lastIndexOf('.')
  const end = dot > 0 && name.length - dot <= 16 ? name.slice(dot) : ''
  const mark = `~${shortHash(name)}`
  const room = NAME_BYTES_MAX - Buffer.byteLength(mark + end)
  let text = bytes.subarray(0, room).toString('utf8')
  // A character that was cut in the middle became U+FFFD.
  while (Buffer.byteLength(text) > room || !name.startsWith(text)) text = text.slice(0, -1)
  return text + mark + end
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
