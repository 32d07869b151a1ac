import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AssetFilter, AssetQuery, GiveWay } from '@holdfast/core/ports/asset-questions.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { callOf, openTestStore, put, refused } from '../test-store.test.ts'
import { type ListQuery, listAssets } from './list.ts'
import { removeAsset } from './remove.ts'

const bucket = 'photos'
const reader = callOf({ kind: 'user', id: 'reader', permissions: ['assets:read'] })

/** More words that begin with `m` than can be named, so that they are searched in a thread. */
async function openMany() {
  const opened = await openTestStore({ thread: true })
  for (let at = 0; at < 60; at += 1) {
    const key = `k${String(at).padStart(2, '0')}`
    const acl = at % 3 === 0 ? { read: ['other'], write: [] } : null
    await put(opened, key, key, { acl, metadata: { word: `m${at}`, odd: at % 2 === 1 } })
  }
  const { view } = opened.engine.catalog
  assert.ok(await view.assets.isLong({ deleted: 'without', search: 'm' }))
  return opened
}

/** All pages, and the total that each of them tells. */
async function pages(set: Awaited<ReturnType<typeof openMany>>, query: ListQuery, by = reader) {
  const keys: string[] = []
  const totals = new Set<number>()
  let cursor: string | undefined
  do {
    const from = cursor === undefined ? {} : { cursor }
    const page = await listAssets(set.engine, by, { search: 'm', ...query, ...from })
    keys.push(...page.items.map(({ key }) => key))
    totals.add(page.total)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return { keys, totals: [...totals] }
}

describe('a search for a beginning of many words', () => {
  it('finds page by page what the caller may see, and counts no more', async () => {
    await using set = await openMany()
    const newest = await pages(set, { limit: 7 })
    const shown = Array.from({ length: 60 }, (_, at) => at).filter(at => at % 3 !== 0)
    const keys = shown.map(at => `k${String(at).padStart(2, '0')}`)
    assert.deepEqual(newest, { keys: keys.toReversed(), totals: [40] })
    assert.deepEqual(await pages(set, { limit: 9, bucket, order: 'key' }), { keys, totals: [40] })
    const { items } = await listAssets(set.engine, reader, { search: 'm', limit: 2, offset: 3 })
    assert.deepEqual(
      items.map(({ key }) => key),
      keys.toReversed().slice(3, 5),
    )
    assert.deepEqual((await pages(set, { limit: 60 }, set.call)).totals, [60])
    const confined = callOf({ permissions: ['*'], buckets: ['not-there'] })
    assert.deepEqual(await pages(set, {}, confined), { keys: [], totals: [0] })
    const one = await put(set, 'new', 'new', { metadata: { word: 'm' } })
    assert.deepEqual((await pages(set, { limit: 60 })).totals, [41], 'what was put is found')
    await removeAsset(set.engine, set.call, one.asset.id)
    assert.deepEqual((await pages(set, { limit: 60 })).totals, [40])
  })

  it('is judged by the policy of a bucket', async () => {
    await using set = await openMany()
    const denied = { Effect: 'Deny', Principal: '*', Action: 's3:GetObject' }
    const Statement = [{ ...denied, Resource: `arn:aws:s3:::${bucket}/k1*` }]
    const document = { Version: '2012-10-17', Statement }
    await setBucketDocument(set.engine, set.call, { bucket, name: 'policy', document })
    const { keys, totals } = await pages(set, { limit: 7 })
    assert.deepEqual([keys.length, totals], [33, [33]])
    assert.ok(keys.every(key => !key.startsWith('k1')))
  })

  it('has a line of its own for its turns, apart from what else is asked for', async () => {
    await using set = await openMany()
    const { lists, catalog } = set.engine
    const { assets } = catalog.view
    const [list, count] = [assets.list.bind(assets), assets.count.bind(assets)]
    const turns: string[] = []
    const next = lists.next.bind(lists)
    lists.next = async caller => {
      turns.push(caller)
      await next(caller)
    }
    // As where there is more to look at than one turn takes.
    Object.assign(assets, {
      list: async (query: AssetQuery, giveWay?: GiveWay) => {
        await giveWay?.()
        return await list(query, giveWay)
      },
      count: async (filter: AssetFilter, giveWay?: GiveWay) => {
        await giveWay?.()
        return await count(filter, giveWay)
      },
    })
    await listAssets(set.engine, reader, { search: 'm', limit: 60 })
    assert.deepEqual(turns.splice(0), ['search', 'search'])
    const denied = { Effect: 'Deny', Principal: '*', Action: 's3:GetObject' }
    const Statement = [{ ...denied, Resource: `arn:aws:s3:::${bucket}/k1*` }]
    const document = { Version: '2012-10-17', Statement }
    await setBucketDocument(set.engine, set.call, { bucket, name: 'policy', document })
    await listAssets(set.engine, reader, { search: 'm', limit: 60 })
    assert.equal(turns[0], 'search')
    await listAssets(set.engine, reader, { search: 'k01', limit: 60 })
    assert.equal(turns.at(-1), reader.principal.id)
  })

  it('waits for those before it, and is refused where too many wait', async () => {
    await using set = await openMany()
    const all = Array.from({ length: 200 }, () => pages(set, { limit: 60 }))
    const answers = await Promise.allSettled(all)
    const given = answers.filter(one => one.status === 'fulfilled')
    const reasons = answers.flatMap(one => (one.status === 'rejected' ? [one.reason] : []))
    assert.ok(reasons.length > 0 && reasons.every(refused('TOO_MANY_REQUESTS')))
    assert.ok(given.length > 0 && given.every(({ value }) => value.totals[0] === 40))
  })

  it('under way when the store is closed is answered or refused', async () => {
    const set = await openMany()
    const { assets } = set.engine.catalog.view
    const query = { deleted: 'without', search: 'm', limit: 60 } as const
    const asked = Promise.allSettled([assets.list(query), assets.count(query)])
    await set[Symbol.asyncDispose]()
    for (const answer of await asked) {
      if (answer.status === 'rejected') assert.ok(refused('SHUTTING_DOWN')(answer.reason))
    }
  })
})
