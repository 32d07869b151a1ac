import type { Call } from '@holdfast/core/call.ts'
import { judgedOf } from '../access/policy/asked-tags.ts'
import { authorisedAnew } from '../access/rights-now.ts'
import { requireAccepted } from '../assets/accepted.ts'
import { requireFields } from '../assets/asset-fields.ts'
import { bucketOf, findSeen } from '../assets/find-asset.ts'
import type { AssetAndVersion } from '../assets/writes/asset-writes.ts'
import { seenOf } from '../assets/writes/seen.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { findVersion, keptVersion, type VersionName } from './find-version.ts'
import { onlyWithoutTags, requireSight } from './open.ts'

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
  const { permission } = wanted
  const isUntagged = await onlyWithoutTags(engine, call, { bucket, asset, version, permission })
  const args = {
    assetId: asset.id,
    versionId: version.id,
    isUntagged,
    seen: [...seen, seenOf(bucket, asset, old && judgedOf(bucket, old, false))],
    preconditions: { ifMatch: options.ifMatch },
    createdBy: options.createdBy ?? call.principal.name,
    description: options.description ?? '',
  }
  return commit(engine, call, { name: 'versions.rollback', args })
}
