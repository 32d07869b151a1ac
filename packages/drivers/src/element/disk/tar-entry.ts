/**
 * The part of POSIX ustar (IEEE Std 1003.1-2017, pax "ustar Interchange Format") that packs use:
 * regular files with names of at most 100 bytes, data padded to 512-byte records.
 */

export const RECORD = 512
/** Size field: 11 octal digits. Packed entries are far smaller. */
export const ENTRY_BYTES_MAX = 8 ** 11 - 1

export interface TarEntry {
  readonly name: string
  readonly size: number
}

export function padded(size: number): number {
  return Math.ceil(size / RECORD) * RECORD
}

/** Bytes an entry takes in the archive, header and padding included. */
export function entryBytes(size: number): number {
  return RECORD + padded(size)
}

/** What all headers share; the checksum counts its own field as spaces. */
const TEMPLATE = Buffer.alloc(RECORD)
TEMPLATE.write('0000444\0', 100, 'latin1')
TEMPLATE.write('0000000\0', 108, 'latin1')
TEMPLATE.write('0000000\0', 116, 'latin1')
TEMPLATE.write('        0', 148, 'latin1')
TEMPLATE.write('ustar\u000000', 257, 'latin1')
const TEMPLATE_SUM = headerSum(TEMPLATE, 0)

/** Writes all 512 bytes of the header at `at`. */
export function writeHeader(into: Buffer, at: number, entry: TarEntry, mtimeS: number): void {
  const size = octal(entry.size, 11)
  const mtime = octal(mtimeS, 11)
  into.set(TEMPLATE, at)
  into.write(entry.name, at, 100, 'latin1')
  into.write(size, at + 124, 12, 'latin1')
  into.write(mtime, at + 136, 12, 'latin1')
  const sum = TEMPLATE_SUM + textSum(entry.name) + textSum(size) + textSum(mtime)
  into.write(octal(sum, 6), at + 148, 7, 'latin1')
}

function textSum(text: string): number {
  let sum = 0
  for (let i = 0; i < text.length; i += 1) sum += text.charCodeAt(i)
  return sum
}

/** The entry, `end` for a record of zeros, or undefined when it is no header of ours. */
export function readHeader(from: Uint8Array, at: number): TarEntry | 'end' | undefined {
  const header = Buffer.from(from.buffer, from.byteOffset + at, RECORD)
  if (header[0] === 0) return header.every(byte => byte === 0) ? 'end' : undefined
  if (header.toString('latin1', 257, 263) !== 'ustar\0') return undefined
  const sum = Number.parseInt(header.toString('latin1', 148, 154), 8)
  if (sum !== headerSum(header, 0)) return undefined
  const size = Number.parseInt(header.toString('latin1', 124, 135), 8)
  if (!Number.isSafeInteger(size)) return undefined
  const nameEnd = header.indexOf(0)
  return { name: header.toString('latin1', 0, nameEnd < 0 || nameEnd > 100 ? 100 : nameEnd), size }
}

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, '0')}\0`
}

/** Sum of the header's bytes with the checksum field counted as spaces. */
function headerSum(bytes: Uint8Array, at: number): number {
  let sum = 8 * 32
  for (let i = at; i < at + RECORD; i += 1) {
    if (i < at + 148 || i >= at + 156) sum += bytes[i] ?? 0
  }
  return sum
}
