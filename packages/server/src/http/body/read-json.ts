import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'

const DEPTH_MAX = 64
/** Far more than any request needs: a thousand files with all their tags fit. */
const VALUES_MAX = 50_000

/** A small body as JSON. Undefined when it is empty. */
export async function readJson(source: ByteSource): Promise<unknown> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return chunks.length === 0 ? undefined : parseJson(Buffer.concat(chunks))
}

/** INVALID_JSON for what is none, VALIDATION_ERROR for what is too deep or too much to handle. */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new HoldfastError('INVALID_JSON')
  }
  const { depth, values } = measure(text)
  if (values > VALUES_MAX) {
    throw invalidFields({ path: '', problem: `holds more than ${VALUES_MAX} values` })
  }
  const value = parsed(text)
  if (depth > DEPTH_MAX) {
    throw invalidFields({ path: '', problem: `nested deeper than ${DEPTH_MAX}` })
  }
  requireFinite(value)
  return value
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
    throw invalidFields({ path: '', problem: 'holds a number that is too large to be kept' })
  }
  if (typeof value !== 'object' || value === null) return
  for (const part of Object.values(value)) requireFinite(part)
}

/**
 * Counted on the text, without recursion and before anything is built: deep values must not reach
 * code that recurses, and a value of two bytes takes a hundred in memory.
 */
function measure(text: string): { readonly depth: number; readonly values: number } {
  let level = 0
  let depth = 0
  let values = 0
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (quoted) {
      if (unit === 0x5c) at += 1
      else if (unit === 0x22) quoted = false
    } else if (unit === 0x22) {
      quoted = true
    } else if (unit === 0x2c) {
      values += 1
    } else if (unit === 0x7b || unit === 0x5b) {
      level += 1
      values += 1
      if (level > depth) depth = level
    } else if (unit === 0x7d || unit === 0x5d) {
      level -= 1
    }
  }
  return { depth, values }
}
