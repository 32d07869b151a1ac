import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, invalidFields, isHoldfastError } from '@holdfast/core/errors.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { asHoldfastError } from '../as-holdfast-error.ts'
import type { Engine } from '../engine.ts'
import { type CheckedPut, checkedPut, type PutFields } from './intake/put-fields.ts'
import { findTarget } from './intake/put-target.ts'
import { type ReadyPut, storeUpload, storeUploads } from './intake/store-upload.ts'
import { receiveUpload, type StageOptions, type Upload } from './intake/upload.ts'
import type { PutResult } from './writes/put-transaction.ts'

/**
 * The first half of a put, for doors that see the bytes before the fields: the caller is known, the
 * target is not. Whoever stages calls `discard` on the upload in a `finally`.
 */
export async function stageUpload(
  engine: Engine,
  call: Call,
  source: ByteSource,
  options: StageOptions = {},
): Promise<Upload> {
  if (call.principal.kind === 'anonymous') throw new HoldfastError('UNAUTHENTICATED')
  return receiveUpload(engine, call, source, options)
}

/** The second half: makes the bytes an asset, if the caller may. */
export async function putStaged(
  engine: Engine,
  call: Call,
  upload: Upload,
  input: PutFields,
): Promise<PutResult> {
  return storeUpload(engine, call, await ready(engine, call, { upload, input }))
}

export interface BatchItem {
  readonly upload: Upload
  readonly input: PutFields
}

export type BatchResult =
  | { readonly ok: true; readonly result: PutResult }
  | { readonly ok: false; readonly error: HoldfastError }

/**
 * Stores several uploads. Atomic: one transaction; the error of the first refused item is thrown
 * with its index in `details.item`. Otherwise each for itself, and each with its own result.
 */
export async function putBatch(
  engine: Engine,
  call: Call,
  items: readonly BatchItem[],
  options: { readonly atomic: boolean },
): Promise<BatchResult[]> {
  const limit = engine.limits.batchItemsMax
  if (items.length > limit) throw new HoldfastError('TOO_MANY_ITEMS', { limit })
  if (!options.atomic) return Promise.all(items.map(item => putOne(engine, call, item)))
  if (items.length === 0) return []
  const all: ReadyPut[] = []
  for (const [index, item] of items.entries()) {
    all.push(await withIndex(index, () => ready(engine, call, item)))
  }
  requireDistinctKeys(all.map(one => one.put))
  const results = await storeUploads(engine, call, all)
  return results.map(result => ({ ok: true, result }))
}

async function ready(engine: Engine, call: Call, { upload, input }: BatchItem): Promise<ReadyPut> {
  const put = checkedPut(engine, input)
  return { put, upload, target: await findTarget(engine, call, put) }
}

async function putOne(engine: Engine, call: Call, item: BatchItem): Promise<BatchResult> {
  try {
    return { ok: true, result: await putStaged(engine, call, item.upload, item.input) }
  } catch (error) {
    return { ok: false, error: asHoldfastError(error) }
  }
}

async function withIndex<T>(item: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    throw new HoldfastError(error.code, { ...error.details, item }, { cause: error.cause ?? error })
  }
}

function requireDistinctKeys(puts: readonly CheckedPut[]): void {
  const seen = new Set<string>()
  for (const [item, put] of puts.entries()) {
    // A bucket name holds no slash, so the pair is unambiguous.
    const place = `${put.fields.bucket}/${put.key}`
    if (seen.has(place)) {
      throw invalidFields({ path: `[${item}].key`, problem: 'is used by another item' })
    }
    seen.add(place)
  }
}
