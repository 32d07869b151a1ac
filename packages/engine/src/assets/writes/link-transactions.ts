import { HoldfastError } from '@holdfast/core/errors.ts'
import { bounds } from '@holdfast/core/limits.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Link } from '@holdfast/core/records.ts'
import { storedAsset } from './stored-asset.ts'

export interface AddLinkArgs {
  readonly fromId: string
  readonly toId: string
  readonly type: string
  readonly createdBy: string
  /** Whether the caller may write the asset at the other end, too. */
  readonly writesBoth: boolean
}

/** Of an asset. Whoever may read it can link to it: they leave room to those who may write it. */
const linksMax = {
  from: bounds.linksPerAssetMax,
  toOfReaders: bounds.linksPerAssetMax,
  to: 2 * bounds.linksPerAssetMax,
}
/** In both directions. */
export const linksOfAssetMax = linksMax.from + linksMax.to

export async function addLinkTransaction(
  tx: CatalogTransaction,
  args: AddLinkArgs,
  moment: Moment,
): Promise<Link> {
  const { fromId, toId, type } = args
  const from = await storedAsset(tx, fromId)
  await storedAsset(tx, toId)
  const existing = await tx.links.find(fromId, toId, type)
  if (existing !== undefined) throw new HoldfastError('LINK_EXISTS', { link_id: existing.id })
  const { from: fromMax, toOfReaders, to: toMax } = linksMax
  const ends = [
    { id: fromId, end: 'from', limit: fromMax },
    { id: toId, end: 'to', limit: args.writesBoth ? toMax : toOfReaders },
  ] as const
  for (const { id, end, limit } of ends) {
    if ((await tx.links.count(id, end)) < limit) continue
    throw new HoldfastError('TOO_MANY_ITEMS', { asset_id: id, limit })
  }
  const link: Link = {
    id: moment.newId(),
    seq: await tx.nextSeq(),
    type,
    fromId,
    toId,
    createdAt: moment.now,
    createdBy: args.createdBy,
  }
  await tx.put.link(link)
  await tx.note({
    what: 'link.created',
    bucketId: from.bucketId,
    assetId: fromId,
    detail: { link_id: link.id, type, to: toId },
  })
  return link
}

export async function removeLinkTransaction(
  tx: CatalogTransaction,
  args: { readonly linkId: string },
  _moment: Moment,
): Promise<Link> {
  const link = await tx.links.byId(args.linkId)
  if (link === undefined) throw new HoldfastError('LINK_NOT_FOUND', { link_id: args.linkId })
  await tx.remove.link(link.id)
  const detail = { link_id: link.id, type: link.type, to: link.toId }
  await tx.note({ what: 'link.removed', assetId: link.fromId, detail })
  return link
}

const PAGE = 1000

/** All that lead from or to the asset; how many they were. */
export async function removeLinks(tx: CatalogTransaction, assetId: string): Promise<number> {
  let removed = 0
  for (;;) {
    const page = await tx.links.of({ assetId, limit: PAGE })
    for (const link of page) await tx.remove.link(link.id)
    removed += page.length
    if (page.length < PAGE) return removed
  }
}
