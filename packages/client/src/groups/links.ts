import type { BodyOf, QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../options.ts'
import { eachByOffset } from '../pages.ts'
import { callJson } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'

type ListQuery = QueryOf<Routes['listLinks']>

/** Relations between assets. */
export function linkCalls(transport: Transport) {
  const list = async (id: string, query: ListQuery = {}, options: CallOptions = {}) =>
    await callJson(transport, 'listLinks', {
      method: 'GET',
      path: '/api/v2/assets/{id}/links',
      params: { id },
      query,
      options,
    })
  return {
    /** One page of those from and to the asset, oldest first. */
    list,

    listAll(id: string, query: Omit<ListQuery, 'offset'> = {}, options: CallOptions = {}) {
      return eachByOffset(offset => list(id, { ...query, offset }, options))
    },

    async add(id: string, link: BodyOf<Routes['addLink']>, options: CallOptions = {}) {
      return await callJson(transport, 'addLink', {
        method: 'POST',
        path: '/api/v2/assets/{id}/links',
        params: { id },
        json: link,
        options,
      })
    },

    /** By its id, or by type and target. */
    async remove(
      id: string,
      link: string | QueryOf<Routes['removeLink']>,
      options: CallOptions = {},
    ): Promise<void> {
      if (typeof link === 'string') {
        await callJson(transport, 'removeLinkById', {
          method: 'DELETE',
          path: '/api/v2/assets/{id}/links/{link_id}',
          params: { id, link_id: link },
          options,
        })
        return
      }
      await callJson(transport, 'removeLink', {
        method: 'DELETE',
        path: '/api/v2/assets/{id}/links',
        params: { id },
        query: link,
        options,
      })
    },
  }
}
