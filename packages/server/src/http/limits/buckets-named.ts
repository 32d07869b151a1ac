import type { Route } from '@holdfast/contract/route.ts'
import type { Context } from '../../context.ts'

interface Parts {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

const OF_ASSETS = /^(assets|versions|metadata):/
const IDS_MAX = 1000

/**
 * The buckets whose assets a request is about, as far as its path, query or JSON body tells: by
 * name or by the ids of assets. Only those that exist: callers may write any name. Forms and links,
 * which tell later, ask for themselves.
 */
export async function bucketsNamed(
  { engine, limits }: Context,
  { permission }: Route,
  { params, query, body }: Parts,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  if (!limits.asksBuckets || !OF_ASSETS.test(permission)) return found
  const { view } = engine.catalog
  for (const part of [params, query, body]) {
    const name = textIn(part, 'bucket')
    if (name !== undefined && (await view.buckets.byName(name)) !== undefined) found.add(name)
  }
  for (const id of idsOf(params, body)) {
    const asset = await view.assets.byId(id.toLowerCase())
    const bucket = asset && (await view.buckets.byId(asset.bucketId))
    if (bucket !== undefined) found.add(bucket.name)
  }
  return found
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
