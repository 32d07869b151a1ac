import { assetUpdate } from '@holdfast/contract/schemas/asset.ts'
import { updateFields, uploadFields, versionFields } from '@holdfast/contract/schemas/upload.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { findAsset } from '@holdfast/engine/assets/find-asset.ts'
import { requirePreconditions } from '@holdfast/engine/assets/preconditions.ts'
import { putStaged, stageUpload } from '@holdfast/engine/assets/stage.ts'
import { type UpdateInput, updateAsset } from '@holdfast/engine/assets/update.ts'
import { createVersion } from '@holdfast/engine/versions/create.ts'
import { readJson } from '../../http/body/read-json.ts'
import { tellChanged } from '../../http/caller/tell-changed.ts'
import { writeConditions } from '../../http/content/conditions.ts'
import { expectedDigests } from '../../http/content/digest-headers.ts'
import { answer, type Operations, type Scope } from '../../http/exchange.ts'
import { turnToBucket } from '../../http/limits/turn-to-bucket.ts'
import { compileCheck } from '../../http/parse/validate.ts'
import { changed, created, stored } from './assets.ts'
import { formValues, type ReadForm, type ReceivedFile, readForm } from './form-reading.ts'
import { rawFacts } from './raw-facts.ts'
import { changedVersionWire } from './wire/told-wire.ts'

type Names = 'uploadAsset' | 'updateAsset' | 'putAssetContent' | 'createVersion'

const checkUpload = compileCheck(uploadFields)
const checkUpdateForm = compileCheck(updateFields)
const checkUpdate = compileCheck(assetUpdate)
const checkVersion = compileCheck(versionFields)
const JSON_FIELDS = ['metadata', 'tags', 'acl', 'options']

export const uploadOperations: Pick<Operations, Names> = {
  uploadAsset: async exchange => {
    const { context, call } = exchange
    await using form = await readFileForm(exchange)
    const [file] = form.files
    const values = formValues(form.fields, JSON_FIELDS)
    if (file === undefined) throw missingFile(() => checkUpload(values))
    const fields = checkUpload(values)
    requireChecksum(fields.checksum, file)
    const { bucket = context.settings.defaultBucket } = fields
    tellChanged(exchange, { bucket, key: fields.key ?? fields.filename })
    await turnToBucket(exchange, bucket)
    const { asset } = await putStaged(context.engine, call, file.upload, {
      mode: 'create',
      bucket,
      key: fields.key,
      name: fields.filename,
      service: fields.service,
      ownerId: fields.owner_id,
      contentType: fields.content_type,
      type: fields.asset_type,
      tags: fields.tags,
      metadata: fields.metadata,
      acl: fields.acl,
      createdBy: fields.created_by,
    })
    tellChanged(exchange, { bucket, key: asset.key, id: asset.id })
    return await created(exchange, asset)
  },

  updateAsset: async exchange => {
    const { context, call, params } = exchange
    const { ifMatch } = writeConditions(exchange.request.headers)
    await changeable(exchange, { id: params.id, permission: 'assets:write', ifMatch })
    const change = async (input: UpdateInput) => {
      const { asset } = await updateAsset(context.engine, call, params.id, { ...input, ifMatch })
      return await changed(exchange, asset)
    }
    if (!/^multipart\//i.test(exchange.request.headers['content-type'] ?? '')) {
      return await change(updateInput(await jsonUpdate(exchange)))
    }
    await using form = await readFileForm(exchange)
    const [file] = form.files
    const fields = checkUpdateForm(formValues(form.fields, JSON_FIELDS))
    requireChecksum(fields.checksum, file)
    return await change({
      ...updateInput(fields),
      upload: file?.upload,
      contentType: fields.content_type ?? file?.contentType,
      description: fields.change_description,
    })
  },

  putAssetContent: async exchange => {
    const { context, call, params, query, bytes } = exchange
    const { ifMatch } = writeConditions(exchange.request.headers)
    await changeable(exchange, { id: params.id, permission: 'assets:write', ifMatch })
    const { length, expected, contentType, metadata } = rawFacts(exchange)
    const options = { length, expected }
    const upload = await stageUpload(context.engine, call, bytes.source(), options)
    try {
      const { asset } = await updateAsset(context.engine, call, params.id, {
        upload,
        contentType,
        metadata,
        ifMatch,
        name: query.name,
        tags: query.tags,
        type: query.asset_type,
        createdBy: query.created_by,
        description: query.description,
      })
      return await stored(exchange, asset, 200)
    } finally {
      await upload.discard()
    }
  },

  createVersion: async exchange => {
    const { context, call, params } = exchange
    const { ifMatch } = writeConditions(exchange.request.headers)
    await changeable(exchange, { id: params.id, permission: 'versions:write', ifMatch })
    await using form = await readFileForm(exchange)
    const [file] = form.files
    const values = formValues(form.fields, JSON_FIELDS)
    if (file === undefined) throw missingFile(() => checkVersion(values))
    const fields = checkVersion(values)
    requireChecksum(fields.checksum, file)
    const { asset, version, outcome } = await createVersion(context.engine, call, params.id, {
      upload: file.upload,
      contentType: fields.content_type ?? file.contentType,
      createdBy: fields.created_by,
      description: fields.change_description,
      ifMatch,
    })
    tellChanged(exchange, { version_id: version.id, outcome })
    const teller = { engine: context.engine, principal: call.principal }
    const record = await changedVersionWire(teller, asset, version)
    return await answer(exchange, outcome === 'unchanged' ? 200 : 201, record)
  },
}

/** What refuses a change before its body is read; the transaction asks again. */
async function changeable(
  { context, call }: Scope,
  wanted: { id: string; permission: Permission; ifMatch: readonly string[] | undefined },
): Promise<Asset> {
  const { id, permission, ifMatch } = wanted
  const about = { permission, deleted: 'refuse', actions: ['s3:PutObject'] } as const
  const asset = await findAsset(context.engine, call, { id, ...about })
  requirePreconditions(asset, { ifMatch })
  return asset
}

async function readFileForm(exchange: Scope): Promise<ReadForm> {
  const { limits } = exchange.context.engine
  const expected = expectedDigests(exchange.request.headers)
  return await readForm(exchange, {
    isFile: part => part.name === 'file',
    filesMax: 1,
    bytesMax: limits.uploadBytesMax + limits.jsonBodyBytesMax,
    stage: { sizeMax: limits.uploadBytesMax, expected },
  })
}

/** All that is missing is told at once: the file and whatever the fields lack. */
function missingFile(check: () => unknown): HoldfastError {
  const missing = { path: 'file', problem: 'is missing' }
  try {
    check()
  } catch (error) {
    const others = error instanceof HoldfastError ? error.details.errors : undefined
    if (Array.isArray(others)) return invalidFields(missing, ...others)
  }
  return invalidFields(missing)
}

function requireChecksum(checksum: string | undefined, file: ReceivedFile | undefined): void {
  if (checksum === undefined || file === undefined) return
  if (checksum.toLowerCase() !== file.upload.facts.sha256) {
    throw new HoldfastError('DIGEST_MISMATCH', { algorithm: 'sha256' })
  }
}

async function jsonUpdate(exchange: Scope) {
  const type = exchange.request.headers['content-type'] ?? ''
  if (!/^application\/(json|[\w.-]+\+json)\s*(;|$)/i.test(type)) {
    throw new HoldfastError('MALFORMED_REQUEST', {
      header: 'content-type',
      reason: 'must be multipart/form-data or application/json',
    })
  }
  const { context, request, bytes } = exchange
  const { jsonBodyBytesMax } = context.engine.limits
  using _ = context.documents.takeBody(request.state, jsonBodyBytesMax)
  return checkUpdate(await readJson(bytes.source(jsonBodyBytesMax)))
}

function updateInput(fields: ReturnType<typeof checkUpdate>): UpdateInput {
  const { name, metadata, tags, acl, created_by: createdBy } = fields
  return { name, metadata, tags, acl, createdBy }
}
