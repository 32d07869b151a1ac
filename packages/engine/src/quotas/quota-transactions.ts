import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Quota, QuotaScope } from '@holdfast/core/records.ts'

export interface SetQuotaArgs {
  readonly scope: QuotaScope
  readonly name: string
  readonly bytesMax: number | null
  readonly assetsMax: number | null
}

export async function setQuotaTransaction(
  tx: CatalogTransaction,
  args: SetQuotaArgs,
  moment: Moment,
): Promise<Quota> {
  const { scope, name, bytesMax, assetsMax } = args
  const bucket = scope === 'bucket' ? await tx.buckets.byName(name) : undefined
  if (scope === 'bucket' && bucket === undefined) {
    throw new HoldfastError('BUCKET_NOT_FOUND', { bucket: name })
  }
  const was = await tx.quotas.get(scope, name)
  const quota: Quota = {
    seq: await tx.nextSeq(),
    scope,
    name,
    bytesMax,
    assetsMax,
    updatedAt: moment.now,
    updatedBy: moment.actor,
  }
  await tx.put.quota(quota)
  await tx.note({
    what: 'quota.set',
    ...(bucket === undefined ? {} : { bucketId: bucket.id }),
    detail: {
      scope,
      name,
      was: was === undefined ? null : { bytes: was.bytesMax, assets: was.assetsMax },
      is: { bytes: bytesMax, assets: assetsMax },
    },
  })
  return quota
}

export async function removeQuotaTransaction(
  tx: CatalogTransaction,
  args: { readonly scope: QuotaScope; readonly name: string },
  _moment: Moment,
): Promise<Quota> {
  const { scope, name } = args
  const quota = await tx.quotas.get(scope, name)
  if (quota === undefined) throw new HoldfastError('QUOTA_NOT_FOUND', { scope, name })
  await tx.remove.quota(scope, name)
  const was = { bytes: quota.bytesMax, assets: quota.assetsMax }
  await tx.note({ what: 'quota.removed', detail: { scope, name, was } })
  return quota
}
