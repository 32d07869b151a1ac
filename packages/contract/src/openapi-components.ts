import type { TSchema } from 'typebox'
import type { Route } from './route.ts'

/** Schemas with a title become named components; everything else is written where it stands. */

export type JsonTree = { [key: string]: unknown }

const refPrefix = '#/components/schemas/'

export function componentsOf(
  routes: Readonly<Record<string, Route>>,
  extra: readonly TSchema[],
): JsonTree {
  const found = new Map<string, JsonTree>()
  for (const schema of extra) collect(schema, found)
  for (const route of Object.values(routes)) {
    for (const answer of [route.answer, ...(route.also ?? [])]) collect(answer.schema, found)
    const body = route.body
    if (body?.kind === 'json') collect(body.schema, found)
    if (body?.kind === 'form') collect(body.fields, found)
    if (body?.kind === 'form-or-json') {
      collect(body.schema, found)
      collect(body.form.fields, found)
    }
  }
  const components: JsonTree = {}
  for (const name of [...found.keys()].sort()) components[name] = found.get(name)
  return components
}

/** A copy of the schema as plain JSON in which titled parts are references. */
export function shared(schema: TSchema, options: { inline?: boolean } = {}): JsonTree {
  const result = refer(schema, options.inline === true)
  return isTree(result) ? result : {}
}

function refer(value: unknown, inline: boolean): unknown {
  if (Array.isArray(value)) return value.map(item => refer(item, false))
  if (!isTree(value)) return value
  if (!inline && typeof value.title === 'string') return { $ref: refPrefix + value.title }
  const copy: JsonTree = {}
  for (const [key, item] of Object.entries(value)) {
    // Examples and defaults are data, not schemas.
    copy[key] = key === 'examples' || key === 'default' ? item : refer(item, false)
  }
  return copy
}

function collect(value: unknown, found: Map<string, JsonTree>): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, found)
    return
  }
  if (!isTree(value)) return
  const title = value.title
  if (typeof title === 'string' && !found.has(title)) {
    const component = refer(value, true)
    if (isTree(component)) {
      delete component.title
      found.set(title, component)
    }
  }
  for (const item of Object.values(value)) collect(item, found)
}

function isTree(value: unknown): value is JsonTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
