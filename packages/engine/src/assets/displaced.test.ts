import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { Versioning } from '@holdfast/core/records.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import { createBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { renameObject } from '../objects/copy-object.ts'
import { putObject } from '../objects/put-object.ts'
import { removeObject } from '../objects/remove-object.ts'
import {
  bytesOf,
  callOf,
  interrupted,
  openTestStore,
  refused,
  type TestStore,
} from '../test-store.test.ts'
import { putAsset } from './put.ts'
import { removeAsset, removeAssetByKey, removeBatch } from './remove.ts'
import { putBatch, stageUpload } from './stage.ts'

const bucket = 'anns'
const idOf = (digit: string) => `0199d0c0-0000-7000-8000-00000000000${digit}`
const ann = callOf({ kind: 'user', id: idOf('a'), name: 'ann', ...rightsOf(['USER']) })
const bob = callOf({ kind: 'user', id: idOf('b'), name: 'bob', ...rightsOf(['USER']) })
const noDelete = refused('FORBIDDEN', { permission: 'assets:write' })
const noVersions = refused('FORBIDDEN', { permission: 'versions:write' })
const PUT = ['s3:PutObject']
const DELETE = [...PUT, 's3:DeleteObject']
const FOR_GOOD = [...DELETE, 's3:DeleteObjectVersion']

/** A bucket of ann's with a report of hers, and a policy that lets bob do these things. */
async function openAnns(actions: readonly string[], versioning: Versioning = 'enabled') {
  const opened = await openTestStore()
  const { engine } = opened
  await createBucket(engine, ann, { name: bucket, settings: { versioning } })
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: bob.principal.id },
    Action: actions,
    Resource: `arn:aws:s3:::${bucket}/*`,
  }
  const document = { Version: '2012-10-17', Statement: [statement] }
  await setBucketDocument(engine, ann, { bucket, name: 'policy', document })
  const object = await putText(opened, ann, 'report')
  await putText(opened, bob, 'mine')
  return { ...opened, object }
}

function putText({ engine }: TestStore, call: Call, key: string) {
  return putObject(engine, call, { bucket, key, facets: {}, source: bytesOf('x') })
}

const fieldsOf = ({ principal }: Call, mode: 'create' | 'replace') => {
  return { bucket, key: 'report', service: 'test', ownerId: principal.id, mode } as const
}

const at = async ({ engine }: TestStore, key: string) => {
  const { id = '' } = (await engine.catalog.view.buckets.byName(bucket)) ?? {}
  return await engine.catalog.view.assets.byKey(id, key)
}

const rename = { bucket, from: 'mine', to: 'report' }

describe('a rename over what holds the key', () => {
  for (const isHidden of [false, true]) {
    const what = isHidden ? 'hidden' : 'shown'
    it(`takes what it takes to remove that with its versions: ${what}`, async () => {
      for (const [actions, lacks] of [
        [PUT, noDelete],
        [DELETE, noVersions],
        [FOR_GOOD, undefined],
      ] as const) {
        await using opened = await openAnns(actions)
        const { engine, object } = opened
        if (isHidden) await removeObject(engine, ann, { bucket, key: 'report' })
        if (lacks === undefined) {
          const { asset } = await renameObject(engine, bob, rename)
          assert.equal((await at(opened, 'report'))?.id, asset.id)
        } else {
          await assert.rejects(renameObject(engine, bob, rename), lacks)
          assert.equal((await at(opened, 'report'))?.id, object.asset.id)
          const { asset } = await putText(opened, bob, 'report')
          assert.deepEqual([asset.id, asset.ownerId], [object.asset.id, ann.principal.id])
        }
      }
    })
  }

  it('takes s3:DeleteObject where a put keeps no version', async () => {
    await using puts = await openAnns(PUT, 'disabled')
    await assert.rejects(renameObject(puts.engine, bob, rename), noDelete)
    await using deletes = await openAnns(DELETE, 'disabled')
    await renameObject(deletes.engine, bob, rename)
  })

  it('is free to owners of buckets, and over a mere marker to who may put there', async () => {
    await using opened = await openAnns(PUT)
    const { engine } = opened
    await removeObject(engine, ann, { bucket, key: 'free' })
    const { asset } = await renameObject(engine, bob, { ...rename, to: 'free' })
    assert.equal(asset.ownerId, bob.principal.id)
    await putText(opened, ann, 'other')
    await renameObject(engine, ann, { ...rename, from: 'other' })
    await renameObject(engine, opened.call, { ...rename, from: 'report', to: 'free' })
  })
})

it('a rename over a mere marker is asked for anew where content came to its key', async () => {
  await using opened = await openAnns(PUT)
  const { engine } = opened
  await removeObject(engine, ann, { bucket, key: 'free' })
  const racing = interrupted(opened, () => putText(opened, ann, 'free'))
  // One that is asked for anew as it is, since no record has it.
  const unknown = callOf({ ...bob.principal, kind: 'api_key' })
  await assert.rejects(renameObject(racing, unknown, { ...rename, to: 'free' }), noDelete)
})

describe('a form for a key whose content is hidden', () => {
  const ways = {
    single: (opened: TestStore, call: Call) => {
      const source = bytesOf('y')
      return putAsset(opened.engine, call, { ...fieldsOf(call, 'create'), source })
    },
    several: async ({ engine }: TestStore, call: Call) => {
      const upload = await stageUpload(engine, call, bytesOf('y'))
      try {
        const items = [{ upload, input: fieldsOf(call, 'create') }]
        const [one] = await putBatch(engine, call, items, { atomic: true })
        assert.ok(one?.ok)
        return one.result
      } finally {
        await upload.discard()
      }
    },
  }
  for (const [name, way] of Object.entries(ways)) {
    it(`puts a version there by who may not remove it: ${name}`, async () => {
      for (const actions of [PUT, DELETE]) {
        await using opened = await openAnns(actions)
        const { engine, object } = opened
        await removeAsset(engine, ann, object.asset.id)
        const { asset, outcome } = await way(opened, bob)
        assert.equal(outcome, 'created')
        assert.deepEqual([asset.id, asset.ownerId], [object.asset.id, ann.principal.id])
        assert.ok(await engine.catalog.view.versions.byId(object.version.id))
      }
    })

    it(`makes another asset by who may: ${name}`, async () => {
      await using opened = await openAnns(FOR_GOOD)
      const { engine, object } = opened
      await removeAsset(engine, ann, object.asset.id)
      const { asset } = await way(opened, bob)
      assert.notEqual(asset.id, object.asset.id)
      await removeAsset(engine, ann, asset.id)
      assert.notEqual((await way(opened, ann)).asset.id, asset.id)
    })
  }
})

describe('a removal for good', () => {
  const keyed = (permissions: string[]) => callOf({ kind: 'api_key', id: 'key', permissions })
  const writer = keyed(['assets:read', 'assets:write'])

  it('asks for versions:write where old versions go', async () => {
    await using opened = await openAnns(PUT)
    const { engine, object } = opened
    await putText(opened, ann, 'report')
    const { id } = object.asset
    const hard = { hard: true }
    await assert.rejects(removeAsset(engine, writer, id, hard), noVersions)
    const place = { bucket, key: 'report' }
    await assert.rejects(removeAssetByKey(engine, writer, place, hard), noVersions)
    const [one] = await removeBatch(engine, writer, [id], hard)
    assert.ok(one?.ok === false && noVersions(one.error))
    await removeAsset(engine, writer, id)
    await assert.rejects(removeAsset(engine, writer, id, hard), noVersions)
    assert.ok(await engine.catalog.view.versions.byId(object.version.id))
    await removeAsset(engine, keyed(['assets:write', 'versions:write']), id, hard)
    assert.equal(await engine.catalog.view.assets.byId(id), undefined)
  })

  it('is asked for anew where a version came meanwhile', async () => {
    await using opened = await openAnns(PUT)
    const { id } = opened.object.asset
    const racing = interrupted(opened, () => putText(opened, ann, 'report'))
    await assert.rejects(removeAsset(racing, writer, id, { hard: true }), noVersions)
    await removeAsset(opened.engine, ann, id, { hard: true })
  })

  it('is free to owners of assets, and where there is but one version', async () => {
    await using opened = await openAnns(PUT)
    const { engine } = opened
    const mine = await at(opened, 'mine')
    await putText(opened, bob, 'mine')
    await removeAsset(engine, bob, mine?.id ?? '', { hard: true })
    await removeAsset(engine, writer, opened.object.asset.id)
    await removeAsset(engine, writer, opened.object.asset.id, { hard: true })
  })
})
