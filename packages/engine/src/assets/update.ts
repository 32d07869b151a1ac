import type { Call } from '@holdfast/core/call.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Acl, Asset, AssetType, Bucket, JsonObject } from '@holdfast/core/records.ts'
import type { Action } from '../access/actions.ts'
import { requireListRights } from '../access/list-rights.ts'
import { authorisedAnew } from '../access/rights-now.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { requireAllowedType, requireLength } from './accepted.ts'
import { requireFields, withPlainIds } from './asset-fields.ts'
import { findSeen } from './find-asset.ts'
import { requireAllowedBytes, resolveType } from './intake/content-type.ts'
import { actionsOf } from './intake/put-fields.ts'
import type { Upload } from './intake/upload.ts'
import { requirePreconditions } from './preconditions.ts'
import type { PutResult } from './writes/put-transaction.ts'
import type { UpdatedContent } from './writes/update-transaction.ts'

export interface UpdateInput {
  /** New content; the caller staged it and discards it. */
  readonly upload?: Upload | undefined
  readonly contentType?: string | undefined
  /** Merged: top-level keys replace, null removes. */
  readonly metadata?: JsonObject | undefined
  /** Replaced. */
  readonly tags?: readonly string[] | undefined
  readonly name?: string | undefined
  readonly type?: AssetType | undefined
  readonly acl?: Acl | null | undefined
  readonly createdBy?: string | undefined
  readonly description?: string | undefined
  readonly ifMatch?: readonly string[] | undefined
}

/** Changes an asset; its content only when the SHA-256 differs. */
export async function updateAsset(
  engine: Engine,
  call: Call,
  id: string,
  input: UpdateInput,
): Promise<PutResult> {
  const actions = ['s3:PutObject', ...actionsOf(input)] as const
  return change(engine, call, { id, permission: 'assets:write', actions, input })
}

export async function mergeMetadata(
  engine: Engine,
  call: Call,
  id: string,
  metadata: JsonObject,
  options: { readonly ifMatch?: readonly string[] | undefined } = {},
): Promise<Asset> {
  const input = { metadata, ifMatch: options.ifMatch }
  const actions = ['s3:PutObject', 's3:PutObjectTagging'] as const
  const result = await change(engine, call, { id, permission: 'metadata:write', actions, input })
  return result.asset
}

export interface Change {
  readonly id: string
  readonly permission: Permission
  readonly actions: readonly Action[]
  readonly input: UpdateInput
}

export async function change(engine: Engine, call: Call, wanted: Change): Promise<PutResult> {
  return await authorisedAnew(engine, call, now => changeOnce(engine, now, wanted))
}

async function changeOnce(
  engine: Engine,
  call: Call,
  { id, permission, actions, input: given }: Change,
): Promise<PutResult> {
  const { asset, bucket, seen } = await findSeen(engine, call, {
    id,
    permission,
    actions,
    deleted: 'refuse',
  })
  requireFields(given)
  const input = withPlainIds(given)
  if (input.acl !== undefined) {
    requireListRights(call, { bucket, asset }, input.acl)
  }
  requirePreconditions(asset, input)
  const { upload } = input
  const content = upload === undefined ? null : await checkedContent(bucket, asset, input, upload)
  const { name, type, tags, acl } = input
  const args = {
    assetId: asset.id,
    seen,
    preconditions: { ifMatch: input.ifMatch },
    metadata: input.metadata,
    patch: { name, type, tags, acl },
    content,
    createdBy: input.createdBy ?? call.principal.name,
    description: input.description ?? '',
  }
  const staged = upload?.staged ? { staged: [upload.staged] } : {}
  return commit(engine, call, { name: 'assets.update', args, ...staged })
}

async function checkedContent(
  bucket: Bucket,
  asset: Asset,
  input: UpdateInput,
  upload: Upload,
): Promise<UpdatedContent> {
  requireLength(upload.facts.size, bucket.settings.assetBytesMax ?? Number.MAX_SAFE_INTEGER)
  const { contentType } = await resolveType(input.contentType, upload.head, asset.contentType)
  requireAllowedType(bucket, contentType)
  await requireAllowedBytes(bucket, contentType, upload.head)
  return { incoming: { facts: upload.facts, location: upload.location }, contentType }
}
