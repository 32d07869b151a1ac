import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { authorisedAnew } from '../access/rights-now.ts'
import { findSeen } from '../assets/find-asset.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { findVersion, type VersionName } from './find-version.ts'

/** Hides one version. VERSION_CURRENT for the one shown. */
export async function removeVersion(
  engine: Engine,
  call: Call,
  target: { readonly assetId: string; readonly version: VersionName },
): Promise<void> {
  await authorisedAnew(engine, call, now => authoriseAndRemove(engine, now, target))
}

async function authoriseAndRemove(
  engine: Engine,
  call: Call,
  target: { readonly assetId: string; readonly version: VersionName },
): Promise<void> {
  const wanted = { id: target.assetId, permission: 'versions:write', deleted: 'refuse' } as const
  const { asset, seen } = await findSeen(engine, call, wanted)
  const version = await findVersion(engine.catalog.view, asset, target.version)
  if (version.id === asset.versionId) {
    throw new HoldfastError('VERSION_CURRENT', { version_id: version.id })
  }
  const args = { assetId: asset.id, versionId: version.id, seen }
  await commit(engine, call, { name: 'versions.remove', args })
}
