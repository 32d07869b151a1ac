import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBucket } from '../buckets/buckets.ts'
import type { Engine } from '../engine.ts'
import { callOf, openTestStore, put } from '../test-store.test.ts'
import { ownsSome } from './list.ts'
import { removeAsset } from './remove.ts'

const id = '0199d0c0-0000-7000-8000-00000000000a'
const ann = callOf({ id })

test('who owns something in a bucket is found, and looked for in turns', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await createBucket(engine, call, { name: 'other' })
  const bucket = (await engine.catalog.view.buckets.byName('photos')) ?? assert.fail()
  const looks: string[] = []
  const { view } = engine.catalog
  const watched: Engine['catalog']['view'] = Object.create(view, {
    assets: {
      value: Object.create(view.assets, {
        list: {
          value: (...[query, giveWay]: Parameters<typeof view.assets.list>) => {
            looks.push(`${query.deleted} ${typeof giveWay}`)
            return view.assets.list(query, giveWay)
          },
        },
      }),
    },
  })
  const catalog: Engine['catalog'] = Object.create(engine.catalog, { view: { value: watched } })
  const owns = async () => {
    looks.length = 0
    return await ownsSome({ ...engine, catalog }, ann, bucket)
  }
  await put(opened, 'k', 'x')
  assert.deepEqual([await owns(), looks], [false, []])
  const { asset: elsewhere } = await put(opened, 'k', 'x', { bucket: 'other', ownerId: id })
  assert.deepEqual([await owns(), looks], [false, ['without function']])
  await removeAsset(engine, call, elsewhere.id)
  assert.deepEqual([await owns(), looks], [false, ['only function']])
  const { asset } = await put(opened, 'own', 'x', { ownerId: id })
  assert.equal(await owns(), true)
  await removeAsset(engine, call, asset.id)
  assert.deepEqual([await owns(), looks], [true, ['only function']])
})
