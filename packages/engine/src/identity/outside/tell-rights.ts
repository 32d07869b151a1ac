import { isDeepStrictEqual } from 'node:util'
import type { User } from '@holdfast/core/identities.ts'
import type { Engine } from '../../engine.ts'
import type { RightsThere } from '../identity-counts.ts'

/** Tells what a directory or a provider gave or took; of somebody new, what there was to give. */
export function tellRights({ identity }: Engine, before: User | undefined, user: User): void {
  const [was, is] = [before && rightsOf(before), rightsOf(user)]
  const nothing = { ...is, roles: [], permissions: [], groups: [] }
  if (isDeepStrictEqual(was ?? nothing, is)) return
  identity.counts.onRights({ user, before: was ?? null, after: is })
}

function rightsOf({ status, roles, outside }: User): RightsThere {
  return { status, roles, permissions: outside?.permissions ?? [], groups: outside?.groups ?? [] }
}
