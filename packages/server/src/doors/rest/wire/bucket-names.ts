import type { Engine } from '@holdfast/engine/engine.ts'

/** Names by id. A bucket never changes its name, and ids are never used again. */
const known = new WeakMap<Engine, Map<string, string>>()
const NAMES_MAX = 10_000

export async function bucketNameOf(engine: Engine, id: string): Promise<string> {
  const names = known.get(engine) ?? new Map<string, string>()
  known.set(engine, names)
  const name = names.get(id)
  if (name !== undefined) return name
  const bucket = await engine.catalog.view.buckets.byId(id)
  if (bucket === undefined) return ''
  if (names.size >= NAMES_MAX) names.clear()
  names.set(id, bucket.name)
  return bucket.name
}
