import type { GrantResponse, GroupResponse } from '@holdfast/contract/schemas/people/access.ts'
import type { Grant, Group } from '@holdfast/core/identities.ts'
import { explainAccess } from '@holdfast/engine/access/explain.ts'
import {
  addGrant,
  createGroup,
  getGroup,
  listGrants,
  listGroups,
  removeGrant,
  removeGroup,
  updateGroup,
} from '@holdfast/engine/identity/groups/groups.ts'
import type { Operations } from '../../../http/exchange.ts'

type Names =
  | 'listGroups'
  | 'createGroup'
  | 'getGroup'
  | 'updateGroup'
  | 'removeGroup'
  | 'listGrants'
  | 'addGrant'
  | 'removeGrant'
  | 'explainAccess'

export const accessOperations: Pick<Operations, Names> = {
  listGroups: async ({ context, call }) => {
    const items = (await listGroups(context.engine, call)).map(groupWire)
    return { items, total: items.length }
  },

  createGroup: async ({ context, call, body, reply, request }) => {
    const { name, description, members } = body
    const group = await createGroup(context.engine, call, { name, description, members })
    request.state.told = { before: null, after: groupWire(group) }
    reply.header('location', `/api/v2/groups/${group.id}`)
    return groupWire(group)
  },

  getGroup: async ({ context, call, params }) => {
    return groupWire(await getGroup(context.engine, call, params.id))
  },

  updateGroup: async ({ context, call, params, body, request }) => {
    const before = groupWire(await getGroup(context.engine, call, params.id))
    const { name, description, members, add_members: added, remove_members: removed } = body
    const change = { id: before.id, name, description, members, added, removed }
    const after = groupWire(await updateGroup(context.engine, call, change))
    request.state.told = { before, after }
    return after
  },

  removeGroup: async ({ context, call, params, request }) => {
    const before = groupWire(await getGroup(context.engine, call, params.id))
    await removeGroup(context.engine, call, params.id)
    request.state.told = { before, after: null }
    return undefined
  },

  listGrants: async ({ context, call, query }) => {
    const items = (await listGrants(context.engine, call, query.principal_id)).map(grantWire)
    return { items, total: items.length }
  },

  addGrant: async ({ context, call, body, request }) => {
    const { principal_id: principalId, bucket, prefix = '', permissions } = body
    const input = { principalId: principalId.toLowerCase(), bucket, prefix, permissions }
    const grant = grantWire(await addGrant(context.engine, call, input))
    request.state.told = { before: null, after: grant }
    return grant
  },

  removeGrant: async ({ context, call, params, request }) => {
    const before = grantWire(await removeGrant(context.engine, call, params.id))
    request.state.told = { before, after: null }
    return undefined
  },

  explainAccess: async ({ context, call, body, request }) => {
    const { principal_id: principalId, permission, asset_id: assetId, bucket, key } = body
    const question = { principalId, permission, assetId, bucket, key }
    const found = await explainAccess(context.engine, call, question)
    const { allowed, reason, principal, secondFactor } = found
    const { id, name } = principal
    request.state.showsOthers = id !== call.principal.id
    request.state.told = { principal_id: id, permission }
    return { allowed, reason, principal_id: id, principal_name: name, second_factor: secondFactor }
  },
}

function groupWire(group: Group): GroupResponse {
  return {
    id: group.id,
    name: group.name,
    description: group.description,
    members: [...group.members],
    created_at: group.createdAt,
    created_by: group.createdBy,
    updated_at: group.updatedAt,
  }
}

function grantWire(grant: Grant): GrantResponse {
  return {
    id: grant.id,
    principal_id: grant.belongsTo ?? '',
    bucket: grant.bucket,
    prefix: grant.prefix,
    permissions: [...grant.permissions],
    created_at: grant.createdAt,
    created_by: grant.createdBy,
  }
}
