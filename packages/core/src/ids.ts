import { HoldfastError } from './errors.ts'
import type { Clock } from './ports/clock.ts'
import type { Random } from './ports/random.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isUuid(text: string): boolean {
  return text.length === 36 && UUID.test(text)
}

/** The canonical lower-case form, or VALIDATION_ERROR naming `path`. */
export function parseUuid(text: string, path: string): string {
  if (!isUuid(text)) {
    throw new HoldfastError('VALIDATION_ERROR', {
      errors: [{ path, problem: 'must be a UUID' }],
    })
  }
  return text.toLowerCase()
}

/** A UUID version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then random bits. */
export function newUuid(clock: Clock, random: Random): string {
  const bytes = random.bytes(16)
  const ms = clock.now()
  bytes[0] = (ms / 2 ** 40) & 0xff
  bytes[1] = (ms / 2 ** 32) & 0xff
  bytes[2] = (ms / 2 ** 24) & 0xff
  bytes[3] = (ms / 2 ** 16) & 0xff
  bytes[4] = (ms / 2 ** 8) & 0xff
  bytes[5] = ms & 0xff
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = (at: number) => HEX[bytes[at] ?? 0]
  const time = `${hex(0)}${hex(1)}${hex(2)}${hex(3)}-${hex(4)}${hex(5)}`
  const middle = `${hex(6)}${hex(7)}-${hex(8)}${hex(9)}`
  return `${time}-${middle}-${hex(10)}${hex(11)}${hex(12)}${hex(13)}${hex(14)}${hex(15)}`
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** When the id was made, in Unix milliseconds. Of another version than 7 it means nothing. */
export function uuidTime(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16)
}

/** Lower case only. A pattern takes five times as long for the 64 of a SHA-256. */
export function isHex(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    const isDigit = code >= 48 && code <= 57
    if (!isDigit && (code < 97 || code > 102)) return false
  }
  return true
}

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]
  return text
}
