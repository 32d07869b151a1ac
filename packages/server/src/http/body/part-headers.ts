import { HoldfastError } from '@holdfast/core/errors.ts'

export interface PartHeaders {
  readonly name: string
  readonly filename: string | undefined
  readonly contentType: string | undefined
}

/** The headers of one part of a form (RFC 7578 §4), without their last line break. */
export function parsePartHeaders(bytes: Uint8Array): PartHeaders {
  const headers = new Map<string, string>()
  for (const line of decode(bytes).split('\r\n')) {
    if (line === '') continue
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase()
    if (!/^[\w-]+$/.test(name) || headers.has(name)) throw malformed('has a bad header')
    const value = line.slice(colon + 1).trim()
    // Line breaks and NUL inside a value are how headers are smuggled into later answers.
    if (/[\r\n\0]/.test(value)) throw malformed('has a bad header')
    headers.set(name, value)
  }
  const parameters = parseDisposition(headers.get('content-disposition') ?? '')
  const name = parameters.get('name')
  if (name === undefined) throw malformed('has no name')
  const encoding = (headers.get('content-transfer-encoding') ?? 'binary').toLowerCase()
  if (!['7bit', '8bit', 'binary'].includes(encoding)) {
    throw malformed('has a Content-Transfer-Encoding')
  }
  const extended = parameters.get('filename*')
  return {
    name,
    filename: extended === undefined ? parameters.get('filename') : extendedValue(extended),
    contentType: headers.get('content-type'),
  }
}

function parseDisposition(header: string): Map<string, string> {
  const parameters = new Map<string, string>()
  if (!/^form-data\s*(;|$)/i.test(header)) throw malformed('is not form-data')
  // Each byte fits in one way only: where two fit, a header that fits nowhere is tried for ever.
  const pattern =
    /;\s*([\w!#$&+.^`|~*-]+)\s*=\s*(?!\s)(?:"((?:\\["\\]|[^"\\]|\\(?!["\\]))*)"|([^\s;"]*))\s*(?=;|$)/gy
  let at = header.search(/;|$/)
  while (at < header.length) {
    if (/^;?\s*$/.test(header.slice(at))) break
    pattern.lastIndex = at
    const match = pattern.exec(header)
    if (match === null) throw malformed('has a bad Content-Disposition')
    at = pattern.lastIndex
    const key = (match[1] ?? '').toLowerCase()
    if (parameters.has(key)) throw malformed('has a bad Content-Disposition')
    parameters.set(key, match[2] === undefined ? (match[3] ?? '') : unquote(match[2]))
  }
  return parameters
}

/** Browsers escape three characters with percent signs, curl two with a backslash. */
function unquote(text: string): string {
  return text
    .replaceAll(/\\(["\\])/g, '$1')
    .replaceAll(/%(22|0D|0A)/gi, escaped => decodeURIComponent(escaped))
}

function extendedValue(text: string): string {
  const match = /^utf-8'[\w-]*'([^']*)$/i.exec(text)
  try {
    if (match !== null) return decodeURIComponent(match[1] ?? '')
  } catch {
    // Falls through to the refusal.
  }
  throw malformed('has a bad filename*')
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed('has headers that are not UTF-8')
  }
}

function malformed(reason: string): HoldfastError {
  return new HoldfastError('MALFORMED_REQUEST', { reason: `A part of the form ${reason}.` })
}
