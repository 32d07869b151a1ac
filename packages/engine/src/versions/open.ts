import type { Call } from '@holdfast/core/call.ts'
import { assetTypeOf } from '@holdfast/core/names.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import { oldInQuestion } from '../access/authorize-action.ts'
import { authorize, decide, refusal } from '../access/decide.ts'
import { askedTags, tagsOfVersion } from '../access/policy/asked-tags.ts'
import { onlyUntagged } from '../access/policy/carried-tags.ts'
import { authorizeAsset, bucketOf } from '../assets/find-asset.ts'
import { type Content, openContent } from '../assets/get.ts'
import { isTagged } from '../assets/writes/carried-tags.ts'
import { olderShown } from '../assets/writes/hide-asset.ts'
import { NOTHING } from '../assets/writes/shown-version.ts'
import type { Engine } from '../engine.ts'
import { versionIdOf } from '../objects/object-views.ts'
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

function isShown(asset: Asset, name: VersionName): boolean {
  const text = String(name).toLowerCase()
  return ['latest', 'current', String(asset.versionNumber), asset.versionId].includes(text)
}

/** Who may not read old content could show it to itself, or to everybody. */
export async function requireSight(
  engine: Engine,
  call: Call,
  { asset, version }: { readonly asset: Asset; readonly version: Version | undefined },
): Promise<void> {
  const bucket = await bucketOf(engine, asset)
  if (!hasSight(call, { bucket, asset, version })) {
    await authorizeOld(engine, call, { asset, version })
  }
}

function hasSight(
  { principal }: Pick<Call, 'principal'>,
  {
    bucket,
    asset,
    version,
  }: Omit<OldContent, 'version'> & { readonly version?: Version | undefined },
): boolean {
  const objectTags = version && tagsOfVersion(version)
  if (decide(principal, 'versions:read', { bucket, asset, objectTags }).allowed) return true
  return decide(principal, 'assets:read', oldInQuestion({ bucket, asset }, version)).allowed
}

/**
 * What the record of a deleted asset tells the caller: nothing of content that was replaced and
 * came up again beneath the deletion, unless that may be read as the old version it is.
 */
export async function toldOfDeleted(
  engine: Engine,
  by: Pick<Call, 'principal'>,
  asset: Asset,
): Promise<Asset> {
  const bucket = await bucketOf(engine, asset)
  // Only a policy tells versions apart: most need no look at them.
  if (bucket.documents?.policy === undefined && hasSight(by, { bucket, asset })) return asset
  const version = await olderShown(engine.catalog.view, asset)
  if (version === undefined) return asset
  if (!hasSight(by, { bucket, asset, version })) return { ...asset, ...UNTOLD }
  return tagsAreTold(by, { bucket, asset, version }) ? asset : { ...asset, tags: [] }
}

/** As of an asset that has no content left. */
const UNTOLD = { ...NOTHING, type: assetTypeOf(NOTHING.contentType), metadata: {}, tags: [] }

interface OldContent {
  readonly bucket: Bucket
  readonly asset: Asset
  readonly version: Version
}

/**
 * Whether it may be shown again only while it has no tags; FORBIDDEN where it has some. That there
 * are none is for the transaction to prove.
 */
export async function onlyWithoutTags(
  engine: Engine,
  call: Call,
  { permission, ...old }: OldContent & { readonly permission: Permission },
): Promise<boolean> {
  const { bucket, asset, version } = old
  const isClosed = !tagsAreTold(call, old)
  if (isClosed && isTagged(version)) {
    throw refusal(
      call.principal,
      'metadata:read',
      'the tags of the version are closed to the caller',
    )
  }
  const objectTags = await askedTags(engine.catalog.view, bucket, asset)
  const there = { bucket, asset, objectTags, permission }
  return (await onlyUntagged(call, there, async () => isTagged(version))) || isClosed
}

/** They would be read at the version shown, as by a copy of S3 from this version. */
function tagsAreTold(
  { principal }: Pick<Call, 'principal'>,
  { bucket, asset, version }: OldContent,
): boolean {
  const about = {
    bucket,
    asset,
    versionId: versionIdOf(version),
    objectTags: tagsOfVersion(version),
  }
  const question = { ...about, action: 's3:GetObjectVersionTagging' } as const
  // Whichever of them gives sight of it: only a policy takes its tags away.
  const sights = ['versions:read', 'assets:read'] as const
  return sights.some(permission => decide(principal, permission, question).allowed)
}
