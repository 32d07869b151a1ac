import type { Call } from '@holdfast/core/call.ts'
import { HIDDEN, HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Permission, Principal } from '@holdfast/core/principal.ts'
import type { Asset, Link } from '@holdfast/core/records.ts'
import { decide, isAdministrator, mayKnow } from '../access/decide.ts'
import { askedTags } from '../access/policy/asked-tags.ts'
import { authorisedAnew } from '../access/rights-now.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { type PageQuery, requirePage } from '../page.ts'
import { findAsset, findSeen } from './find-asset.ts'
import { linksOfAssetMax } from './writes/link-transactions.ts'

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
  return await authorisedAnew(engine, call, now => authoriseAndAdd(engine, now, id, input))
}

async function authoriseAndAdd(
  engine: Engine,
  call: Call,
  id: string,
  input: LinkInput,
): Promise<Link> {
  const wanted = { id, permission: 'assets:write', deleted: 'refuse' } as const
  const { asset: from, seen } = await findSeen(engine, call, wanted)
  if (!LINK_TYPE.test(input.type)) {
    const problem = 'must be 1 to 64 letters, digits, dots, colons, hyphens or underscores'
    throw invalidFields({ path: 'type', problem })
  }
  const other = { id: input.to, permission: 'assets:read', deleted: 'hide' } as const
  const { asset: to, seen: seenThere } = await findSeen(engine, call, other)
  const createdBy = input.createdBy ?? call.principal.name
  const { view } = engine.catalog
  const writesBoth = await mayOf(view, call.principal, { id: to.id, permission: 'assets:write' })
  const ends = { fromId: from.id, toId: to.id, writesBoth }
  const args = { ...ends, type: input.type, createdBy, seen: [...seen, ...seenThere] }
  return commit(engine, call, { name: 'links.add', args })
}

export interface LinkPage {
  readonly items: readonly Link[]
  readonly total: number
}

/** Links from and to the asset, oldest first; those only whose other end the caller may read. */
export async function listLinks(
  engine: Engine,
  call: Call,
  id: string,
  query: PageQuery & { readonly type?: string | undefined } = {},
): Promise<LinkPage> {
  const asset = await findAsset(engine, call, { id, permission: 'assets:read', deleted: 'hide' })
  const { limit, offset } = requirePage(engine, query)
  const { type } = query
  const { view } = engine.catalog
  const all = { assetId: asset.id, ...(type === undefined ? {} : { type }) }
  const links = await view.links.of({ ...all, limit: linksOfAssetMax })
  // Each other end is read whole, and judged.
  const shown = await engine.lists.inSlices(call, links, async link => {
    if (call.signal.aborted) return []
    return (await isShown(view, call, { link, asset })) ? [link] : []
  })
  call.signal.throwIfAborted()
  const items = shown.flat()
  return { items: items.slice(offset, offset + limit), total: items.length }
}

async function isShown(
  view: CatalogView,
  { principal }: Call,
  { link, asset }: { readonly link: Link; readonly asset: Asset },
): Promise<boolean> {
  if (isAdministrator(principal) && principal.buckets === null) return true
  const other = link.fromId === asset.id ? link.toId : link.fromId
  return other === asset.id || mayOf(view, principal, { id: other, permission: 'assets:read' })
}

/** Whether the caller may read the asset of that id. */
export async function mayReadById(
  view: CatalogView,
  { principal }: Call,
  id: string,
): Promise<boolean> {
  return await mayOf(view, principal, { id, permission: 'assets:read' })
}

async function mayOf(
  view: CatalogView,
  principal: Principal,
  { id, permission }: { readonly id: string; readonly permission: Permission },
): Promise<boolean> {
  const asset = await view.assets.byId(id)
  if (asset === undefined) return false
  const bucket = await view.buckets.byId(asset.bucketId)
  const objectTags = await askedTags(view, bucket, asset)
  const resource = { bucket, asset, objectTags }
  if (asset.deletedAt !== null && !mayKnow(principal, resource)) return false
  return decide(principal, permission, resource).allowed
}

/**
 * From either end, by who may write the asset there; from the end that it leads to, only where it
 * is shown. For others a link from elsewhere is not there.
 */
export async function removeLink(
  engine: Engine,
  call: Call,
  id: string,
  linkId: string,
): Promise<Link> {
  return await authorisedAnew(engine, call, now => authoriseAndUnlink(engine, now, id, linkId))
}

async function authoriseAndUnlink(
  engine: Engine,
  call: Call,
  id: string,
  linkId: string,
): Promise<Link> {
  const wanted = { id, permission: 'assets:write', deleted: 'show' } as const
  const { asset, seen } = await findSeen(engine, call, wanted)
  const link = await engine.catalog.view.links.byId(linkId.toLowerCase())
  if (link === undefined || !(await mayRemove(engine, call, { link, asset }))) {
    const cause = link === undefined ? {} : { cause: HIDDEN }
    throw new HoldfastError('LINK_NOT_FOUND', { link_id: linkId }, cause)
  }
  return commit(engine, call, { name: 'links.remove', args: { linkId: link.id, seen } })
}

async function mayRemove(
  { catalog }: Engine,
  { principal }: Call,
  { link, asset }: { readonly link: Link; readonly asset: Asset },
): Promise<boolean> {
  if (link.fromId === asset.id) return true
  if (link.toId !== asset.id) return false
  const { fromId: id } = link
  const { view } = catalog
  if (await mayOf(view, principal, { id, permission: 'assets:read' })) return true
  return mayOf(view, principal, { id, permission: 'assets:write' })
}
