import { type FieldProblem, HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

export type Check<Schema extends TSchema> = (value: unknown) => Static<Schema>

interface SchemaError {
  readonly keyword: string
  readonly instancePath: string
  readonly params: object
  readonly message: string
}

/** Compiles a schema into a check that returns the value typed, or tells every wrong field. */
export function compileCheck<Schema extends TSchema>(schema: Schema, at = ''): Check<Schema> {
  const compiled = Compile(schema)
  return value => {
    if (compiled.Check(value)) return value
    const problems = compiled.Errors(excerpt(value)).flatMap(error => problemsOf(error, at))
    if (problems.length === 0) problems.push({ path: at, problem: 'is too large to be judged' })
    throw invalidFields(...unique(problems).slice(0, PROBLEMS_MAX))
  }
}

const PROBLEMS_MAX = 20
/** Just beyond the longest list that any schema takes, so that its being too long is seen. */
const ITEMS_SEEN = 1001
const VALUES_SEEN = 4000

/**
 * The part of a wrong value that is searched for what is wrong. The search takes microseconds for
 * each value and cannot be stopped, so a million of them would stop the server instead.
 */
function excerpt(value: unknown): unknown {
  let left = VALUES_SEEN
  const copy = (part: unknown): unknown => {
    left -= 1
    if (typeof part !== 'object' || part === null) return part
    if (Array.isArray(part)) {
      const items = part.slice(0, ITEMS_SEEN)
      return left > 0 ? items.map(copy) : items.map(() => null)
    }
    const entries: [string, unknown][] = []
    for (const name of Object.keys(part).slice(0, Math.max(0, left))) {
      entries.push([name, copy(Reflect.get(part, name))])
    }
    return Object.fromEntries(entries)
  }
  return copy(value)
}

function problemsOf(error: SchemaError, at: string): FieldProblem[] {
  const path = at + readable(error.instancePath, at)
  const params: Record<string, unknown> = { ...error.params }
  const named = (list: unknown, problem: string): FieldProblem[] =>
    Array.isArray(list)
      ? list.slice(0, 20).map(name => ({ path: join(path, String(name)), problem }))
      : []
  switch (error.keyword) {
    case 'required':
      return named(params.requiredProperties, 'is missing')
    case 'additionalProperties':
      return named(params.additionalProperties, 'is not a known field')
    // Said by additionalProperties already.
    case 'boolean':
      return []
    case 'enum': {
      const allowed = params.allowedValues
      return [
        { path, problem: `must be one of ${Array.isArray(allowed) ? allowed.join(', ') : ''}` },
      ]
    }
    case 'minLength':
      return [{ path, problem: 'is too short' }]
    case 'maxLength':
      return [{ path, problem: 'is too long' }]
    case 'format':
      return [{ path, problem: `must be a ${String(params.format)}` }]
    case 'pattern':
      return [{ path, problem: 'does not have the right form' }]
    default:
      return [{ path, problem: error.message }]
  }
}

/** `/a/0/b` as `a[0].b`. */
function readable(pointer: string, at: string): string {
  let text = ''
  for (const raw of pointer.split('/').slice(1, 12)) {
    const part = raw.replaceAll('~1', '/').replaceAll('~0', '~').slice(0, 64)
    text = /^\d+$/.test(part) ? `${text}[${part}]` : join(text, part, at)
  }
  return text
}

function join(path: string, name: string, at = ''): string {
  const bounded = name.slice(0, 64)
  return path === '' && at === '' ? bounded : `${path}.${bounded}`
}

/** One sentence for each field: the first says enough. */
function unique(problems: readonly FieldProblem[]): FieldProblem[] {
  const seen = new Map<string, FieldProblem>()
  for (const problem of problems) if (!seen.has(problem.path)) seen.set(problem.path, problem)
  return [...seen.values()]
}

/** 413 instead of 422 where a list is too long: the request is well-formed, but must be split. */
export function requireItems(items: readonly unknown[], limit: number): void {
  if (items.length > limit) throw new HoldfastError('TOO_MANY_ITEMS', { limit })
}
