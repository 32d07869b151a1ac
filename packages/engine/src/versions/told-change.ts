import type { Call } from '@holdfast/core/call.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket, Change, JsonObject } from '@holdfast/core/records.ts'
import { type Action, actionPermissions } from '../access/actions.ts'
import { decide, isAdministrator, tagsAreTold } from '../access/decide.ts'
import { askedTags } from '../access/policy/asked-tags.ts'
import { mayReadById } from '../assets/links.ts'

/** Parts of the detail of a change that tell of other things than the content of the asset. */
const FACETS = ['tags', 'metadata', 'acl'] as const

/** What was set of a version by S3, in its words. */
const OF_VERSION = {
  acl: 's3:GetObjectVersionAcl',
  retention: 's3:GetObjectRetention',
  legalHold: 's3:GetObjectLegalHold',
} as const satisfies Record<string, Action>

/**
 * The change as the caller may know it: what was said of the asset as its record tells that, places
 * where it lay and assets beside it only where the caller may read there.
 */
export async function toldChange(
  view: CatalogView,
  call: Call,
  { asset, bucket, change }: { asset: Asset; bucket: Bucket | undefined; change: Change },
): Promise<Change> {
  const { principal } = call
  if (isAdministrator(principal) && principal.buckets === null) return change
  const objectTags = await askedTags(view, bucket, asset)
  const here = { bucket, asset, objectTags }
  const detail: Record<string, JsonObject[string]> = { ...change.detail }
  const reads = decide(principal, 'assets:read', here).allowed
  for (const name of FACETS) {
    if (!reads || (name === 'tags' && !tagsAreTold(principal, here))) delete detail[name]
  }
  for (const [name, action] of Object.entries(OF_VERSION)) {
    if (change.what !== 'version.updated' || detail[name] === undefined) continue
    const about = { ...here, action }
    if (!decide(principal, actionPermissions[action], about).allowed) delete detail[name]
  }
  // Under another key it may have been closed.
  if (detail.key !== asset.key) delete detail.key
  if (change.what === 'asset.moved' && !(await mayReadWhere(view, call, asset, detail.was))) {
    delete detail.was
    delete detail.is
  }
  const { to, copied_from: source } = detail
  const others = [to, isObject(source) ? source.asset_id : undefined]
  for (const other of others) {
    if (typeof other !== 'string' || (await mayReadById(view, call, other))) continue
    delete detail.to
    delete detail.link_id
    delete detail.copied_from
  }
  return { ...change, detail }
}

/** Whether it might read the asset if it lay there still. */
async function mayReadWhere(
  view: CatalogView,
  { principal }: Call,
  asset: Asset,
  place: unknown,
): Promise<boolean> {
  if (!isObject(place)) return false
  const { bucket: name, key } = place
  if (typeof name !== 'string' || typeof key !== 'string') return false
  const bucket = await view.buckets.byName(name)
  if (bucket === undefined) return false
  const objectTags = await askedTags(view, bucket, asset)
  return decide(principal, 'assets:read', { bucket, asset: { ...asset, key }, objectTags }).allowed
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
