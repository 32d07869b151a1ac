import type { Engine } from '@holdfast/engine/engine.ts'
import type { OpenedShare } from '@holdfast/engine/sharing/open-share.ts'
import type { Scope } from '../../../http/exchange.ts'
import { withFields } from '../../../http/limits/with-fields.ts'

/** Those of the maker's links together, and of the bucket, which a good link tells of anyway. */
export async function limitVisit(scope: Scope, opened: OpenedShare): Promise<void> {
  const { engine, limits } = scope.context
  const { admission } = scope.request.state
  await withFields(scope.reply, admission.principal(opened.call.principal))
  if (!limits.asksBuckets) return
  const bucket = await bucketNameOf(engine, opened)
  if (bucket !== undefined) await withFields(scope.reply, admission.bucket(bucket, true))
}

async function bucketNameOf(engine: Engine, { share }: OpenedShare): Promise<string | undefined> {
  const { target } = share
  const { assets, buckets } = engine.catalog.view
  if (target.kind === 'prefix') return (await buckets.byName(target.bucket))?.name
  const asset = await assets.byId(target.assetId)
  return asset && (await buckets.byId(asset.bucketId))?.name
}
