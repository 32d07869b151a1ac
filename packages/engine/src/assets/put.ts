import type { Call } from '@holdfast/core/call.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import type { Engine } from '../engine.ts'
import { asQuotasTell } from '../quotas/told-quota.ts'
import { type CheckedPut, checkedPut, type PutFields } from './intake/put-fields.ts'
import { arrivalAt, findTarget, type PutTarget, refuseEarly } from './intake/put-target.ts'
import { storeUpload } from './intake/store-upload.ts'
import { receiveUpload } from './intake/upload.ts'
import type { PutResult } from './writes/put-transaction.ts'

export interface PutInput extends PutFields {
  /** Bytes that come, or those that are all there, lent until the put is over. */
  readonly source: ByteSource | Uint8Array
}

/** Receives bytes and makes them the content of the asset at a key, new or existing. */
export async function putAsset(engine: Engine, call: Call, input: PutInput): Promise<PutResult> {
  const put = checkedPut(engine, input)
  const target = await findTarget(engine, call, put)
  return await asQuotasTell(call, () => receiveAndStore(engine, call, input, { put, target }))
}

async function receiveAndStore(
  engine: Engine,
  call: Call,
  input: PutInput,
  { put, target }: { readonly put: CheckedPut; readonly target: PutTarget },
): Promise<PutResult> {
  await refuseEarly(engine, target, put.fields)
  const sizeMax = Math.min(
    input.sizeMax ?? Number.MAX_SAFE_INTEGER,
    target.bucket.settings.assetBytesMax ?? Number.MAX_SAFE_INTEGER,
  )
  const { length, expected, md5 } = input
  const arrival = await arrivalAt(engine, target, put.fields)
  const source = await engine.arriving.watched(input.source, arrival)
  const upload = await receiveUpload(engine, call, source, { length, expected, md5, sizeMax })
  try {
    return await storeUpload(engine, call, { put, target, upload })
  } finally {
    await upload.discard()
  }
}
