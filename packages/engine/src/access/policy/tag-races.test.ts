import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { copyAsset, moveAsset } from '../../assets/move.ts'
import { removeAsset, removeAssetByKey } from '../../assets/remove.ts'
import { updateAsset } from '../../assets/update.ts'
import { createBucket, updateBucket } from '../../buckets/buckets.ts'
import { setBucketDocument } from '../../buckets/documents.ts'
import type { Engine } from '../../engine.ts'
import { renameObject } from '../../objects/copy-object.ts'
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
import { rollbackVersion } from '../../versions/rollback.ts'

const bucket = 'photos'
const at = { bucket, key: 'k' }
const ann = callOf({ id: 'ann', permissions: ['assets:*', 'versions:*', 'metadata:*'] })
const held = [{ key: 'class', value: 'held' }]

async function sceneOf(opened: TestStore) {
  await closeTagged(opened, bucket)
  const { engine, call } = opened
  return await putObject(engine, call, { ...at, source: bytesOf('x'), facets: {} })
}

async function closeTagged(
  { engine, call }: TestStore,
  name: string,
  action = 's3:*',
): Promise<void> {
  const statement = {
    Effect: 'Deny',
    Principal: { AWS: 'ann' },
    Action: action,
    Resource: [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`],
    Condition: { StringEquals: { 's3:ExistingObjectTag/class': 'held' } },
  }
  const document = { Version: '2012-10-17', Statement: [statement] }
  await setBucketDocument(engine, call, { bucket: name, name: 'policy', document })
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

test('a bucket whose policy closes an object with that tag takes none that gets it', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { asset } = await putObject(engine, call, { ...at, source: bytesOf('x'), facets: {} })
  await createBucket(engine, call, { name: 'closed' })
  await closeTagged(opened, 'closed')
  const racing = interrupted(opened, async () => {
    await setObjectTags(engine, call, { ...at, tags: held })
  })
  const late = moveAsset(racing, ann, asset.id, { bucket: 'closed' })
  await assert.rejects(late, refused('FORBIDDEN'))
})

for (const [what, act] of [
  ['moved', (engine: Engine, id: string) => moveAsset(engine, ann, id, { key: 'elsewhere' })],
  [
    'renamed',
    (engine: Engine) => renameObject(engine, ann, { bucket, from: 'k', to: 'elsewhere' }),
  ],
] as const) {
  test(`what gets a tag with which it may not be deleted is not ${what}`, async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await closeTagged(opened, bucket, 's3:DeleteObject')
    const { asset } = await putObject(engine, call, { ...at, source: bytesOf('x'), facets: {} })
    const racing = interrupted(opened, async () => {
      await setObjectTags(engine, call, { ...at, tags: held })
    })
    await assert.rejects(act(racing, asset.id), refused('FORBIDDEN'))
    assert.equal((await engine.catalog.view.assets.byId(asset.id))?.key, 'k')
  })
}

test('an old version that is closed meanwhile is not shown again', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await updateBucket(engine, call, bucket, { versioning: 'enabled' })
  await closeTagged(opened, bucket, 's3:GetObjectVersion')
  const first = await putObject(engine, call, { ...at, source: bytesOf('x'), facets: {} })
  const { asset, version } = first
  await putObject(engine, call, { ...at, source: bytesOf('y'), facets: {} })
  const old = { ...at, versionId: version.id }
  await rollbackVersion(engine, ann, { assetId: asset.id, version: 1 })
  const racing = interrupted(opened, async () => {
    await setObjectTags(engine, call, { ...old, tags: held })
  })
  const late = rollbackVersion(racing, ann, { assetId: asset.id, version: 1 })
  await assert.rejects(late, refused('FORBIDDEN'))
})

/** The tags come along, whatever asks for them; bob may put none in this bucket. */
const bob = callOf({ id: 'bob', permissions: ['assets:*', 'versions:*', 'metadata:*'] })
const denyBob = async ({ engine, call }: TestStore, action: string) => {
  const statement = {
    Effect: 'Deny',
    Principal: { AWS: 'bob' },
    Action: action,
    Resource: `arn:aws:s3:::${bucket}/*`,
  }
  const document = { Version: '2012-10-17', Statement: [statement] }
  await setBucketDocument(engine, call, { bucket, name: 'policy', document })
}

const carriers: Readonly<Record<string, (engine: Engine, assetId: string) => Promise<unknown>>> = {
  move: (engine, assetId) => moveAsset(engine, bob, assetId, { key: 'to' }),
  rename: engine => renameObject(engine, bob, { bucket, from: 'k', to: 'to' }),
  copy: (engine, assetId) => copyAsset(engine, bob, assetId, { key: 'to' }),
  rollback: (engine, assetId) => rollbackVersion(engine, bob, { assetId, version: 1 }),
}

async function twoVersions({ engine, call }: TestStore) {
  await updateBucket(engine, call, bucket, { versioning: 'enabled' })
  const first = await putObject(engine, call, { ...at, source: bytesOf('x'), facets: {} })
  const { asset } = await putObject(engine, call, { ...at, source: bytesOf('y'), facets: {} })
  return { id: asset.id, old: { ...at, versionId: first.version.id }, shown: at }
}

/** Besides `s3:PutObjectTagging`. */
const tellings: Readonly<Record<string, readonly string[]>> = {
  copy: ['s3:GetObjectTagging'],
  rollback: ['s3:GetObjectVersionTagging'],
}

for (const [name, act] of Object.entries(carriers)) {
  for (const action of ['s3:PutObjectTagging', ...(tellings[name] ?? [])]) {
    test(`a ${name} brings no tags that came meanwhile against a Deny of ${action}`, async () => {
      await using opened = await openTestStore()
      const { engine, call } = opened
      const { id, old, shown } = await twoVersions(opened)
      await denyBob(opened, action)
      const racing = interrupted(opened, async () => {
        const which = name === 'copy' ? shown : old
        await setObjectTags(engine, call, { ...which, tags: held })
      })
      await assert.rejects(act(racing, id), refused('FORBIDDEN'))
    })
  }
}

for (const [name, action] of [
  ['move', 's3:PutObjectTagging'],
  ['rename', 's3:PutObjectTagging'],
  ['rollback', 's3:PutObjectTagging'],
  ['rollback', 's3:GetObjectVersionTagging'],
] as const) {
  test(`a ${name} brings no tags of an old version against a Deny of ${action}`, async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { id, old } = await twoVersions(opened)
    await denyBob(opened, action)
    await setObjectTags(engine, call, { ...old, tags: held })
    const act = async () => await carriers[name]?.(engine, id)
    await assert.rejects(act(), refused('FORBIDDEN'))
    await setObjectTags(engine, call, { ...old, tags: null })
    await act()
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
