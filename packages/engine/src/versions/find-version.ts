import { HoldfastError } from '@holdfast/core/errors.ts'
import { isUuid } from '@holdfast/core/ids.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Version } from '@holdfast/core/records.ts'

/** A version id, a number, or the word for the content shown. */
export type VersionName = string | number

/** A kept content version of the asset; VERSION_NOT_FOUND for markers and deleted ones too. */
export async function findVersion(
  view: CatalogView,
  asset: Asset,
  name: VersionName,
): Promise<Version> {
  const version = await keptVersion(view, asset, name)
  if (version !== undefined) return version
  throw new HoldfastError('VERSION_NOT_FOUND', { asset_id: asset.id, version: name })
}

/** The same, undefined where there is none. */
export async function keptVersion(
  view: CatalogView,
  asset: Asset,
  name: VersionName,
): Promise<Version | undefined> {
  const version = await lookUp(view, asset, name)
  const kept = version?.kind === 'content' && version.deletedAt === null
  return kept && version.assetId === asset.id ? version : undefined
}

async function lookUp(
  view: CatalogView,
  asset: Asset,
  name: VersionName,
): Promise<Version | undefined> {
  const text = String(name)
  if (text === 'latest' || text === 'current') return view.versions.byId(asset.versionId)
  if (isUuid(text)) return view.versions.byId(text.toLowerCase())
  if (!/^[1-9][0-9]{0,14}$/.test(text)) return undefined
  return view.versions.byNumber(asset.id, Number(text))
}
