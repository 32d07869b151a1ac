import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { shapeOf } from './json-shape.ts'
import { readDocument } from './read-document.ts'

/** Far more than any request needs: a thousand files with all their tags fit. */
const bounds = { depth: 64, values: 50_000, names: 1000 }

/** A small body as JSON. Undefined when it is empty. */
export async function readJson(source: ByteSource): Promise<unknown> {
  const bytes = await readDocument(source, Number.MAX_SAFE_INTEGER)
  return bytes === undefined || bytes.length === 0 ? undefined : parseJson(bytes)
}

/** INVALID_JSON for what is none, VALIDATION_ERROR for what is too deep or too much to handle. */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new HoldfastError('INVALID_JSON')
  }
  const { depth, values, namesMax, repeated } = shapeOf(text, bounds)
  if (values > bounds.values) refuse(`holds more than ${bounds.values} values`)
  if (namesMax > bounds.names) refuse(`holds an object with more than ${bounds.names} names`)
  const value = parsed(text)
  if (depth > bounds.depth) refuse(`nested deeper than ${bounds.depth}`)
  if (repeated !== undefined) refuse(`gives the name ${JSON.stringify(excerpt(repeated))} twice`)
  requireFinite(value)
  return value
}

function refuse(problem: string): never {
  throw invalidFields({ path: '', problem })
}

function excerpt(name: string): string {
  return name.slice(0, 64).toWellFormed()
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new HoldfastError('INVALID_JSON')
  }
}

/** `1e400` is read as Infinity, which JSON cannot say: it would be kept as null. */
function requireFinite(value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    refuse('holds a number that is too large to be kept')
  }
  if (typeof value !== 'object' || value === null) return
  for (const part of Object.values(value)) requireFinite(part)
}
