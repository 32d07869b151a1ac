import type { Call } from '@holdfast/core/call.ts'
import { type FieldProblem, HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { Grant, Group } from '@holdfast/core/identities.ts'
import { bounds } from '@holdfast/core/limits.ts'
import { byteLength, nameProblem } from '@holdfast/core/names.ts'
import { permissions as allPermissions, scopeCovers } from '@holdfast/core/principal.ts'
import { authorize, hasScope } from '../../access/decide.ts'
import { commit } from '../../commit.ts'
import type { Engine } from '../../engine.ts'
import { requireConfirmed } from '../sessions/require-confirmed.ts'
import type { AddGrantArgs, SetGroupArgs } from './group-transactions.ts'
import { allGroups } from './known-groups.ts'

const GROUP_NAME_MAX = 100
const PAGE = 1000
/** Grants are about assets in buckets; everything else is a matter of roles. */
const GRANTABLE = /^(assets|versions|metadata):(read|write|\*)$/

export async function createGroup(
  engine: Engine,
  call: Call,
  input: Omit<SetGroupArgs, 'id'> & { readonly name: string },
): Promise<Group> {
  authorize(call.principal, 'admin:users', {})
  requireConfirmed(engine, call)
  requireGroupFields(input)
  return await commit(engine, call, { name: 'groups.set', args: { ...input, id: null } })
}

export async function updateGroup(
  engine: Engine,
  call: Call,
  change: SetGroupArgs & { readonly id: string },
): Promise<Group> {
  authorize(call.principal, 'admin:users', {})
  requireConfirmed(engine, call)
  requireGroupFields(change)
  // Who joins gets what the group was granted.
  const grants = await grantsTo(engine, change.id.toLowerCase())
  for (const grant of grants) requireHeld(call, grant.permissions)
  return await commit(engine, call, { name: 'groups.set', args: change })
}

export async function removeGroup(engine: Engine, call: Call, id: string): Promise<void> {
  authorize(call.principal, 'admin:users', {})
  for (const grant of await grantsTo(engine, id.toLowerCase())) requireHeld(call, grant.permissions)
  await commit(engine, call, { name: 'groups.remove', args: { id: id.toLowerCase() } })
}

export async function getGroup(engine: Engine, call: Call, id: string): Promise<Group> {
  authorize(call.principal, 'admin:users', {})
  const group = await engine.catalog.view.identities.byId('group', id.toLowerCase())
  if (group === undefined) throw new HoldfastError('GROUP_NOT_FOUND', { group_id: id })
  return group
}

export async function listGroups(engine: Engine, call: Call): Promise<Group[]> {
  authorize(call.principal, 'admin:users', {})
  return await allGroups(engine.catalog.view)
}

export async function addGrant(engine: Engine, call: Call, input: AddGrantArgs): Promise<Grant> {
  authorize(call.principal, 'admin:users', {})
  requireConfirmed(engine, call)
  requireGrantFields(input)
  requireHeld(call, input.permissions)
  return await commit(engine, call, { name: 'grants.add', args: input })
}

export async function removeGrant(engine: Engine, call: Call, id: string): Promise<Grant> {
  authorize(call.principal, 'admin:users', {})
  const grant = await engine.catalog.view.identities.byId('grant', id.toLowerCase())
  if (grant === undefined) throw new HoldfastError('GRANT_NOT_FOUND', { grant_id: id })
  requireHeld(call, grant.permissions)
  await commit(engine, call, { name: 'grants.remove', args: { id: grant.id } })
  return grant
}

/** All of them, or those to one user or group. */
export async function listGrants(
  engine: Engine,
  call: Call,
  principalId: string | undefined,
): Promise<Grant[]> {
  authorize(call.principal, 'admin:users', {})
  if (principalId !== undefined) return await grantsTo(engine, principalId.toLowerCase())
  const all: Grant[] = []
  for (;;) {
    const after = all.at(-1)?.id ?? ''
    const query = { kind: 'grant', after, limit: PAGE } as const
    const page = await engine.catalog.view.identities.list(query)
    all.push(...page)
    if (page.length < PAGE) return all
  }
}

export async function grantsTo(engine: Engine, principalId: string): Promise<Grant[]> {
  const { identities } = engine.catalog.view
  return await identities.list({ kind: 'grant', belongsTo: principalId, limit: PAGE })
}

function requireGroupFields({ name, description }: Omit<SetGroupArgs, 'id'>): void {
  const problems: FieldProblem[] = []
  const problem = name === undefined ? undefined : nameProblem(name)
  if (problem !== undefined) problems.push({ path: 'name', problem })
  if (name !== undefined && byteLength(name) > GROUP_NAME_MAX) {
    problems.push({ path: 'name', problem: `must be at most ${GROUP_NAME_MAX} bytes` })
  }
  if (description !== undefined && byteLength(description) > bounds.descriptionBytesMax) {
    const most = `must be at most ${bounds.descriptionBytesMax} bytes`
    problems.push({ path: 'description', problem: most })
  }
  if (problems.length > 0) throw invalidFields(...problems)
}

function requireGrantFields({ prefix, permissions }: AddGrantArgs): void {
  const problems: FieldProblem[] = []
  if (byteLength(prefix) > bounds.keyBytesMax || prefix.includes('\0') || !prefix.isWellFormed()) {
    problems.push({ path: 'prefix', problem: 'must be the beginning of a key' })
  }
  if (permissions.length === 0 || permissions.length > allPermissions.length) {
    problems.push({ path: 'permissions', problem: 'must name at least one permission' })
  }
  for (const [index, scope] of permissions.entries()) {
    if (GRANTABLE.test(scope)) continue
    const problem = 'must be one of assets, versions, metadata with read, write or *'
    problems.push({ path: `permissions[${index}]`, problem })
  }
  if (problems.length > 0) throw invalidFields(...problems)
}

/** Nobody grants, or takes away, what they do not hold themselves. */
export function requireHeld({ principal }: Call, scopes: readonly string[]): void {
  for (const one of allPermissions) {
    if (!scopes.some(scope => scopeCovers(scope, one)) || hasScope(principal, one)) continue
    const reason = 'a grant cannot give more than its maker holds'
    throw new HoldfastError('FORBIDDEN', { permission: one, reason })
  }
}
