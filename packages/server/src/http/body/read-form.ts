import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { readDocument } from './read-document.ts'

const FIELDS_MAX = 64

/**
 * A small body as `application/x-www-form-urlencoded`. A name that is given twice is refused, or
 * two readers could take two values (RFC 6749 §3.2).
 */
export async function readForm(source: ByteSource): Promise<Record<string, string>> {
  const bytes = await readDocument(source, Number.MAX_SAFE_INTEGER)
  const fields = new URLSearchParams(bytes?.toString('utf8'))
  const values = new Map<string, string>()
  for (const [name, value] of fields) {
    if (values.has(name)) refuse('a field is given twice')
    if (values.size >= FIELDS_MAX) refuse(`more than ${FIELDS_MAX} fields`)
    values.set(name, value)
  }
  return Object.fromEntries(values)
}

function refuse(reason: string): never {
  throw new HoldfastError('MALFORMED_REQUEST', { reason })
}
