import { type FieldProblem, HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { TObject, TSchema } from 'typebox'

/**
 * The query of a request as values. Texts become numbers and booleans only where the schema says
 * so and only when they are written plainly; `tags[]=a` is another spelling of `tags=a`.
 */
export function queryValues(rawQuery: string, schema: TObject): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  const problems: FieldProblem[] = []
  for (const [name, texts] of texted(rawQuery)) {
    const property: TSchema | undefined = Object.hasOwn(schema.properties, name)
      ? schema.properties[name]
      : undefined
    if (property === undefined) {
      problems.push({ path: name.slice(0, 64), problem: 'is not a known parameter' })
    } else if (typeOf(property) === 'array') {
      values[name] = texts
    } else if (texts.length > 1) {
      problems.push({ path: name, problem: 'is given more than once' })
    } else {
      values[name] = coerced(texts[0] ?? '', typeOf(property))
    }
  }
  if (problems.length > 0) throw invalidFields(...problems.slice(0, 20))
  return values
}

function texted(rawQuery: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  if (rawQuery === '') return found
  for (const pair of rawQuery.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals)).replace(/\[\]$/, '')
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
    const list = found.get(name)
    if (list === undefined) found.set(name, [value])
    else list.push(value)
  }
  return found
}

/** Once, and only valid UTF-8: a byte that is none must not become another name. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new HoldfastError('MALFORMED_REQUEST', { reason: 'The query is not valid UTF-8.' })
  }
}

function typeOf(schema: TSchema): unknown {
  return 'type' in schema ? schema.type : undefined
}

function coerced(text: string, type: unknown): unknown {
  if ((type === 'integer' || type === 'number') && /^-?\d{1,16}(\.\d{1,16})?$/.test(text)) {
    return Number(text)
  }
  if (type === 'boolean') {
    if (text === 'true' || text === '1') return true
    if (text === 'false' || text === '0') return false
  }
  // Left as it is, for the schema to refuse.
  return text
}
