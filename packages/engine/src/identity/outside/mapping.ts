import { createHash } from 'node:crypto'
import { isScope } from '@holdfast/core/principal.ts'
import { isRole } from '@holdfast/core/roles.ts'

/**
 * What names of another place stand for here: roles, permissions, or `group:` and the name of a
 * group of this store. A name that is not in it grants nothing.
 */
export type Mapping = ReadonlyMap<string, Standing>

export interface Standing {
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
  /** In lower case. */
  readonly groups: readonly string[]
}

export const noStanding: Standing = Object.freeze({ roles: [], permissions: [], groups: [] })

const GROUP = 'group:'
const WORDS_MAX = 32

/** A sentence part about what is no role, permission or group, or undefined. */
export function wordsProblem(words: readonly string[]): string | undefined {
  if (words.length > WORDS_MAX) return `names more than ${WORDS_MAX} roles and permissions`
  const unknown = words.find(word => !isRole(word) && !isScope(word) && !isGroup(word))
  if (unknown === undefined) return undefined
  return `names ${JSON.stringify(unknown)}, which is no role, permission or group:<name>`
}

function isGroup(word: string): boolean {
  return word.startsWith(GROUP) && word.length > GROUP.length
}

export function standingOf(words: readonly string[]): Standing {
  return {
    roles: words.filter(isRole),
    permissions: words.filter(word => !isRole(word) && isScope(word)),
    groups: words.filter(isGroup).map(word => word.slice(GROUP.length).toLowerCase()),
  }
}

/** What the names stand for together. */
export function standingFor(mapping: Mapping, names: readonly string[]): Standing {
  return together(names.map(name => mapping.get(name) ?? noStanding))
}

export function together(all: readonly Standing[]): Standing {
  return {
    roles: distinct(all.flatMap(({ roles }) => roles)),
    permissions: distinct(all.flatMap(({ permissions }) => permissions)),
    groups: distinct(all.flatMap(({ groups }) => groups)),
  }
}

/** SHA-256, hex, of settings that say who has which rights: records tell by which theirs came. */
export function hashOfMaps(settings: unknown): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex')
}

/** In order, so that equal standings have equal texts. */
function distinct(words: readonly string[]): string[] {
  return [...new Set(words)].sort()
}
