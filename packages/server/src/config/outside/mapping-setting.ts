import { groupNameOf } from '@holdfast/engine/identity/outside/directory/group-name.ts'
import { wordsProblem } from '@holdfast/engine/identity/outside/mapping.ts'
import type { Kind } from '../setting-kinds.ts'

/** Names of another place, each with the roles, permissions and groups that it stands for here. */
export type MappingTable = Readonly<Record<string, readonly string[]>>

const NAMES_MAX = 1000

/** `{"cn=admins,ou=groups,dc=example,dc=org": ["ADMIN"], "staff": ["USER", "group:Staff"]}` */
export const mappingTable: Kind<MappingTable> = {
  type: 'JSON object of lists of roles, permissions and group:<name>',
  parse: given => {
    const value = jsonOf(given)
    const problem = mappingProblem(value) ?? twiceProblem(value)
    return problem === undefined ? { value: tableOf(value) } : { problem }
  },
}

export const rights: Kind<readonly string[]> = {
  type: 'roles, permissions or group:<name>, comma-separated',
  parse: given => {
    const words = given.split(',').map(word => word.trim())
    const value = words.filter(word => word !== '' && word !== 'none')
    const problem = wordsProblem(value)
    return problem === undefined ? { value } : { problem }
  },
}

/** A sentence part about what is no such table, or undefined. */
export function mappingProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'must be a JSON object'
  }
  const entries: [string, unknown][] = Object.entries(value)
  if (entries.length > NAMES_MAX) return `names more than ${NAMES_MAX} names`
  for (const [name, words] of entries) {
    const isList = Array.isArray(words) && words.every(word => typeof word === 'string')
    const problem = isList ? wordsProblem(words) : 'must be a list of texts'
    if (problem !== undefined) return `${JSON.stringify(name)} ${problem}`
  }
  return undefined
}

/** Groups of a directory have their names in any spelling: one of two would win in silence. */
function twiceProblem(value: unknown): string | undefined {
  const seen = new Set<string>()
  for (const name of Object.keys(value ?? {})) {
    const group = groupNameOf(name)
    if (seen.has(group)) return `names ${JSON.stringify(name)} twice, in another spelling`
    seen.add(group)
  }
  return undefined
}

export function tableOf(value: unknown): MappingTable {
  const entries: [string, unknown][] = Object.entries(value ?? {})
  return Object.fromEntries(
    entries.map(([name, words]) => [name, Array.isArray(words) ? words.map(String) : []]),
  )
}

/** Undefined for what is no JSON. */
export function jsonOf(given: string): unknown {
  try {
    return JSON.parse(given)
  } catch {
    return undefined
  }
}
