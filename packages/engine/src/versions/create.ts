import type { Call } from '@holdfast/core/call.ts'
import type { Upload } from '../assets/intake/upload.ts'
import { change } from '../assets/update.ts'
import type { PutResult } from '../assets/writes/put-transaction.ts'
import type { Engine } from '../engine.ts'

export interface VersionInput {
  /** The caller staged it and discards it. */
  readonly upload: Upload
  readonly contentType?: string | undefined
  readonly createdBy?: string | undefined
  readonly description?: string | undefined
  readonly ifMatch?: readonly string[] | undefined
}

/** New content for an asset. Equal content makes no version: the outcome is `unchanged`. */
export async function createVersion(
  engine: Engine,
  call: Call,
  assetId: string,
  input: VersionInput,
): Promise<PutResult> {
  const wanted = { id: assetId, permission: 'versions:write', actions: ['s3:PutObject'] } as const
  return change(engine, call, { ...wanted, input })
}
