import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AssetFilter } from '@holdfast/core/ports/asset-questions.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { newAsset, newBucket } from '@holdfast/testkit/catalog/records.ts'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { openDatabase } from '../../database.ts'
import { openTables } from '../../tables.ts'

const prefixesOfKeys = ['a/', 'b/', 'c']
const tags = ['red', 'blue']

/** Assets of all kinds in three buckets, and filters that know of what there is. */
export function putRandomAssets(tables: ReturnType<typeof openTables>, random: SeededRandom) {
  const bucketIds = ['one', 'two', 'three'].map(name => {
    const bucket = newBucket({ name })
    tables.buckets.put(bucket)
    return bucket.id
  })
  const anySight = (): Pick<AssetFilter, 'visibleTo' | 'visibleOwner' | 'reach'> => {
    if (random.chance(0.3)) return {}
    if (random.chance(0.5)) {
      const visibleTo = random.pick(['p1', 'p3', ['p1', 'p2']])
      return random.chance(0.5) ? { visibleTo } : { visibleTo, visibleOwner: { ownerId: 'o1' } }
    }
    const prefixes = [{ bucketId: random.pick(bucketIds), prefix: random.pick(prefixesOfKeys) }]
    const open = bucketIds.filter(() => random.chance(0.2))
    return { reach: { ids: [random.pick(['p1', 'p3'])], bucketIds: open, prefixes } }
  }
  return {
    put(seq: number, more: Partial<Asset> = {}): Asset {
      const deletedAt = random.chance(0.2) ? '2026-01-01T00:00:00.000Z' : null
      const asset = newAsset({
        ...{ seq, createdSeq: seq, bucketId: random.pick(bucketIds) },
        key: `${random.pick(prefixesOfKeys)}${seq}`,
        ownerId: random.chance(0.02) ? 'o2' : 'o1',
        ...(random.chance(0.5) ? { service: 's1' } : {}),
        tags: tags.filter(() => random.chance(0.3)),
        acl: random.chance(0.6) ? { read: [random.pick(['p1', 'p2'])], write: [] } : null,
        ...{ deletedAt, trashed: deletedAt !== null && random.chance(0.5) },
        ...more,
      })
      tables.assets.put(asset)
      return asset
    },
    anyFilter(): AssetFilter {
      const maybe = <T>(value: T): T | undefined => (random.chance(0.3) ? value : undefined)
      const given = {
        bucketId: maybe(random.pick([...bucketIds, 'none'])),
        bucketIds: maybe([...bucketIds, 'none'].filter(() => random.chance(0.6))),
        ownerId: maybe(random.pick(['o1', 'o2', 'none'])),
        service: maybe(random.pick(['s1', 'none'])),
        tagsAny: maybe(random.pick([[random.pick(tags)], tags])),
        keyPrefix: maybe(random.pick([...prefixesOfKeys, 'x', ''])),
        ...anySight(),
      }
      const kept = Object.entries(given).filter(([, value]) => value !== undefined)
      return { ...Object.fromEntries(kept), deleted: random.pick(['without', 'only', 'with']) }
    },
    anyQuery(filter: AssetFilter, seqMax: number) {
      const from = random.pick([{}, { beforeSeq: 1 + random.below(seqMax) }])
      const byKey = { afterKey: random.pick(['', 'a/3', 'b/', 'z']) }
      const order = filter.bucketId !== undefined && random.chance(0.5) ? byKey : from
      const page = { limit: random.pick([1, 7, 60]), offset: random.pick([0, 2, 25]) }
      return { ...filter, ...order, ...page }
    },
    bucketIds,
  }
}

if (import.meta.main) {
  test('filters find some of the assets, and not all', async () => {
    const { SeededRandom: Random } = await import('@holdfast/testkit/seeded-random.ts')
    const db = openDatabase(':memory:')
    const tables = openTables(db)
    const { put, anyFilter } = putRandomAssets(tables, new Random(1))
    for (let seq = 1; seq <= 100; seq += 1) put(seq)
    const totals = Array.from({ length: 50 }, () => tables.assetSearch.count(anyFilter()))
    assert.ok(totals.some(total => total > 0) && totals.some(total => total < 100))
    db.close()
  })
}
