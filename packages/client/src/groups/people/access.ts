import type { BodyOf, QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../../options.ts'
import { callJson } from '../../wire/operations.ts'
import type { Transport } from '../../wire/transport.ts'

export function groupCalls(transport: Transport) {
  const all = '/api/v2/groups'
  const one = '/api/v2/groups/{id}'
  return {
    async list(options: CallOptions = {}) {
      return await callJson(transport, 'listGroups', { method: 'GET', path: all, options })
    },

    async create(group: BodyOf<Routes['createGroup']>, options: CallOptions = {}) {
      const call = { method: 'POST', path: all, json: group, options } as const
      return await callJson(transport, 'createGroup', call)
    },

    async get(id: string, options: CallOptions = {}) {
      const call = { method: 'GET', path: one, params: { id }, options } as const
      return await callJson(transport, 'getGroup', call)
    },

    /** `members` replaces all; `add_members` and `remove_members` leave the others alone. */
    async update(id: string, group: BodyOf<Routes['updateGroup']>, options: CallOptions = {}) {
      const call = { method: 'PUT', path: one, params: { id }, json: group, options } as const
      return await callJson(transport, 'updateGroup', call)
    },

    async remove(id: string, options: CallOptions = {}): Promise<void> {
      const call = { method: 'DELETE', path: one, params: { id }, options } as const
      await callJson(transport, 'removeGroup', call)
    },
  }
}

export function accessCalls(transport: Transport) {
  const all = '/api/v2/grants'
  return {
    async listGrants(query: QueryOf<Routes['listGrants']> = {}, options: CallOptions = {}) {
      return await callJson(transport, 'listGrants', { method: 'GET', path: all, query, options })
    },

    async grant(grant: BodyOf<Routes['addGrant']>, options: CallOptions = {}) {
      const call = { method: 'POST', path: all, json: grant, options } as const
      return await callJson(transport, 'addGrant', call)
    },

    async revokeGrant(id: string, options: CallOptions = {}): Promise<void> {
      const path = '/api/v2/grants/{id}'
      const call = { method: 'DELETE', path, params: { id }, options } as const
      await callJson(transport, 'removeGrant', call)
    },

    /** May the caller, or somebody else, do something, and why. */
    async explain(question: BodyOf<Routes['explainAccess']>, options: CallOptions = {}) {
      const path = '/api/v2/access/explain'
      const call = { method: 'POST', path, json: question, idempotent: true, options } as const
      return await callJson(transport, 'explainAccess', call)
    },
  }
}
