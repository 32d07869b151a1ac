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

const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/

/** The same for what stands for a header elsewhere, in a query or a form; its name in lower case. */
export function requireHeader(name: string, text: string): string {
  if (NAME.test(name)) return requireHeaderText(name, text)
  throw invalidArgument(name.slice(0, 128), '', 'This cannot be the name of a header.')
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
