import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import { bounds } from '@holdfast/core/limits.ts'
import type { Link } from '@holdfast/core/records.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { type PageQuery, requirePage } from '../page.ts'
import { findAsset } from './find-asset.ts'

export interface LinkInput {
  /** What the other asset is to this one, such as `thumbnail` or `derived-from`. */
  readonly type: string
  /** Id of the other asset. */
  readonly to: string
  readonly createdBy?: string | undefined
}

const LINK_TYPE = /^[a-z0-9][a-z0-9._:-]{0,63}$/i

/** Relates two assets. Any graph may arise, cycles too. */
export async function addLink(
  engine: Engine,
  call: Call,
  id: string,
  input: LinkInput,
): Promise<Link> {
  const from = await findAsset(engine, call, { id, permission: 'assets:write', deleted: 'refuse' })
  if (!LINK_TYPE.test(input.type)) {
    const problem = 'must be 1 to 64 letters, digits, dots, colons, hyphens or underscores'
    throw invalidFields({ path: 'type', problem })
  }
  const other = { id: input.to, permission: 'assets:read', deleted: 'hide' } as const
  const to = await findAsset(engine, call, other)
  const createdBy = input.createdBy ?? call.principal.name
  const args = { fromId: from.id, toId: to.id, type: input.type, createdBy }
  return commit(engine, call, { name: 'links.add', args })
}

export interface LinkPage {
  readonly items: readonly Link[]
  readonly total: number
}

/** Links from and to the asset, oldest first. */
export async function listLinks(
  engine: Engine,
  call: Call,
  id: string,
  query: PageQuery & { readonly type?: string | undefined } = {},
): Promise<LinkPage> {
  const asset = await findAsset(engine, call, { id, permission: 'assets:read', deleted: 'hide' })
  const { limit, offset } = requirePage(engine, query)
  const { type } = query
  return engine.catalog.read(async view => {
    const all = { assetId: asset.id, ...(type === undefined ? {} : { type }) }
    const items = await view.links.of({ ...all, limit, offset })
    if (type === undefined) return { items, total: await view.links.count(asset.id) }
    const typed = await view.links.of({ ...all, limit: bounds.linksPerAssetMax })
    return { items, total: typed.length }
  })
}

export async function removeLink(
  engine: Engine,
  call: Call,
  id: string,
  linkId: string,
): Promise<void> {
  const asset = await findAsset(engine, call, { id, permission: 'assets:write', deleted: 'show' })
  const link = await engine.catalog.view.links.byId(linkId.toLowerCase())
  if (link === undefined || (link.fromId !== asset.id && link.toId !== asset.id)) {
    throw new HoldfastError('LINK_NOT_FOUND', { link_id: linkId })
  }
  await commit(engine, call, { name: 'links.remove', args: { linkId: link.id } })
}
