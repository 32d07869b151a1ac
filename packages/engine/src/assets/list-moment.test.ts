import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { AssetFilter, GiveWay } from '@holdfast/core/ports/asset-questions.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import { openTestStore, put } from '../test-store.test.ts'
import { listAssets } from './list.ts'

it('a list holds no moment of the catalog while others have their turn', async () => {
  await using set = await openTestStore()
  for (const key of ['a', 'b', 'c']) await put(set, key, key)
  const { moments, lists, catalog } = set.engine
  // As where there is more to count than one look takes.
  const inTurns = ({ assets }: CatalogView) => {
    const count = assets.count.bind(assets)
    return async (filter: AssetFilter, giveWay?: GiveWay) => {
      await giveWay?.()
      return await count(filter, giveWay)
    }
  }
  let open = 0
  let read = 0
  const moment = moments.read.bind(moments)
  moments.read = async (call, questions) => {
    return await moment(call, async view => {
      open += 1
      read += 1
      try {
        const assets = { ...view.assets, count: inTurns(view) }
        return await questions({ ...view, assets })
      } finally {
        open -= 1
      }
    })
  }
  const heldInTurns: number[] = []
  const next = lists.next.bind(lists)
  lists.next = async caller => {
    heldInTurns.push(open)
    await next(caller)
  }
  Object.assign(catalog.view.assets, { count: inTurns(catalog.view) })
  const { items, total } = await listAssets(set.engine, set.call, { name: 'a' })
  assert.deepEqual([items.map(({ key }) => key), total, read], [['a'], 1, 1])
  assert.deepEqual(heldInTurns, [0])
})
