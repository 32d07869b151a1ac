import { invalidArgument } from '../errors.ts'

/** Refuses what would end a header, or the whole head, early. */
export function requireHeaderText(name: string, text: string): string {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) {
      throw invalidArgument(name, text, 'Header value contains characters that are not allowed.')
    }
  }
  return text
}

/** An HTTP date (RFC 9110 §5.6.7). */
export function httpDate(iso: string): string {
  return new Date(iso).toUTCString()
}

/** Milliseconds of an HTTP date; undefined for anything else, which is then ignored. */
export function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Za-z]{3,9},? .{10,40}$/.test(text)) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}
