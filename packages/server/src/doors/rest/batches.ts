import type { BatchUploadResult } from '@holdfast/contract/schemas/batch.ts'
import { type BatchRequest, batchRequest } from '@holdfast/contract/schemas/upload.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import { removeBatch } from '@holdfast/engine/assets/remove.ts'
import { type BatchItem, type BatchResult, putBatch } from '@holdfast/engine/assets/stage.ts'
import { auditRefusedParts } from '../../http/caller/audited.ts'
import { tellChanged } from '../../http/caller/tell-changed.ts'
import { answer, type Operations, type Scope, type Sent } from '../../http/exchange.ts'
import { turnToBucket } from '../../http/limits/turn-to-bucket.ts'
import { compileCheck, requireItems } from '../../http/parse/validate.ts'
import { holdAnswer } from '../../http/send-json.ts'
import { jsonField, type ReadForm, readForm } from './form-reading.ts'
import { partOf, partProblem, statusOf } from './statuses.ts'
import { assetsWire, assetWire } from './wire/asset-wire.ts'

type Names = 'batchUpload' | 'bulkUpload' | 'batchDelete'

/** Of an asset in an answer, beside what was sent. */
const RECORD_BYTES = 1024
const checkRequest = compileCheck(batchRequest, 'request')

export const batchOperations: Pick<Operations, Names> = {
  batchUpload: async exchange => await upload(exchange, exchange.query.atomic),
  bulkUpload: async exchange => await upload(exchange, exchange.query.atomic),

  batchDelete: async exchange => {
    const { context, call, body } = exchange
    const results = await removeBatch(context.engine, call, body.ids, { hard: body.hard_delete })
    const wire = results.map(result =>
      result.ok
        ? { id: result.id, status: 204 }
        : { id: result.id, status: statusOf(result.error.code), error: partProblem(result.error) },
    )
    const refused = results.flatMap(result =>
      result.ok ? [] : [partOf('removeAsset', { id: result.id }, result.error)],
    )
    await auditRefusedParts(context, exchange.request, refused)
    const removed = results.flatMap(result => (result.ok ? [result.id] : []))
    tellChanged(exchange, {}, removed)
    const failed = results.filter(result => !result.ok).length
    const answered = { results: wire, succeeded: results.length - failed, failed }
    return await answer(exchange, failed === 0 ? 200 : 207, answered)
  },
}

async function upload(scope: Scope, atomicQuery: boolean | undefined): Promise<Sent> {
  const { context, call } = scope
  const { engine, settings } = context
  await using form = await readForm(scope, {
    isFile: part => part.filename !== undefined && part.name !== 'request',
    filesMax: engine.limits.batchItemsMax,
    bytesMax: settings.batchBytesMax,
    stage: { sizeMax: engine.limits.uploadBytesMax },
  })
  const request = requestOf(form, engine.limits.batchItemsMax)
  holdAnswer(scope.request.state, answerBytes(request))
  const items = itemsOf(request, form, settings.defaultBucket)
  const bucket = request.bucket ?? settings.defaultBucket
  tellChanged(scope, { bucket })
  await turnToBucket(scope, bucket)
  const atomic = request.atomic === true || atomicQuery === true
  const results = await putBatch(engine, call, items, { atomic })
  const made = results.flatMap(result => (result.ok ? [result.result.asset.id] : []))
  tellChanged(scope, {}, made)
  if (results.every(result => result.ok)) {
    const assets = results.flatMap(result => (result.ok ? [result.result.asset] : []))
    return await answer(scope, 201, await assetsWire(engine, assets))
  }
  const refused = results.flatMap((result, index) => {
    const { key, filename } = request.files[index] ?? {}
    return result.ok
      ? []
      : [partOf('uploadAsset', { bucket, key: key ?? filename ?? '' }, result.error)]
  })
  await auditRefusedParts(context, scope.request, refused)
  return await answer(scope, 207, await partial(scope, request, results))
}

/** About as many: what holds for all files is told of each. */
function answerBytes({ files, ...ofAll }: BatchRequest): number {
  const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value))
  return bytes(files) + files.length * (bytes(ofAll) + RECORD_BYTES)
}

function tagsOf(request: BatchRequest, file: BatchRequest['files'][number]): string[] | undefined {
  const tags = new Set([...(request.tags ?? []), ...(file.tags ?? [])])
  return tags.size === 0 ? undefined : [...tags]
}

function requestOf(form: ReadForm, itemsMax: number): BatchRequest {
  const text = form.fields.get('request')
  if (text === undefined) throw invalidFields({ path: 'request', problem: 'is missing' })
  const surplus = [...form.fields.keys()].filter(name => name !== 'request')
  if (surplus.length > 0) {
    const problem = 'is not a known field; files need a file name'
    throw invalidFields(...surplus.map(name => ({ path: name.slice(0, 64), problem })))
  }
  const value = jsonField('request', text)
  if (isListed(value)) requireItems(value.files, itemsMax)
  const request = checkRequest(value)
  if (request.files.length !== form.files.length) {
    throw invalidFields({
      path: 'request.files',
      problem: `names ${request.files.length} files, but ${form.files.length} were sent`,
    })
  }
  return request
}

function isListed(value: unknown): value is { files: unknown[] } {
  return (
    typeof value === 'object' && value !== null && 'files' in value && Array.isArray(value.files)
  )
}

function itemsOf(request: BatchRequest, form: ReadForm, defaultBucket: string): BatchItem[] {
  return form.files.map(({ upload }, index) => {
    const file = request.files[index]
    if (file === undefined) throw invalidFields({ path: 'request.files', problem: 'is too short' })
    const checksum = file.checksum?.toLowerCase()
    if (checksum !== undefined && checksum !== upload.facts.sha256) {
      throw new HoldfastError('DIGEST_MISMATCH', { algorithm: 'sha256', item: index })
    }
    return {
      upload,
      input: {
        mode: 'create',
        bucket: request.bucket ?? defaultBucket,
        key: file.key,
        name: file.filename,
        service: request.service,
        ownerId: request.owner_id,
        contentType: file.content_type,
        type: file.asset_type,
        tags: tagsOf(request, file),
        metadata: { ...request.metadata, ...file.metadata },
        acl: file.acl,
        createdBy: request.created_by,
      },
    }
  })
}

async function partial(
  { context }: Scope,
  request: BatchRequest,
  results: readonly BatchResult[],
): Promise<BatchUploadResult> {
  const wire: BatchUploadResult['results'] = []
  for (const [index, result] of results.entries()) {
    const filename = request.files[index]?.filename ?? ''
    if (result.ok) {
      const asset = await assetWire(context.engine, result.result.asset)
      wire.push({ index, filename, status: 201, asset })
    } else {
      const { error } = result
      wire.push({ index, filename, status: statusOf(error.code), error: partProblem(error) })
    }
  }
  const failed = results.filter(result => !result.ok).length
  return { results: wire, succeeded: results.length - failed, failed }
}
