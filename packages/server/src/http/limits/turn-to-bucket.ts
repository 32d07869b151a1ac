import type { Scope } from '../exchange.ts'
import { knowsBucket } from './buckets-named.ts'
import { withFields } from './with-fields.ts'

/** For operations that learn late which bucket their request is about: from a form or a link. */
export async function turnToBucket(scope: Scope, name: string): Promise<void> {
  const { engine, limits } = scope.context
  if (!limits.asksBuckets) return
  const bucket = await engine.catalog.view.buckets.byName(name)
  if (bucket === undefined) return
  const { admission, principal } = scope.request.state
  const isKnown = await knowsBucket(engine, principal, { bucket })
  await withFields(scope.reply, admission.bucket(name, isKnown))
}
