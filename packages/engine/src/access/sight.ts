import type { Call } from '@holdfast/core/call.ts'
import type { AssetFilter, DeletedFilter } from '@holdfast/core/ports/catalog.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'
import { authorize, decide, isAdministrator, refuseMissing } from './decide.ts'

/** The part of a filter that keeps a listing to what `decide` would let the caller read. */
export type Sight = Pick<AssetFilter, 'bucketId' | 'bucketIds' | 'visibleTo'>

export async function sightOf(
  engine: Engine,
  call: Call,
  wanted: { readonly bucket?: string | undefined; readonly deleted?: DeletedFilter | undefined },
): Promise<Sight> {
  const { principal } = call
  const { view } = engine.catalog
  const hidden = wanted.deleted !== undefined && wanted.deleted !== 'without'
  const needed: readonly Permission[] = hidden ? ['assets:read', 'assets:write'] : ['assets:read']
  const acl = isAdministrator(principal) ? {} : { visibleTo: principal.id }
  if (wanted.bucket !== undefined) {
    const bucket = await view.buckets.byName(wanted.bucket)
    if (bucket === undefined) {
      return refuseMissing(principal, 'assets:read', [
        'BUCKET_NOT_FOUND',
        { bucket: wanted.bucket },
      ])
    }
    for (const permission of needed) authorize(principal, permission, { bucket })
    return { bucketId: bucket.id, ...acl }
  }
  const everywhere = principal.buckets === null && needed.every(one => isOpen(principal, one))
  // A policy may close single buckets to a caller whom everything else is open to.
  if (everywhere && !(await view.buckets.hasPolicy())) return acl
  const candidates = await candidateBuckets(engine, call)
  const open = candidates.filter(bucket =>
    needed.every(permission => decide(principal, permission, { bucket }).allowed),
  )
  if (open.length === 0) refuseNothingOpen(call, needed)
  return { bucketIds: open.map(bucket => bucket.id), ...acl }
}

function isOpen(principal: Call['principal'], permission: Permission): boolean {
  return decide(principal, permission, {}).allowed
}

const PAGE = 1000

/** Its own buckets for a confined credential; all, for the public ones among them, else. */
async function candidateBuckets(engine: Engine, call: Call): Promise<Bucket[]> {
  const { buckets } = engine.catalog.view
  const own = call.principal.buckets
  if (own !== null) {
    const found = await Promise.all(own.map(name => buckets.byName(name)))
    return found.filter(bucket => bucket !== undefined)
  }
  const all: Bucket[] = []
  for (;;) {
    const after = all.at(-1)?.name
    const page = await buckets.list({ ...(after === undefined ? {} : { after }), limit: PAGE })
    all.push(...page)
    if (page.length < PAGE) return all
  }
}

/** A confined credential whose buckets are all gone sees an empty store, not an error. */
function refuseNothingOpen(call: Call, needed: readonly Permission[]): void {
  for (const permission of needed) authorize({ ...call.principal, buckets: null }, permission, {})
}
