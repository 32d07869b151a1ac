import type { Call } from '@holdfast/core/call.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset, Change, JsonObject } from '@holdfast/core/records.ts'
import { type Action, actionPermissions } from '../access/actions.ts'
import { decide, isAdministrator, type Resource, tagsAreTold } from '../access/decide.ts'
import { askedTags } from '../access/policy/asked-tags.ts'
import { mayReadById } from '../assets/links.ts'
import type { Engine } from '../engine.ts'

/** Parts of the detail of a change that tell of other things than the content of the asset. */
const FACETS = ['tags', 'metadata', 'acl'] as const

/** What was set of a version by S3, in its words. */
const OF_VERSION = {
  acl: 's3:GetObjectVersionAcl',
  retention: 's3:GetObjectRetention',
  legalHold: 's3:GetObjectLegalHold',
} as const satisfies Record<string, Action>

/** Each may take several decisions, of policies with many statements. */
const STEP = 20

/**
 * The changes as the caller may know them: what was said of the asset as its record tells that,
 * places where it lay and assets beside it only where the caller may read there.
 */
export async function toldChanges(
  { catalog: { view }, lists }: Engine,
  call: Call,
  { asset, changes }: { readonly asset: Asset; readonly changes: readonly Change[] },
): Promise<readonly Change[]> {
  const { principal } = call
  if (isAdministrator(principal) && principal.buckets === null) return changes
  const bucket = await view.buckets.byId(asset.bucketId)
  const objectTags = await askedTags(view, bucket, asset)
  const closed = closedParts(principal, { bucket, asset, objectTags })
  const giveWay = lists.giveWay(call)
  const told: Change[] = []
  for (const change of changes) {
    if (told.length % STEP === STEP - 1) await giveWay()
    told.push(await toldChange(view, call, { asset, change, closed }))
  }
  return told
}

interface ClosedParts {
  readonly ofAll: readonly string[]
  readonly ofVersion: readonly string[]
}

function closedParts(principal: Principal, here: Resource): ClosedParts {
  const reads = decide(principal, 'assets:read', here).allowed
  const isClosed = (name: string) => name === 'tags' && !tagsAreTold(principal, here)
  const ofVersion = Object.entries(OF_VERSION).filter(
    ([, action]) => !decide(principal, actionPermissions[action], { ...here, action }).allowed,
  )
  return {
    ofAll: FACETS.filter(name => !reads || isClosed(name)),
    ofVersion: ofVersion.map(([name]) => name),
  }
}

async function toldChange(
  view: CatalogView,
  call: Call,
  about: { readonly asset: Asset; readonly change: Change; readonly closed: ClosedParts },
): Promise<Change> {
  const { asset, change, closed } = about
  const detail: Record<string, JsonObject[string]> = { ...change.detail }
  for (const name of closed.ofAll) delete detail[name]
  if (change.what === 'version.updated') for (const name of closed.ofVersion) delete detail[name]
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
