import { knowsBucket } from '../../../http/limits/buckets-named.ts'
import type { OperationName } from '../operations.ts'
import { type Address, parseCopySource } from '../requests/address.ts'
import type { ReadRequest } from '../requests/request.ts'
import type { Verified } from './verify.ts'

const COPIES: ReadonlySet<string> = new Set<OperationName>(['CopyObject', 'UploadPartCopy'])

/** The limits of the caller and of the bucket, once both are known; the key of a form is in it. */
export async function admitCaller(verified: Verified, formKey?: string): Promise<void> {
  await count(verified, formKey)
  // Those who count may be slow, so what counts is what the caller may then.
  await verified.call.renew(verified.request.context.engine)
}

async function count({ request, call }: Verified, formKey: string | undefined): Promise<void> {
  const { admission, context, address } = request
  await admission.principal(call.principal)
  if (!context.limits.asksBuckets) return
  const { engine } = context
  const target = { bucket: address.bucket, key: formKey ?? address.key }
  const places = new Map([sourceOf(request), target].map(at => [at?.bucket, at?.key]))
  for (const [name, key] of places) {
    // Callers may write any name: only those that exist are counted.
    const bucket = name && (await engine.catalog.view.buckets.byName(name))
    if (!bucket) continue
    const isKnown = await knowsBucket(engine, call, { bucket, key })
    // What has no key lists or removes many, and may be answered though none of it was open.
    if (isKnown || key !== undefined) await admission.bucket(bucket.name, isKnown)
  }
}

/** Of a copy, which reads there; one that cannot be read is refused by the operation. */
function sourceOf({ headers, told }: ReadRequest): Pick<Address, 'bucket' | 'key'> | undefined {
  // Others may name what they like there: nobody reads it.
  if (!COPIES.has(told.operation ?? '')) return undefined
  const header = headers.get('x-amz-copy-source')
  if (header === undefined) return undefined
  try {
    return parseCopySource(header)
  } catch {
    return undefined
  }
}
