import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'

const DEPTH_MAX = 64

/** A small body as JSON. Undefined when it is empty. */
export async function readJson(source: ByteSource): Promise<unknown> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return chunks.length === 0 ? undefined : parseJson(Buffer.concat(chunks))
}

/** INVALID_JSON for what is none, VALIDATION_ERROR for what is nested too deep to be handled. */
export function parseJson(bytes: Uint8Array): unknown {
  let value: unknown
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    value = JSON.parse(text)
  } catch {
    throw new HoldfastError('INVALID_JSON')
  }
  requireDepth(text)
  return value
}

/** Counted on the text, without recursion: deep values must not reach code that recurses. */
function requireDepth(text: string): void {
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (quoted) {
      if (unit === 0x5c) at += 1
      else if (unit === 0x22) quoted = false
    } else if (unit === 0x22) {
      quoted = true
    } else if (unit === 0x7b || unit === 0x5b) {
      depth += 1
      if (depth > DEPTH_MAX) {
        throw invalidFields({ path: '', problem: `nested deeper than ${DEPTH_MAX}` })
      }
    } else if (unit === 0x7d || unit === 0x5d) {
      depth -= 1
    }
  }
}
