/**
 * URI encoding as SigV4 and the listings of S3 have it: everything but A-Z a-z 0-9 - . _ ~ becomes
 * %XX in upper case, byte by byte of UTF-8
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
 */
const PLAIN = new Uint8Array(256)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~') {
  PLAIN[char.charCodeAt(0)] = 1
}
const ESCAPES = Array.from({ length: 256 }, (_, byte) => {
  if (PLAIN[byte] === 1) return String.fromCharCode(byte)
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

export function uriEncode(text: string | Uint8Array, options: { slash?: boolean } = {}): string {
  if (typeof text === 'string' && /^[\w.~-]*$/.test(text)) return text
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  let encoded = ''
  for (const byte of bytes) {
    encoded += byte === 0x2f && options.slash !== true ? '/' : ESCAPES[byte]
  }
  return encoded
}

/**
 * Percent-decodes once, to bytes; undefined for a broken escape. `plus` makes `+` a space, as
 * queries have it.
 */
export function uriDecode(text: string, options: { plus?: boolean } = {}): Buffer | undefined {
  const bytes = Buffer.from(options.plus === true ? text.replaceAll('+', ' ') : text, 'latin1')
  if (!bytes.includes(0x25)) return bytes
  const decoded = Buffer.alloc(bytes.length)
  let size = 0
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] !== 0x25) {
      decoded[size] = bytes[at] ?? 0
    } else {
      const high = hexValue(bytes[at + 1])
      const low = hexValue(bytes[at + 2])
      if (high < 0 || low < 0) return undefined
      decoded[size] = high * 16 + low
      at += 2
    }
    size += 1
  }
  return decoded.subarray(0, size)
}

function hexValue(code: number | undefined): number {
  if (code === undefined) return -1
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  if (code >= 0x41 && code <= 0x46) return code - 0x37
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of valid UTF-8, or undefined. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return undefined
  }
}
