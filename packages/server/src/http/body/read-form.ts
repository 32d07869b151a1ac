import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { readDocument } from './read-document.ts'

const FIELDS_MAX = 64
/** The only such form, of the token endpoint, is at most 12,000 letters by its schema. */
export const FORM_BYTES_MAX = 16 * 1024

/**
 * A small body as `application/x-www-form-urlencoded`. A name that is given twice is refused, or
 * two readers could take two values (RFC 6749 §3.2).
 */
export async function readForm(source: ByteSource): Promise<Record<string, string>> {
  const bytes = await readDocument(source, FORM_BYTES_MAX)
  if (bytes === undefined) throw new HoldfastError('BODY_TOO_LARGE', { limit: FORM_BYTES_MAX })
  const text = bytes.toString('utf8')
  // Before they are parsed: that takes time that grows with the square of their number.
  if (text.split('&', FIELDS_MAX + 1).length > FIELDS_MAX) refuse(`more than ${FIELDS_MAX} fields`)
  const values = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (values.has(name)) refuse('a field is given twice')
    values.set(name, value)
  }
  return Object.fromEntries(values)
}

function refuse(reason: string): never {
  throw new HoldfastError('MALFORMED_REQUEST', { reason })
}
