import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import type { ObjectAcl } from '@holdfast/core/objects.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { copyAsset, moveAsset } from '../assets/move.ts'
import { updateAsset } from '../assets/update.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import type { Engine } from '../engine.ts'
import { copyObject, renameObject } from '../objects/copy-object.ts'
import { objectOwner } from '../objects/object-facets.ts'
import { setObjectAcl } from '../objects/object-settings.ts'
import { putObject } from '../objects/put-object.ts'
import {
  bytesOf,
  callOf,
  interrupted,
  openTestStore,
  refused,
  type TestStore,
} from '../test-store.test.ts'
import { removeVersion } from '../versions/remove.ts'

const bucket = 'photos'
const at = { bucket, key: 'k' }
const bob = callOf({ id: 'bob', permissions: ['assets:*', 'versions:*', 'metadata:*'] })
const none = { read: [], write: [] }
const blocked = refused('PUBLIC_ACCESS_BLOCKED')
const forbidden = refused('FORBIDDEN')

async function twoVersions({ engine, call }: TestStore) {
  await updateBucket(engine, call, bucket, { versioning: 'enabled' })
  const first = await putObject(engine, call, { ...at, source: bytesOf('x'), facets: {} })
  const { asset } = await putObject(engine, call, { ...at, source: bytesOf('y'), facets: {} })
  const owner = objectOwner(first)
  return { id: asset.id, owner, old: { ...at, versionId: first.version.id } }
}

type Grantee = ObjectAcl['grants'][number]['grantee']

function aclOf(owner: string, ...grantees: Grantee[]): ObjectAcl {
  return { owner, grants: grantees.map(grantee => ({ permission: 'READ', grantee })) }
}

type Lists = (opened: TestStore, of: Awaited<ReturnType<typeof twoVersions>>) => Promise<unknown>

const ofAsset =
  (...read: string[]): Lists =>
  ({ engine, call }, { id }) =>
    updateAsset(engine, call, id, { acl: { read: [...read, 'bob'], write: ['bob'] } })
const ofVersion =
  (...grantees: Grantee[]): Lists =>
  ({ engine, call }, { old, owner }) =>
    setObjectAcl(engine, call, { ...old, acl: aclOf(owner, ...grantees) })

/** Lists that open something to everybody, and lists that do not. */
const publicLists: Readonly<Record<string, Lists>> = {
  'the list of the asset': ofAsset('anonymous'),
  'the list of a version, for all': ofVersion({ id: 'carl' }, 'all'),
  'the list of a version, for all who show a credential': ofVersion('authenticated'),
  'the list of a deleted version': async (opened, scene) => {
    await ofVersion('all')(opened, scene)
    await removeVersion(opened.engine, opened.call, { assetId: scene.id, version: 1 })
  },
}
const otherLists: Readonly<Record<string, Lists>> = {
  'the list of the asset': ofAsset('carl'),
  'the list of a version': ofVersion({ id: 'carl' }),
}

async function openBlocked() {
  const opened = await openTestStore()
  const { engine, call } = opened
  await createBucket(engine, call, { name: 'blocked' })
  const document = { blockPublicAcls: true }
  const name = 'publicAccessBlock'
  await setBucketDocument(engine, call, { bucket: 'blocked', name, document })
  return opened
}

describe('a bucket that blocks public lists takes none', () => {
  const move = (engine: Engine, id: string) => moveAsset(engine, bob, id, { bucket: 'blocked' })
  for (const [name, open] of Object.entries(publicLists)) {
    it(`with what is moved there: ${name}`, async () => {
      await using opened = await openBlocked()
      const scene = await twoVersions(opened)
      await open(opened, scene)
      await assert.rejects(move(opened.engine, scene.id), blocked)
      // Nothing new is opened where it lies.
      const name = 'publicAccessBlock'
      const document = { blockPublicAcls: true }
      await setBucketDocument(opened.engine, opened.call, { bucket, name, document })
      await moveAsset(opened.engine, bob, scene.id, { key: 'beside' })
    })

    if (name === 'the list of a deleted version') continue
    it(`with what gets it meanwhile: ${name}`, async () => {
      await using opened = await openBlocked()
      const scene = await twoVersions(opened)
      const racing = interrupted(opened, () => open(opened, scene))
      await assert.rejects(move(racing, scene.id), blocked)
    })
  }

  for (const [name, open] of Object.entries(otherLists)) {
    it(`but others: ${name}`, async () => {
      await using opened = await openBlocked()
      const scene = await twoVersions(opened)
      await open(opened, scene)
      assert.equal((await move(opened.engine, scene.id)).id, scene.id)
    })
  }

  it('that blocks them since the question', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createBucket(engine, call, { name: 'blocked' })
    const scene = await twoVersions(opened)
    await ofVersion('all')(opened, scene)
    const racing = interrupted(opened, async () => {
      const document = { blockPublicAcls: true }
      const name = 'publicAccessBlock'
      await setBucketDocument(engine, call, { bucket: 'blocked', name, document })
    })
    await assert.rejects(move(racing, scene.id), blocked)
  })

  it('with a copy, also of what lies there', async () => {
    await using opened = await openBlocked()
    const { engine, call } = opened
    const scene = await twoVersions(opened)
    const copy = (target: { bucket?: string; key: string }, using = engine) =>
      copyAsset(using, bob, scene.id, target)
    const there = { bucket: 'blocked', key: 'copy' }
    const racing = interrupted(opened, () => ofAsset('anonymous')(opened, scene))
    await assert.rejects(copy(there, racing), blocked)
    await assert.rejects(copy(there), blocked)
    const name = 'publicAccessBlock'
    const document = { blockPublicAcls: true }
    await setBucketDocument(engine, call, { bucket, name, document })
    await assert.rejects(copy({ key: 'copy' }), blocked)
    await ofAsset('carl')(opened, scene)
    // Lists of versions stay with them.
    await setBucketDocument(engine, call, { bucket, name, document: null })
    await ofVersion('all')(opened, scene)
    await copy(there)
  })
})

const denyBob = async ({ engine, call }: TestStore, key: string) => {
  const statement: JsonObject = {
    Effect: 'Deny',
    Principal: { AWS: 'bob' },
    Action: 's3:PutObjectAcl',
    Resource: `arn:aws:s3:::${bucket}/${key}`,
  }
  const document = { Version: '2012-10-17', Statement: [statement] }
  await setBucketDocument(engine, call, { bucket, name: 'policy', document })
}

const carriers: Readonly<Record<string, (engine: Engine, id: string) => Promise<unknown>>> = {
  move: (engine, id) => moveAsset(engine, bob, id, { key: 'to' }),
  rename: engine => renameObject(engine, bob, { bucket, from: 'k', to: 'to' }),
  copy: (engine, id) => copyAsset(engine, bob, id, { key: 'to' }),
}

for (const [name, act] of Object.entries(carriers)) {
  describe(`to a key where no list may be set a ${name} brings none:`, () => {
    for (const [which, list] of Object.entries(otherLists)) {
      // A copy has the list of the asset alone.
      if (name === 'copy' && which !== 'the list of the asset') continue
      it(which, async () => {
        await using opened = await openTestStore()
        const scene = await twoVersions(opened)
        await denyBob(opened, 'to')
        await list(opened, scene)
        await assert.rejects(act(opened.engine, scene.id), forbidden)
      })

      it(`${which}, which came meanwhile`, async () => {
        await using opened = await openTestStore()
        const scene = await twoVersions(opened)
        await denyBob(opened, 'to')
        const racing = interrupted(opened, () => list(opened, scene))
        await assert.rejects(act(racing, scene.id), forbidden)
        assert.equal((await opened.engine.catalog.view.assets.byId(scene.id))?.key, 'k')
      })
    }

    it('but goes without one, and from where none may be set', async () => {
      await using opened = await openTestStore()
      const { engine, call } = opened
      const scene = await twoVersions(opened)
      await denyBob(opened, 'to')
      await act(engine, scene.id)
      const { asset } = await putObject(engine, call, {
        ...{ bucket, key: 'from', facets: { acl: aclOf(scene.owner, { id: 'carl' }) } },
        source: bytesOf('z'),
      })
      await denyBob(opened, 'from')
      await moveAsset(engine, bob, asset.id, { key: 'away' })
    })
  })
}

test('a copy by S3 brings no list, so that none is asked for', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  const scene = await twoVersions(opened)
  await ofAsset('anonymous')(opened, scene)
  await ofVersion('all')(opened, scene)
  await denyBob(opened, 'to')
  const ends = { from: scene.old, to: { bucket, key: 'to' } }
  const { object } = await copyObject(engine, bob, { ...ends, replaceMetadata: false, facets: {} })
  assert.deepEqual([object.asset.acl, object.facets.acl], [null, undefined])
  await updateAsset(engine, opened.call, object.asset.id, { acl: none })
})
