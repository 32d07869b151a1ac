import type { Tree } from '../access/wire.ts'
import { metadata } from './fill.ts'

/** What the server takes for JSON, less some. */
export const documentBytes = 1_000_000
const itemsMax = 1000

/** What a schema says of itself, as JSON Schema: types are only there for the compiler. */
interface Plain {
  readonly type?: string
  readonly format?: string
  readonly pattern?: string
  readonly enum?: readonly string[]
  readonly const?: Tree
  readonly anyOf?: readonly Plain[]
  readonly properties?: Readonly<Record<string, Plain>>
  readonly items?: Plain
  readonly maxItems?: number
  readonly maxLength?: number
  readonly maximum?: number
}

/** The longest that a schema takes; ids are those of assets that are there. */
export function heaviest(schema: object, ids: readonly string[]): Tree {
  let next = 0
  const id = () => ids[next++ % ids.length]
  const textOf = ({ format, pattern, maxLength = 255 }: Plain): string | undefined => {
    if (format === 'uuid') return id()
    if (format === 'date-time') return new Date(Date.now() + 3_600_000).toISOString()
    if (pattern !== undefined) return '0'.repeat(Math.min(maxLength, 64))
    return 'x'.repeat(Math.min(maxLength, 4096))
  }
  const heaviestOf = (one: Plain): Tree => {
    if (one.const !== undefined) return one.const
    if (one.enum !== undefined) return one.enum[0]
    if (one.anyOf !== undefined) return heaviestOf(one.anyOf[0] ?? {})
    const { properties, items, maxItems = itemsMax } = one
    switch (one.type) {
      case 'string':
        return textOf(one)
      case 'integer':
      case 'number':
        return one.maximum ?? 1
      case 'boolean':
        return true
      case 'array':
        return Array.from({ length: maxItems }, (_, n) =>
          distinct(heaviestOf(items ?? {}), n, items),
        )
      default:
        if (properties === undefined) return metadata
        return Object.fromEntries(
          Object.entries(properties).map(([name, inner]) => [name, heaviestOf(inner)]),
        )
    }
  }
  return heaviestOf(plainOf(schema))
}

/** Equal ones would be looked up once. */
function distinct(value: Tree, n: number, schema: Plain = {}): Tree {
  if (typeof value !== 'string' || schema.format !== undefined || schema.enum) return value
  const mark = String(n)
  return mark + value.slice(mark.length)
}

/** A copy without the marks that only the compiler and the checker know. */
export function plainOf(schema: object): Plain {
  return JSON.parse(JSON.stringify(schema))
}

/** Fields that are lists, which hold what makes a document long. */
export function listsOf(schema: object): string[] {
  const lists = Object.entries(plainOf(schema).properties ?? {}).filter(
    ([, one]) => one.type === 'array' || one.anyOf?.some(({ type }) => type === 'array'),
  )
  return lists.map(([name]) => name)
}

/** By name; made when it is sent. */
export type Documents = Readonly<Record<string, () => string>>

/** JSON of the largest size that is refused late, or that is long in the reading. */
export function hostileJson(schema: object): Documents {
  const fields = Object.keys(plainOf(schema).properties ?? {})
  const [list = fields[0] ?? 'a'] = listsOf(schema)
  const many = (text: string) =>
    Array.from({ length: Math.floor(documentBytes / (text.length + 1)) }, () => text).join(',')
  const names = () =>
    Array.from({ length: documentBytes / 12 }, (_, n) => `"${n.toString(36)}a":0`).join(',')
  const share = Math.floor(documentBytes / Math.max(1, fields.length)) - 40
  const long = () => fields.map(field => `"${field}":"${'%2e '.repeat(share / 4)}"`).join(',')
  return {
    'many empty items': () => `{"${list}":[${many('{}')}]}`,
    'many wrong items': () => `{"${list}":[${many('""')}]}`,
    'many fields': () => `{${names()}}`,
    deep: () => `{"${list}":${'['.repeat(documentBytes / 2)}${']'.repeat(documentBytes / 2 - 20)}}`,
    long: () => `{${long()}}`,
  }
}

/** Documents of XML of this size, with the root of a good one and what is in that. */
export function hostileXml(good: string, bytes: number): Documents {
  const [, root = 'Root', inner = ''] = /^<(\w+)[^>]*>(.*)<\/\w+>$/s.exec(good) ?? []
  const count = (text: string) => Math.max(0, Math.floor((bytes - 200) / text.length))
  const around = (text: string) => `<${root}>${text}</${root}>`
  const attributes = () =>
    Array.from({ length: count('a000000="" ') }, (_, n) => `a${n}=""`).join(' ')
  const again = inner === '' ? '<Rule><ID>a</ID></Rule>' : inner
  return {
    'empty elements': () => around('<b/>'.repeat(count('<b/>'))),
    'good ones again': () => around(again.repeat(count(again))),
    'much in one': () => around(within(again, '<b/>'.repeat(count('<b/>') - again.length))),
    deep: () => around('<b>'.repeat(count('<b></b>')) + '</b>'.repeat(count('<b></b>'))),
    entities: () => around(`<b>${'&amp;'.repeat(count('&amp;'))}</b>`),
    attributes: () => around(`<b ${attributes()}/>`),
    spaces: () => around(' \n'.repeat(count('  '))),
  }
}

/** Inside of the first element of what is inside. */
function within(inner: string, text: string): string {
  return inner.replace(/^(<\w+[^>]*>)/, `$1${text}`)
}
