import type { Call } from '@holdfast/core/call.ts'
import { type FieldProblem, invalidFields } from '@holdfast/core/errors.ts'
import { metadataProblems, nameProblem } from '@holdfast/core/names.ts'
import type { JsonObject, Version } from '@holdfast/core/records.ts'
import { authorisedAnew } from '../access/rights-now.ts'
import { descriptionProblem } from '../assets/asset-fields.ts'
import { findSeen } from '../assets/find-asset.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { findVersion, type VersionName } from './find-version.ts'

export interface TagInput {
  readonly name: string
  readonly description?: string | undefined
}

export interface VersionPatch {
  readonly tag?: TagInput | undefined
  /** Merged: top-level keys replace, null removes. */
  readonly metadata?: JsonObject | undefined
  readonly description?: string | undefined
}

export async function updateVersion(
  engine: Engine,
  call: Call,
  target: { readonly assetId: string; readonly version: VersionName },
  patch: VersionPatch,
): Promise<Version> {
  return await authorisedAnew(engine, call, now => authoriseAndUpdate(engine, now, target, patch))
}

async function authoriseAndUpdate(
  engine: Engine,
  call: Call,
  target: { readonly assetId: string; readonly version: VersionName },
  patch: VersionPatch,
): Promise<Version> {
  // S3 puts metadata with the object.
  const put = patch.metadata === undefined ? [] : (['s3:PutObject'] as const)
  const actions = ['s3:PutObjectVersionTagging', ...put] as const
  const about = { permission: 'versions:write', deleted: 'refuse', actions } as const
  const wanted = { id: target.assetId, ...about }
  const { asset, seen } = await findSeen(engine, call, wanted)
  requirePatch(patch)
  const version = await findVersion(engine.catalog.view, asset, target.version)
  const { tag, metadata, description } = patch
  const args = {
    assetId: asset.id,
    versionId: version.id,
    seen,
    metadata,
    description,
    tag: tag && { name: tag.name, description: tag.description ?? '' },
  }
  return commit(engine, call, { name: 'versions.update', args })
}

/** A tag keeps its version from being pruned, and names one version of the asset only. */
export async function tagVersion(
  engine: Engine,
  call: Call,
  target: { readonly assetId: string; readonly version: VersionName },
  tag: TagInput,
): Promise<Version> {
  return updateVersion(engine, call, target, { tag })
}

function requirePatch({ tag, metadata, description }: VersionPatch): void {
  const problems: FieldProblem[] = []
  const check = (path: string, problem: string | undefined): void => {
    if (problem !== undefined) problems.push({ path, problem })
  }
  if (tag !== undefined) {
    check('tag.name', nameProblem(tag.name))
    check('tag.description', descriptionProblem(tag.description ?? ''))
  }
  check('description', descriptionProblem(description ?? ''))
  if (metadata !== undefined) problems.push(...metadataProblems(metadata, 'metadata'))
  if (problems.length > 0) throw invalidFields(...problems)
}
