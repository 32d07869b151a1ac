import type { Call } from '@holdfast/core/call.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Asset, Version } from '@holdfast/core/records.ts'
import { oldInQuestion } from '../access/authorize-action.ts'
import { authorize, decide } from '../access/decide.ts'
import { tagsOfVersion } from '../access/policy/asked-tags.ts'
import { authorizeAsset, bucketOf } from '../assets/find-asset.ts'
import { type Content, openContent } from '../assets/get.ts'
import type { Engine } from '../engine.ts'
import { findVersion, keptVersion, type VersionName } from './find-version.ts'

/**
 * The content of a version, for who may read the asset: downloading needs no `versions:read`. Only
 * what is open to everybody is open as it is now, not as it was.
 */
export async function openVersion(
  engine: Engine,
  call: Call,
  wanted: {
    readonly asset: Asset
    readonly version: VersionName
    readonly permission?: Permission | undefined
  },
): Promise<Content> {
  const { asset, permission = 'assets:read' } = wanted
  await authorizeAsset(engine, call, { asset, permission })
  const { view } = engine.catalog
  if (!isShown(asset, wanted.version)) {
    const old = await keptVersion(view, asset, wanted.version)
    await authorizeOld(engine, call, { asset, version: old })
  }
  const version = await findVersion(view, asset, wanted.version)
  return openContent(engine, call, { asset, version, permission })
}

/** Throws unless the caller may read what the asset was before. */
export async function authorizeOld(
  engine: Engine,
  call: Call,
  { asset, version }: { readonly asset: Asset; readonly version: Version | undefined },
): Promise<void> {
  const bucket = await bucketOf(engine, asset)
  authorize(call.principal, 'assets:read', oldInQuestion({ bucket, asset }, version))
}

/** Who may not read old content could show it to itself, or to everybody. */
export async function requireSight(
  engine: Engine,
  call: Call,
  { asset, version }: { readonly asset: Asset; readonly version: Version | undefined },
): Promise<void> {
  const bucket = await bucketOf(engine, asset)
  const objectTags = version && tagsOfVersion(version)
  if (decide(call.principal, 'versions:read', { bucket, asset, objectTags }).allowed) return
  await authorizeOld(engine, call, { asset, version })
}

function isShown(asset: Asset, name: VersionName): boolean {
  const text = String(name).toLowerCase()
  return ['latest', 'current', String(asset.versionNumber), asset.versionId].includes(text)
}
