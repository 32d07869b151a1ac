import { HoldfastError } from '@holdfast/core/errors.ts'
import { findAsset } from '@holdfast/engine/assets/find-asset.ts'
import { addLink, listLinks, removeLink } from '@holdfast/engine/assets/links.ts'
import { tellChanged } from '../../http/caller/tell-changed.ts'
import type { Operations } from '../../http/exchange.ts'
import { linkWire } from './wire/admin-wire.ts'

type Names = 'listLinks' | 'addLink' | 'removeLink' | 'removeLinkById'

export const linkOperations: Pick<Operations, Names> = {
  listLinks: async ({ context, call, params, query }) => {
    const { limit = 100, offset = 0, type } = query
    const page = await listLinks(context.engine, call, params.id, { limit, offset, type })
    return { items: page.items.map(linkWire), total: page.total, limit, offset }
  },

  addLink: async exchange => {
    const { context, call, params, body } = exchange
    tellChanged(exchange, body)
    const input = { type: body.type, to: body.asset_id }
    return linkWire(await addLink(context.engine, call, params.id, input))
  },

  removeLink: async exchange => {
    const { context, call, params, query } = exchange
    const { engine } = context
    tellChanged(exchange, query)
    const { type, asset_id: other } = query
    const [from, to] = [params.id.toLowerCase(), other.toLowerCase()]
    const link = await engine.catalog.view.links.find(from, to, type)
    // Asked first, so that nobody learns of a link without being allowed to change the asset.
    if (link === undefined) {
      const permission = 'assets:write'
      await findAsset(engine, call, { id: params.id, permission, deleted: 'show' })
      throw new HoldfastError('LINK_NOT_FOUND', { type, asset_id: other })
    }
    await removeLink(engine, call, params.id, link.id)
    return undefined
  },

  removeLinkById: async exchange => {
    const { context, call, params } = exchange
    const { type, fromId, toId } = await removeLink(context.engine, call, params.id, params.link_id)
    tellChanged(exchange, { type, asset_id: fromId === params.id.toLowerCase() ? toId : fromId })
    return undefined
  },
}
