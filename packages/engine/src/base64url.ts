import { Buffer } from 'node:buffer'

/** RFC 4648 §5 without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

/** Undefined for anything but the one spelling that `toBase64Url` gives. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

export function textToBase64Url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}

/** Undefined when the bytes are not UTF-8. */
export function textFromBase64Url(base64: string): string | undefined {
  const bytes = fromBase64Url(base64)
  if (bytes === undefined) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
