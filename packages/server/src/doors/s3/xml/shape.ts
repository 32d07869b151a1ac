import type { Json, JsonObject } from '@holdfast/core/records.ts'
import { childOf, childrenOf, malformed, requireOnly, type XmlElement } from './read.ts'
import type { XmlNode } from './write.ts'

/**
 * Shapes of configuration documents: what elements there may be and what they hold. The same shape
 * reads XML into JSON and writes it back, so that nothing is kept that was not understood.
 */
export type Shape = Value | List | Fields

export interface Value {
  readonly kind: 'text' | 'number' | 'flag'
  readonly oneOf?: readonly string[]
  readonly pattern?: RegExp
  readonly min?: number
  readonly max?: number
}

export interface List {
  readonly kind: 'list'
  readonly of: Value | Fields
  readonly max: number
  readonly min: number
}

export interface Fields {
  readonly kind: 'fields'
  readonly of: Readonly<Record<string, Shape>>
  readonly required: readonly string[]
}

const TEXT_CHARS_MAX = 2048

export function text(options: Omit<Value, 'kind'> = {}): Value {
  return { kind: 'text', ...options }
}

export function word(...oneOf: string[]): Value {
  return { kind: 'text', oneOf }
}

export function number(min: number, max: number): Value {
  return { kind: 'number', min, max }
}

export const flag: Value = { kind: 'flag' }

export function list(of: Value | Fields, max: number, min = 0): List {
  return { kind: 'list', of, max, min }
}

export function fields(of: Readonly<Record<string, Shape>>, ...required: string[]): Fields {
  return { kind: 'fields', of, required }
}

export function readShape(element: XmlElement, shape: Fields): JsonObject {
  const document: Record<string, Json> = {}
  requireOnly(element, ...Object.keys(shape.of))
  for (const [name, part] of Object.entries(shape.of)) {
    const value = readPart(element, name, part)
    if (value !== undefined) document[name] = value
    else if (shape.required.includes(name)) throw malformed()
  }
  return document
}

function readPart(element: XmlElement, name: string, part: Shape): Json | undefined {
  if (part.kind === 'list') {
    const found = childrenOf(element, name)
    if (found.length > part.max || found.length < part.min) throw malformed()
    const { of } = part
    if (found.length === 0) return undefined
    return found.map(child => (of.kind === 'fields' ? readShape(child, of) : readValue(child, of)))
  }
  const child = childOf(element, name)
  if (child === undefined) return undefined
  return part.kind === 'fields' ? readShape(child, part) : readValue(child, part)
}

function readValue(element: XmlElement, value: Value): Json {
  const given = element.text
  if (element.children.length > 0 || given.length > TEXT_CHARS_MAX) throw malformed()
  const plain = given.trim()
  switch (value.kind) {
    case 'flag':
      if (!/^(true|false)$/i.test(plain)) throw malformed()
      return plain.toLowerCase() === 'true'
    case 'number': {
      const read = /^-?\d{1,12}$/.test(plain) ? Number(plain) : Number.NaN
      if (!(read >= (value.min ?? 0) && read <= (value.max ?? Number.MAX_SAFE_INTEGER))) {
        throw malformed()
      }
      return read
    }
    case 'text':
      if (value.oneOf !== undefined && !value.oneOf.includes(given)) throw malformed()
      if (value.pattern !== undefined && !value.pattern.test(given)) throw malformed()
      return given
  }
}

/** Elements in the order of the shape. */
export function writeShape(document: JsonObject, shape: Fields): XmlNode[] {
  return Object.entries(shape.of).flatMap(([name, part]): XmlNode[] => {
    const value = document[name]
    if (value === undefined || value === null) return []
    if (part.kind !== 'list') return [writePart(name, value, part)]
    const { of } = part
    return Array.isArray(value) ? value.map(one => writePart(name, one, of)) : []
  })
}

function writePart(name: string, value: Json, part: Value | Fields): XmlNode {
  if (part.kind !== 'fields') return [name, typeof value === 'object' ? '' : value]
  return [name, isObject(value) ? writeShape(value, part) : []]
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
