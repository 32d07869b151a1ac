import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { createKey, revokeKey } from '../access/keys/keys.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import type { Engine } from '../engine.ts'
import { addGrant, removeGrant } from '../identity/groups/groups.ts'
import { principalOfUser } from '../identity/principal-of-user.ts'
import { createUser } from '../identity/users/users.ts'
import { completeUpload } from '../multipart/complete-upload.ts'
import { uploadPart } from '../multipart/upload-part.ts'
import { abortUpload, createUpload } from '../multipart/uploads.ts'
import { copyObject, renameObject } from '../objects/copy-object.ts'
import { setObjectTags } from '../objects/object-settings.ts'
import { putObject } from '../objects/put-object.ts'
import { removeObject } from '../objects/remove-object.ts'
import {
  bytesOf,
  callOf,
  interrupted,
  openTestStore,
  owner,
  put,
  refused,
  type TestStore,
} from '../test-store.test.ts'
import { transactions } from '../transactions.ts'
import { pruneVersions } from '../versions/prune.ts'
import { removeVersion } from '../versions/remove.ts'
import { rollbackVersion } from '../versions/rollback.ts'
import { updateVersion } from '../versions/update.ts'
import { addLink, removeLink } from './links.ts'
import { copyAsset, moveAsset } from './move.ts'
import { putAsset } from './put.ts'
import { removeAsset, removeAssetByKey, restoreAsset } from './remove.ts'
import { putBatch, stageUpload } from './stage.ts'
import { updateAsset } from './update.ts'

const everything = ['assets:*', 'versions:*', 'metadata:*', 'buckets:*']
const ann = callOf({ id: 'ann', permissions: everything })
const bucket = 'photos'

interface Scene {
  readonly id: string
  readonly otherId: string
  readonly linkId: string
  readonly deletedId: string
  readonly uploadId: string
  /** Of its first part. */
  readonly etag: string
}

type Act = (engine: Engine, scene: Scene) => Promise<unknown>

/** Every way to change an asset. */
const acts: Readonly<Record<string, Act>> = {
  put: engine => putAsset(engine, ann, { ...fieldsOf('k'), source: bytesOf('new') }),
  'put of S3': engine => {
    return putObject(engine, ann, { bucket, key: 'k', facets: {}, source: bytesOf('new') })
  },
  'put of several': async engine => {
    const upload = await stageUpload(engine, ann, bytesOf('new'))
    try {
      const items = ['k', 'beside'].map(key => ({ upload, input: fieldsOf(key) }))
      return await putBatch(engine, ann, items, { atomic: true })
    } finally {
      await upload.discard()
    }
  },
  update: (engine, { id }) => updateAsset(engine, ann, id, { tags: ['x'] }),
  move: (engine, { id }) => moveAsset(engine, ann, id, { key: 'elsewhere' }),
  copy: (engine, { id }) => copyAsset(engine, ann, id, { key: 'elsewhere' }),
  remove: (engine, { id }) => removeAsset(engine, ann, id, { hard: true }),
  'remove by key': engine => removeAssetByKey(engine, ann, { bucket, key: 'k' }),
  restore: (engine, { deletedId }) => restoreAsset(engine, ann, deletedId),
  'add a link': (engine, { id, otherId }) => addLink(engine, ann, id, { type: 'b', to: otherId }),
  'remove a link': (engine, { id, linkId }) => removeLink(engine, ann, id, linkId),
  'update a version': (engine, { id }) => {
    return updateVersion(engine, ann, { assetId: id, version: 1 }, { description: 'x' })
  },
  'remove a version': (engine, { id }) => removeVersion(engine, ann, { assetId: id, version: 1 }),
  'roll back': (engine, { id }) => rollbackVersion(engine, ann, { assetId: id, version: 1 }),
  prune: (engine, { id }) => pruneVersions(engine, ann, id, { keep: 1 }),
  'remove an object': engine => removeObject(engine, ann, { bucket, key: 'k' }),
  'rename an object': engine => renameObject(engine, ann, { bucket, from: 'k', to: 'elsewhere' }),
  'copy an object': engine => {
    const ends = { from: { bucket, key: 'k' }, to: { bucket, key: 'copied' } }
    return copyObject(engine, ann, { ...ends, replaceMetadata: false, facets: {} })
  },
  'tag an object': engine => {
    return setObjectTags(engine, ann, { bucket, key: 'k', tags: [{ key: 'a', value: 'b' }] })
  },
  'put a part': (engine, { uploadId }) => {
    const part = { bucket, key: 'k', uploadId, number: 2, source: bytesOf('part') }
    return uploadPart(engine, ann, part)
  },
  'complete an upload': (engine, { uploadId, etag }) => {
    const parts = [{ number: 1, etag }]
    return completeUpload(engine, ann, { bucket, key: 'k', uploadId, parts })
  },
  'give an upload up': (engine, { uploadId }) => {
    return abortUpload(engine, ann, { bucket, key: 'k', uploadId })
  },
  'begin an upload': engine => createUpload(engine, ann, { bucket, key: 'k', facets: {} }),
}

function fieldsOf(key: string) {
  return { bucket, key, service: 'test', ownerId: owner, mode: 'replace' } as const
}

async function sceneOf(opened: TestStore): Promise<Scene> {
  const { engine, call } = opened
  await updateBucket(engine, call, bucket, { versioning: 'enabled' })
  await put(opened, 'k', 'one')
  const { asset } = await put(opened, 'k', 'two')
  const { asset: other } = await put(opened, 'other', 'x')
  const link = await addLink(engine, call, asset.id, { type: 'a', to: other.id })
  const { asset: deleted } = await put(opened, 'deleted', 'x')
  await removeAsset(engine, call, deleted.id)
  // Not ann's own, which no list would close to her.
  const { id: uploadId } = await createUpload(engine, call, { bucket, key: 'k', facets: {} })
  const ids = { id: asset.id, otherId: other.id, linkId: link.id, deletedId: deleted.id }
  const first = { bucket, key: 'k', uploadId, number: 1, source: bytesOf('first') }
  const { md5: etag } = await uploadPart(engine, call, first)
  return { ...ids, uploadId, etag }
}

/** Shuts ann out of all keys, by the access lists of the assets or by the policy of the bucket. */
const closings: Readonly<Record<string, (opened: TestStore, scene: Scene) => Promise<unknown>>> = {
  'an access list': async ({ engine, call }, { id, deletedId }) => {
    await updateAsset(engine, call, id, { acl: { read: [], write: [] } })
    await restoreAsset(engine, call, deletedId)
    await updateAsset(engine, call, deletedId, { acl: { read: [], write: [] } })
    await removeAsset(engine, call, deletedId)
  },
  'a policy': ({ engine, call }) => {
    const arn = 'arn:aws:s3:::photos'
    const statement = {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: [arn, `${arn}/*`],
    }
    const document = { Version: '2012-10-17', Statement: [statement] }
    return setBucketDocument(engine, call, { bucket: 'photos', name: 'policy', document })
  },
}

async function changesOf({ engine }: TestStore): Promise<unknown> {
  return await engine.catalog.view.assets.list({ deleted: 'with', limit: 100 })
}

async function uploadsOf({ engine }: TestStore): Promise<unknown> {
  const { uploads, buckets } = engine.catalog.view
  const { id: bucketId = '' } = (await buckets.byName(bucket)) ?? {}
  const open = await uploads.list({ bucketId, limit: 9 })
  const parts = open.map(({ upload }) => uploads.parts({ uploadId: upload?.id ?? '', limit: 9 }))
  return [open, await Promise.all(parts)]
}

const REFUSED: ReadonlySet<unknown> = new Set(['FORBIDDEN', 'ASSET_NOT_FOUND'])

for (const [by, close] of Object.entries(closings)) {
  describe(`between decision and commit ${by} closes the asset to`, () => {
    for (const [name, act] of Object.entries(acts)) {
      it(name, async () => {
        await using opened = await openTestStore()
        const scene = await sceneOf(opened)
        let after: unknown
        const racing = interrupted(opened, async () => {
          await close(opened, scene)
          after = [await changesOf(opened), await uploadsOf(opened)]
        })
        await assert.rejects(act(racing, scene), ({ code }) => REFUSED.has(code))
        assert.deepEqual([await changesOf(opened), await uploadsOf(opened)], after)
      })
    }
  })
}

describe('what changes between decision and commit', () => {
  it('and leaves the right as it is does not keep the write', async () => {
    const interruptedOnes = new Set<string>()
    for (const [name, act] of Object.entries(acts)) {
      await using opened = await openTestStore()
      const scene = await sceneOf(opened)
      const before = JSON.stringify(await changesOf(opened))
      await act(
        interrupted(
          opened,
          () => updateBucket(opened.engine, opened.call, bucket, { versionsMax: 5 }),
          transaction => interruptedOnes.add(transaction).size > 0,
        ),
        scene,
      )
      const isSame = JSON.stringify(await changesOf(opened)) === before
      assert.equal(isSame, NOT_IN_THE_LIST.has(name), name)
    }
    const all = Object.keys(transactions).filter(name => OF_ASSETS.test(name))
    assert.deepEqual([...interruptedOnes].sort(), all.sort())
  })
})

test('who is asked anew is asked by what it may by now', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { id } = await sceneOf(opened)
  const { key } = await createKey(engine, call, { name: 'k', permissions: everything })
  const holder = callOf({ id: key.id, permissions: everything })
  const racing = interrupted(opened, async () => {
    await updateBucket(engine, call, bucket, { versionsMax: 5 })
    await revokeKey(engine, call, key.id)
  })
  const late = updateAsset(racing, holder, id, { tags: ['x'] })
  await assert.rejects(late, { code: 'UNAUTHENTICATED' })
  assert.deepEqual((await engine.catalog.view.assets.byId(id))?.tags, [])
})

/** A bucket is given by administrators, each asset only from whose it was. */
const OF_ASSETS = /^(?:assets|links|versions|objects|uploads)\.(?!give$)/

/** They change records that are no assets. */
const NOT_IN_THE_LIST: ReadonlySet<string> = new Set([
  'add a link',
  'remove a link',
  'update a version',
  'remove a version',
  'prune',
  'begin an upload',
  'put a part',
  'give an upload up',
])

describe('a right that ends while the body comes', () => {
  async function* slowly(end: () => Promise<unknown>) {
    yield Buffer.from('one')
    await end()
    yield Buffer.from('two')
  }

  /** Starts to put as somebody, who loses the right before the last byte. */
  async function putWhile(opened: TestStore, call: Call, end: () => Promise<unknown>) {
    const fields = { ...fieldsOf('mine/k'), ownerId: call.principal.id }
    return await putAsset(opened.engine, call, { ...fields, source: slowly(end) })
  }

  it('is a grant', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const password = 'a Long enough 1 here!'
    const user = await createUser(engine, call, { username: 'bob', password, roles: [] })
    const grant = await addGrant(engine, call, {
      ...{ principalId: user.id, bucket, prefix: 'mine/', permissions: ['assets:write'] },
    })
    const { principal } = await principalOfUser(engine, user)
    const bob = callOf(principal)
    const first = { ...fieldsOf('mine/first'), ownerId: user.id }
    await putAsset(engine, bob, { ...first, source: bytesOf('x') })
    const late = putWhile(opened, bob, () => removeGrant(engine, call, grant.id))
    await assert.rejects(late, { code: 'FORBIDDEN' })
  })

  it('is that of a key', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { key } = await createKey(engine, call, { name: 'k', permissions: ['assets:*'] })
    const { id, permissions, buckets } = key
    const holder = callOf({ id, permissions, buckets })
    const late = putWhile(opened, holder, () => revokeKey(engine, call, id))
    await assert.rejects(late, { code: 'UNAUTHENTICATED' })
    assert.equal((await engine.catalog.view.assets.list({ deleted: 'with', limit: 9 })).length, 0)
  })
})

describe('what changes between decision and commit, and is not asked for,', () => {
  it('is the name of what is moved or copied', async () => {
    await using opened = await openTestStore()
    const { id } = await sceneOf(opened)
    const rename = (name: string) =>
      interrupted(opened, () => updateAsset(opened.engine, ann, id, { name }))
    const moved = await moveAsset(rename('one.txt'), ann, id, { key: 'moved' })
    assert.equal(moved.name, 'one.txt')
    const copied = await copyAsset(rename('two.txt'), ann, id, { key: 'copied' })
    assert.equal(copied.name, 'two.txt')
  })

  it('is the version that is shown, which gets the tags', async () => {
    await using opened = await openTestStore()
    await put(opened, 'k', 'one')
    const racing = interrupted(opened, () => put(opened, 'k', 'two'))
    const { version } = await setObjectTags(racing, ann, { bucket, key: 'k', tags })
    assert.equal(version.number, 2)
  })
})

const tags = [{ key: 'closed', value: 'yes' }]

for (const [how, send] of [
  ['moved', moveAsset],
  ['copied', copyAsset],
] as const) {
  test(`what a bucket refuses does not come there with what is ${how} meanwhile`, async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    await createBucket(engine, call, { name: 'small', settings: { assetBytesMax: 3 } })
    // One that is shown, and one that was shown for a moment.
    for (const [key, ...texts] of [
      ['a', 'longer'],
      ['b', 'longer', 'two'],
    ] as const) {
      const racing = interrupted(opened, async () => {
        for (const text of texts) await put(opened, 'k', text)
      })
      const sent = send(racing, call, asset.id, { bucket: 'small', key })
      const isShort = how === 'copied' && key === 'b'
      if (isShort) assert.equal((await sent).size, 3)
      else await assert.rejects(sent, refused('BODY_TOO_LARGE'))
      await put(opened, 'k', 'one')
    }
  })
}
