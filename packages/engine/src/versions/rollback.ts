import type { Call } from '@holdfast/core/call.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import { decide, refusal } from '../access/decide.ts'
import { askedTags, judgedOf, tagsOfVersion } from '../access/policy/asked-tags.ts'
import { onlyUntagged } from '../access/policy/carried-tags.ts'
import { authorisedAnew } from '../access/rights-now.ts'
import { requireAccepted } from '../assets/accepted.ts'
import { requireFields } from '../assets/asset-fields.ts'
import { bucketOf, findSeen } from '../assets/find-asset.ts'
import type { AssetAndVersion } from '../assets/writes/asset-writes.ts'
import { isTagged } from '../assets/writes/carried-tags.ts'
import { seenOf } from '../assets/writes/seen.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { versionIdOf } from '../objects/object-views.ts'
import { findVersion, keptVersion, type VersionName } from './find-version.ts'
import { requireSight } from './open.ts'

export interface RollbackOptions {
  readonly createdBy?: string | undefined
  readonly description?: string | undefined
  readonly ifMatch?: readonly string[] | undefined
}

/** Makes a new version of old content; always, even when it is the content shown already. */
export async function rollbackVersion(
  engine: Engine,
  call: Call,
  target: { readonly assetId: string; readonly version: VersionName },
  options: RollbackOptions = {},
): Promise<AssetAndVersion> {
  return await authorisedAnew(engine, call, now => authoriseAndRoll(engine, now, target, options))
}

async function authoriseAndRoll(
  engine: Engine,
  call: Call,
  target: { readonly assetId: string; readonly version: VersionName },
  options: RollbackOptions,
): Promise<AssetAndVersion> {
  // It puts content, in words of policies.
  const wanted = {
    id: target.assetId,
    permission: 'versions:write',
    actions: ['s3:PutObject'],
    deleted: 'refuse',
  } as const
  const { asset, bucket, seen } = await findSeen(engine, call, wanted)
  const old = await keptVersion(engine.catalog.view, asset, target.version)
  await requireSight(engine, call, { asset, version: old })
  requireFields({ createdBy: options.createdBy, description: options.description })
  const version = await findVersion(engine.catalog.view, asset, target.version)
  requireAccepted(await bucketOf(engine, asset), version)
  const isClosed = !tagsAreTold(call, { bucket, asset, version })
  if (isClosed && isTagged(version)) {
    throw refusal(
      call.principal,
      'metadata:read',
      'the tags of the version are closed to the caller',
    )
  }
  const objectTags = await askedTags(engine.catalog.view, bucket, asset)
  const { permission } = wanted
  const there = { bucket, asset, objectTags, permission }
  const args = {
    assetId: asset.id,
    versionId: version.id,
    isUntagged: (await onlyUntagged(call, there, async () => isTagged(version))) || isClosed,
    seen: [...seen, seenOf(bucket, asset, old && judgedOf(bucket, old, false))],
    preconditions: { ifMatch: options.ifMatch },
    createdBy: options.createdBy ?? call.principal.name,
    description: options.description ?? '',
  }
  return commit(engine, call, { name: 'versions.rollback', args })
}

/** They would be read at the version shown, as by a copy of S3 from this version. */
function tagsAreTold(
  { principal }: Call,
  { bucket, asset, version }: { bucket: Bucket; asset: Asset; version: Version },
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
