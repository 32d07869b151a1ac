import type { Scope } from '../exchange.ts'
import { knowsBucket } from './buckets-named.ts'
import { withFields } from './with-fields.ts'

/** For operations that learn late which bucket their request is about: from a form or a link. */
export async function turnToBucket(scope: Scope, name: string): Promise<void> {
  const { engine, limits } = scope.context
  if (!limits.asksBuckets) return
  const bucket = await engine.catalog.view.buckets.byName(name)
  if (bucket === undefined) return
  // Who a link acts for, by now.
  const { admission, principal } = scope.request.state
  const { requestId, signal, address } = scope.call
  const isKnown = await knowsBucket(engine, { requestId, signal, address, principal }, { bucket })
  await withFields(scope.reply, admission.bucket(name, isKnown))
}
