import type { Scope } from '../exchange.ts'
import { withFields } from './with-fields.ts'

/** For operations that learn late which bucket their request is about: from a form or a link. */
export async function turnToBucket(scope: Scope, name: string): Promise<void> {
  const { engine, limits } = scope.context
  if (!limits.asksBuckets) return
  if ((await engine.catalog.view.buckets.byName(name)) === undefined) return
  await withFields(scope.reply, scope.request.state.admission.bucket(name))
}
