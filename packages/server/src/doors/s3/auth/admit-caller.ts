import { knowsBucket } from '../../../http/limits/buckets-named.ts'
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
  const { bucket, key } = address
  if (bucket === undefined || !context.limits.asksBuckets) return
  // Callers may write any name: only those that exist are counted.
  const found = await context.engine.catalog.view.buckets.byName(bucket)
  if (found === undefined) return
  await admission.bucket(bucket, knowsBucket(call.principal, found, key))
}
