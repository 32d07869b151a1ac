import { knowsBucket } from '../../../http/limits/buckets-named.ts'
import { type Address, parseCopySource } from '../requests/address.ts'
import type { ReadRequest } from '../requests/request.ts'
import type { Verified } from './verify.ts'

/** The limits of the caller and of the bucket, once both are known. */
export async function admitCaller(verified: Verified): Promise<void> {
  await count(verified)
  // Those who count may be slow, so what counts is what the caller may then.
  await verified.call.renew(verified.request.context.engine)
}

async function count({ request, call }: Verified): Promise<void> {
  const { admission, context, address } = request
  await admission.principal(call.principal)
  if (!context.limits.asksBuckets) return
  const places = new Map([sourceOf(request), address].map(at => [at?.bucket, at?.key]))
  for (const [bucket, key] of places) {
    // Callers may write any name: only those that exist are counted.
    const found = bucket && (await context.engine.catalog.view.buckets.byName(bucket))
    if (found) await admission.bucket(found.name, knowsBucket(call.principal, found, key))
  }
}

/** Of a copy, which reads there; one that cannot be read is refused by the operation. */
function sourceOf({ headers }: ReadRequest): Pick<Address, 'bucket' | 'key'> | undefined {
  const header = headers.get('x-amz-copy-source')
  if (header === undefined) return undefined
  try {
    return parseCopySource(header)
  } catch {
    return undefined
  }
}
