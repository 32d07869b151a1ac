import type { Call } from '@holdfast/core/call.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { authorizeAsset } from '../assets/find-asset.ts'
import { type Content, openContent } from '../assets/get.ts'
import type { Engine } from '../engine.ts'
import { findVersion, type VersionName } from './find-version.ts'

/** The content of a version, for who may read the asset: downloading needs no `versions:read`. */
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
  const version = await findVersion(engine.catalog.view, asset, wanted.version)
  return openContent(engine, call, { asset, version, permission })
}
