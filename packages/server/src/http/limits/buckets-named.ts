import type { Route } from '@holdfast/contract/route.ts'
import { type Principal, permissions } from '@holdfast/core/principal.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import { decide, mayPartly } from '@holdfast/engine/access/decide.ts'
import type { Context } from '../../context.ts'

interface Parts {
  readonly principal: Principal
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

const OF_ASSETS = /^(assets|versions|metadata):/
const IDS_MAX = 1000

/**
 * The buckets whose assets a request is about, as far as its path, query or JSON body tells, and
 * whether the caller may know so: by name or by the ids of assets. Only those that exist: callers
 * may write any name. Forms and links, which tell later, ask for themselves.
 */
export async function bucketsNamed(
  { engine, limits }: Context,
  { permission }: Route,
  { principal, params, query, body }: Parts,
): Promise<ReadonlyMap<string, boolean>> {
  const found = new Map<string, boolean>()
  if (!limits.asksBuckets || !OF_ASSETS.test(permission)) return found
  const { view } = engine.catalog
  for (const part of [params, query, body]) {
    const name = textIn(part, 'bucket')
    const bucket = name === undefined ? undefined : await view.buckets.byName(name)
    if (bucket === undefined) continue
    found.set(bucket.name, knowsBucket(principal, bucket, textIn(part, 'key')))
  }
  for (const id of idsOf(params, body)) {
    const asset = await view.assets.byId(id.toLowerCase())
    const bucket = asset && (await view.buckets.byId(asset.bucketId))
    if (bucket === undefined) continue
    const isKnown = permissions.some(one => {
      return OF_ASSETS.test(one) && decide(principal, one, { bucket, asset }).allowed
    })
    found.set(bucket.name, isKnown || found.get(bucket.name) === true)
  }
  return found
}

/** Whether it may hear that there is such a bucket: some of it may be open to it. */
export function knowsBucket(principal: Principal, bucket: Bucket, key = ''): boolean {
  const fresh = { ownerId: principal.id, key }
  return permissions.some(permission => {
    if (!OF_ASSETS.test(permission)) return false
    const { allowed } = decide(principal, permission, { bucket, fresh })
    return allowed || mayPartly(principal, permission, bucket)
  })
}

function idsOf(params: unknown, body: unknown): string[] {
  const id = textIn(params, 'id')
  const listed = typeof body === 'object' && body !== null && 'ids' in body
  const ids: unknown = listed ? body.ids : []
  const texts = Array.isArray(ids) ? ids.filter(one => typeof one === 'string') : []
  return [...(id === undefined ? [] : [id]), ...texts.slice(0, IDS_MAX)]
}

function textIn(part: unknown, name: string): string | undefined {
  if (typeof part !== 'object' || part === null || !(name in part)) return undefined
  const value: unknown = Reflect.get(part, name)
  return typeof value === 'string' ? value : undefined
}
