import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { shownOwner } from '../access/bucket-acl.ts'
import { createBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { anonymousCall, callOf, openTestStore, put } from '../test-store.test.ts'
import { listAssets } from './list.ts'
import { listJudged } from './list-judged.ts'
import { removeAsset } from './remove.ts'

const bucket = 'photos'
const metadata = { word: 'canary' }

async function withPolicy(...statements: JsonObject[]) {
  const opened = await openTestStore()
  const { engine, call } = opened
  for (const key of ['a/1', 'a/2', 'b/1', 'b/2', 'c']) await put(opened, key, key, { metadata })
  const Statement = statements.map(one => ({ Principal: '*', ...one }))
  const document = { Version: '2012-10-17', Statement }
  await setBucketDocument(engine, call, { bucket, name: 'policy', document })
  const keys = async (who: Call, query: Parameters<typeof listAssets>[2] = { bucket }) => {
    const { items, total } = await listAssets(engine, who, { order: 'key', ...query })
    return [items.map(item => item.key), total]
  }
  return { opened, engine, keys }
}

const object = (prefix: string) => `arn:aws:s3:::photos/${prefix}*`
const list = { Effect: 'Allow', Action: 's3:ListBucket', Resource: 'arn:aws:s3:::photos' }
const denyMany = {
  ...list,
  Principal: '*',
  Effect: 'Deny',
  Action: 's3:GetObject',
  Resource: object('many'),
}
const guest = callOf({ kind: 'user', id: 'guest' })
const reader = callOf({ permissions: ['assets:read'] })

describe('a listing of records', () => {
  it('shows nothing of objects that may be listed, but not read', async () => {
    const set = await withPolicy(list, { ...list, Action: 's3:GetObject', Resource: object('b/') })
    await using _ = set.opened
    for (const who of [guest, anonymousCall]) {
      assert.deepEqual(await set.keys(who), [['b/1', 'b/2'], 2])
      assert.deepEqual(await set.keys(who, { bucket, search: 'canary' }), [['b/1', 'b/2'], 2])
      assert.deepEqual(await set.keys(who, { bucket, prefix: 'a/' }), [[], 0])
    }
    assert.deepEqual(await set.keys(reader), [['a/1', 'a/2', 'b/1', 'b/2', 'c'], 5])
  })

  it('shows nothing of what a policy denies', async () => {
    const set = await withPolicy({ ...list, Effect: 'Deny', Action: '*', Resource: object('a/') })
    await using _ = set.opened
    assert.deepEqual(await set.keys(reader), [['b/1', 'b/2', 'c'], 3])
    assert.deepEqual(await set.keys(reader, { order: 'newest' }), [['c', 'b/2', 'b/1'], 3])
    const own = callOf({
      ownPermissions: ['assets:read'],
      id: '0199d0c0-0000-7000-8000-000000000001',
    })
    assert.deepEqual(await set.keys(own), [['b/1', 'b/2', 'c'], 3])
  })

  it('shows what is deleted where the policy lets it be written, and not beside that', async () => {
    const Resource = [list.Resource, object('a/')]
    const set = await withPolicy({ ...list, Action: 's3:*', Resource })
    await using _ = set.opened
    const { items } = await listAssets(set.engine, set.opened.call, { bucket })
    for (const { id } of items) await removeAsset(set.engine, set.opened.call, id)
    for (const query of [{ bucket }, {}]) {
      const hidden = { ...query, order: 'newest', deleted: 'only' } as const
      assert.deepEqual(await set.keys(reader, hidden), [['a/2', 'a/1'], 2])
    }
  })

  it('shows nothing by a list of S3 that opens the bucket alone', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await put(opened, 'k', 'x', { metadata })
    const found = await engine.catalog.view.buckets.byName(bucket)
    assert.ok(found)
    const document = { owner: shownOwner(found), grants: [{ permission: 'READ', grantee: 'all' }] }
    await setBucketDocument(engine, call, { bucket, name: 'acl', document })
    const { items, total } = await listAssets(engine, anonymousCall, { bucket })
    assert.deepEqual([items, total], [[], 0])
  })

  it('asks for many at once of what takes long, and judges few in a turn', async () => {
    await using opened = await openTestStore()
    for (let at = 0; at < 70; at += 1) await put(opened, `k${at}`, `${at}`)
    const { view } = opened.engine.catalog
    for (const isLong of [true, false]) {
      const done = { asked: 0, turns: 0 }
      const counting: CatalogView = {
        ...view,
        assets: {
          ...view.assets,
          list(query, giveWay) {
            done.asked += 1
            return view.assets.list(query, giveWay)
          },
        },
      }
      const giveWay = async () => {
        done.turns += 1
        await Promise.resolve()
      }
      const { items, total } = await listJudged(counting, {
        ...{ principal: reader.principal, needed: ['assets:read'], filter: { deleted: 'with' } },
        ...{ start: undefined, isKeyed: false, limit: 100, offset: 0 },
        ...{ itemsMax: 10_000, isLong, giveWay },
      })
      assert.deepEqual([items.length, total], [70, 70])
      assert.deepEqual(done, { asked: isLong ? 2 : 6, turns: 4 })
    }
  })

  it('tells nothing by a policy that another took the place of while it took turns', async () => {
    const denyOther = { ...denyMany, Resource: object('other') }
    for (const before of [[denyOther], undefined]) {
      const set = before === undefined ? undefined : await withPolicy(...before)
      const opened = set?.opened ?? (await openTestStore())
      await using _ = opened
      const { engine, call } = opened
      for (let at = 0; at < 150; at += 1) await put(opened, `many${at}`, `${at}`)
      const next = engine.lists.next.bind(engine.lists)
      let turns = 0
      engine.lists.next = async caller => {
        turns += 1
        if (turns === 1) {
          const document = { Version: '2012-10-17', Statement: [denyMany] }
          await setBucketDocument(engine, call, { bucket, name: 'policy', document })
          await put(opened, 'many new', 'made after it')
        }
        await next(caller)
      }
      const query = { bucket, order: 'key', limit: 200 } as const
      const { items, total } = await listAssets(engine, reader, query)
      assert.ok(turns > 0)
      const told = items.filter(({ key }) => key.startsWith('many'))
      assert.deepEqual([told.length, total], [0, items.length], JSON.stringify(before))
    }
  })

  it('judges few of those in a turn that a changed bucket has it judge once more', async () => {
    const set = await withPolicy(denyMany)
    await using opened = set.opened
    const { engine, call } = opened
    for (let at = 0; at < 70; at += 1) await put(opened, `k${at}`, `${at}`)
    const turnsOf = async (change: () => Promise<unknown>) => {
      const next = engine.lists.next.bind(engine.lists)
      let turns = 0
      engine.lists.next = async caller => {
        turns += 1
        if (turns === 1) await change()
        await next(caller)
      }
      assert.equal((await listAssets(engine, reader, { bucket, limit: 100 })).items.length, 75)
      engine.lists.next = next
      return turns
    }
    const document = { tags: [] }
    const plain = await turnsOf(async () => {})
    const anew = await turnsOf(() =>
      setBucketDocument(engine, call, { bucket, name: 'tagging', document }),
    )
    assert.equal(anew, plain + 2)
  })

  it('goes on from page to page, past what is hidden', async () => {
    const set = await withPolicy({ ...list, Effect: 'Deny', Action: '*', Resource: object('b/') })
    await using _ = set.opened
    for (const order of ['key', 'newest'] as const) {
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await listAssets(set.engine, reader, { bucket, order, limit: 1, cursor })
        assert.equal(page.total, 3)
        seen.push(...page.items.map(item => item.key))
        cursor = page.nextCursor
      } while (cursor !== undefined)
      assert.deepEqual(seen.toSorted(), ['a/1', 'a/2', 'c'], order)
      const late = await listAssets(set.engine, reader, { bucket, order, offset: 2 })
      assert.equal(late.items.length, 1)
    }
  })

  it('tells in no cursor where among what is hidden it ended', async () => {
    const set = await withPolicy({ ...list, Effect: 'Deny', Action: '*', Resource: object('a/') })
    await using _ = set.opened
    const engine = { ...set.engine, limits: { ...set.engine.limits, judgedItemsMax: 2 } }
    for (const order of ['key', 'newest'] as const) {
      const seen: string[] = []
      let cursor: string | undefined
      for (let pages = 0; pages === 0 || cursor !== undefined; pages += 1) {
        const page = await listAssets(engine, reader, { bucket, order, limit: 1, cursor })
        seen.push(...page.items.map(item => item.key))
        cursor = page.nextCursor
        const told = Buffer.from(cursor ?? '', 'base64url').toString('latin1')
        assert.doesNotMatch(told, /a\/\d/)
        assert.ok(pages < 10)
      }
      assert.deepEqual(seen.toSorted(), ['b/1', 'b/2', 'c'], order)
    }
    const last = await listAssets(engine, reader, { bucket, order: 'key', limit: 1 })
    const other = { bucket, order: 'newest', cursor: last.nextCursor } as const
    await assert.rejects(listAssets(engine, reader, other), { code: 'INVALID_CURSOR' })
    // Elsewhere, or for somebody else, it would tell what lies around a hidden key.
    const sealed = { bucket, order: 'key', cursor: last.nextCursor } as const
    await listAssets(engine, reader, sealed)
    const { call } = set.opened
    await createBucket(engine, call, { name: 'elsewhere' })
    const code = { code: 'INVALID_CURSOR' }
    const ofAll = { ...engine, limits: { ...engine.limits, judgedItemsMax: 4 } }
    const { nextCursor: cursor } = await listAssets(ofAll, reader)
    await listAssets(ofAll, reader, { cursor })
    // Nor may it tell which names are taken.
    for (const name of ['elsewhere', 'nowhere']) {
      await assert.rejects(listAssets(engine, reader, { ...sealed, bucket: name }), code)
      await assert.rejects(listAssets(engine, reader, { bucket: name, cursor }), code)
    }
    await assert.rejects(listAssets(engine, call, sealed), code)
    const forged = `${last.nextCursor?.slice(0, -2)}AA`
    await assert.rejects(listAssets(engine, reader, { ...other, order: 'key', cursor: forged }), {
      code: 'INVALID_CURSOR',
    })
  })
})
