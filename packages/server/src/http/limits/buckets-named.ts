import type { Route } from '@holdfast/contract/route.ts'
import type { Call } from '@holdfast/core/call.ts'
import { permissions } from '@holdfast/core/principal.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import { decide, mayPartly } from '@holdfast/engine/access/decide.ts'
import { hasPart } from '@holdfast/engine/access/sight.ts'
import { ownsSome } from '@holdfast/engine/assets/list.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import type { Context } from '../../context.ts'

interface Parts {
  readonly call: Call
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
  { call, params, query, body }: Parts,
): Promise<ReadonlyMap<string, boolean>> {
  const found = new Map<string, boolean>()
  if (!limits.asksBuckets || !OF_ASSETS.test(permission)) return found
  const { view } = engine.catalog
  const { principal } = call
  for (const part of [params, query, body]) {
    const name = textIn(part, 'bucket')
    const bucket = name === undefined ? undefined : await view.buckets.byName(name)
    if (bucket === undefined) continue
    const key = textIn(part, 'key')
    const isKnown = await knowsBucket(engine, call, { bucket, key })
    // Without a key it lists, and who has nothing there is shown nothing.
    if (isKnown || key !== undefined) found.set(bucket.name, isKnown)
  }
  const id = textIn(params, 'id')
  for (const one of [...(id === undefined ? [] : [id]), ...idsOf(body)]) {
    const asset = await view.assets.byId(one.toLowerCase())
    const bucket = asset && (await view.buckets.byId(asset.bucketId))
    if (bucket === undefined) continue
    const isKnown = permissions.some(permission => {
      return OF_ASSETS.test(permission) && decide(principal, permission, { bucket, asset }).allowed
    })
    // Of many, hidden ones are answered beside others, as if they were not there.
    if (!isKnown && one !== id) continue
    found.set(bucket.name, isKnown || found.get(bucket.name) === true)
  }
  return found
}

/** Whether it may hear that there is such a bucket: some of it may be open to it. */
export async function knowsBucket(
  engine: Engine,
  call: Call,
  { bucket, key }: { readonly bucket: Bucket; readonly key?: string | undefined },
): Promise<boolean> {
  const { principal } = call
  const fresh = { ownerId: principal.id, key: key ?? '' }
  const ofAssets = permissions.filter(permission => OF_ASSETS.test(permission))
  const isOpen = ofAssets.some(permission => {
    if (decide(principal, permission, { bucket }).allowed) return true
    if (decide(principal, permission, { bucket, fresh }).allowed) return true
    return hasPart(principal, permission, bucket)
  })
  if (isOpen) return true
  // In a bucket of another, rights on own assets open what is there of them.
  if (!ofAssets.some(permission => mayPartly(principal, permission, bucket))) return false
  if (key === undefined) return await ownsSome(engine, call, bucket)
  const asset = await engine.catalog.view.assets.byKey(bucket.id, key)
  return asset?.ownerId === principal.id
}

function idsOf(body: unknown): string[] {
  const listed = typeof body === 'object' && body !== null && 'ids' in body
  const ids: unknown = listed ? body.ids : []
  const texts = Array.isArray(ids) ? ids.filter(one => typeof one === 'string') : []
  return texts.slice(0, IDS_MAX)
}

function textIn(part: unknown, name: string): string | undefined {
  if (typeof part !== 'object' || part === null || !(name in part)) return undefined
  const value: unknown = Reflect.get(part, name)
  return typeof value === 'string' ? value : undefined
}
