import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { copyAsset } from '../../assets/move.ts'
import { removeAsset, removeAssetByKey } from '../../assets/remove.ts'
import { updateAsset } from '../../assets/update.ts'
import { setBucketDocument } from '../../buckets/documents.ts'
import type { Engine } from '../../engine.ts'
import { setObjectAcl, setObjectTags } from '../../objects/object-settings.ts'
import { putObject } from '../../objects/put-object.ts'
import { removeObject } from '../../objects/remove-object.ts'
import {
  bytesOf,
  callOf,
  interrupted,
  openTestStore,
  refused,
  type TestStore,
} from '../../test-store.test.ts'

const bucket = 'photos'
const at = { bucket, key: 'k' }
const ann = callOf({ id: 'ann', permissions: ['assets:*', 'versions:*', 'metadata:*'] })
const held = [{ key: 'class', value: 'held' }]

async function sceneOf({ engine, call }: TestStore) {
  const statement = {
    Effect: 'Deny',
    Principal: { AWS: 'ann' },
    Action: 's3:*',
    Resource: ['arn:aws:s3:::photos', 'arn:aws:s3:::photos/*'],
    Condition: { StringEquals: { 's3:ExistingObjectTag/class': 'held' } },
  }
  const document = { Version: '2012-10-17', Statement: [statement] }
  await setBucketDocument(engine, call, { bucket, name: 'policy', document })
  return await putObject(engine, call, { ...at, source: bytesOf('x'), facets: {} })
}

const acts: Readonly<Record<string, (engine: Engine, id: string) => Promise<unknown>>> = {
  remove: (engine, id) => removeAsset(engine, ann, id),
  'remove by key': engine => removeAssetByKey(engine, ann, at),
  update: (engine, id) => updateAsset(engine, ann, id, { name: 'other' }),
  copy: (engine, id) => copyAsset(engine, ann, id, { key: 'elsewhere' }),
  'remove an object': engine => removeObject(engine, ann, at),
  'tag an object': engine => setObjectTags(engine, ann, { ...at, tags: null }),
}

/** What makes the object one that is closed to ann. */
const closings: Readonly<Record<string, (opened: TestStore) => Promise<unknown>>> = {
  'a tag': ({ engine, call }) => setObjectTags(engine, call, { ...at, tags: held }),
  'a tagged version': ({ engine, call }) => {
    return putObject(engine, call, { ...at, source: bytesOf('new'), facets: { tags: held } })
  },
}

for (const [by, close] of Object.entries(closings)) {
  describe(`between decision and commit ${by} closes the object to`, () => {
    for (const [name, act] of Object.entries(acts)) {
      it(name, async () => {
        await using opened = await openTestStore()
        const { asset } = await sceneOf(opened)
        const { view } = opened.engine.catalog
        let after: unknown
        const racing = interrupted(opened, async () => {
          await close(opened)
          after = await view.assets.list({ deleted: 'with', limit: 9 })
        })
        const no = (error: unknown) => assert.match(String(Reflect.get(Object(error), 'code')), NO)
        await act(racing, asset.id).then(() => assert.fail('done'), no)
        assert.deepEqual(await view.assets.list({ deleted: 'with', limit: 9 }), after)
      })
    }
  })
}

const NO = /^(?:FORBIDDEN|ASSET_NOT_FOUND)$/

test('whose right to set the access list of an object is taken does not take it back', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const eve = callOf({ id: 'eve' })
  const grants = [{ grantee: { id: 'eve' }, permission: 'FULL_CONTROL' as const }]
  const { facets } = await putObject(engine, call, { ...at, source: bytesOf('x'), facets: {} })
  const listOwner = facets.acl?.owner ?? call.principal.id
  const open = { owner: listOwner, grants }
  await setObjectAcl(engine, call, { ...at, acl: open })
  const racing = interrupted(opened, async () => {
    await setObjectAcl(engine, call, { ...at, acl: { owner: listOwner, grants: [] } })
  })
  const again = setObjectAcl(racing, eve, { ...at, acl: open })
  await assert.rejects(again, refused('FORBIDDEN'))
})

test('many settings of one object at once all come through', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await putObject(engine, call, { ...at, source: bytesOf('x'), facets: {} })
  const tags = (value: string) =>
    setObjectTags(engine, call, { ...at, tags: [{ key: 'a', value }] })
  await Promise.all(Array.from({ length: 20 }, (_, n) => tags(`${n}`)))
})
