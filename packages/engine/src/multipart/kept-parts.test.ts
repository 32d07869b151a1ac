import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { ObjectPart } from '@holdfast/core/objects.ts'
import { dump } from '@holdfast/testkit/catalog/dump.ts'
import { privateAcl } from '../access/bucket-acl.ts'
import { createKey } from '../access/keys/keys.ts'
import { askedTags } from '../access/policy/asked-tags.ts'
import { createBucket } from '../buckets/buckets.ts'
import { updateAndGive } from '../buckets/give-bucket.ts'
import { copyObject } from '../objects/copy-object.ts'
import { getObject } from '../objects/find-object.ts'
import { listObjects, listObjectVersions } from '../objects/list-objects.ts'
import { setObjectTags } from '../objects/object-settings.ts'
import { partRange } from '../objects/read-object.ts'
import { bytesOf, callOf, openTestStore, put, type TestStore } from '../test-store.test.ts'
import { listVersions } from '../versions/list.ts'
import { pruneVersions } from '../versions/prune.ts'
import { completeUpload } from './complete-upload.ts'
import { uploadPart } from './upload-part.ts'
import { createUpload } from './uploads.ts'

const BIG = Buffer.alloc(5 * 1024 * 1024, 'b')
const SIZES = [BIG.length, BIG.length, 8]

/** What lists leave out is in nothing that is written again after one of them. */
async function upload({ engine }: TestStore, call: Call, bucket: string) {
  const checksum = { algorithm: 'SHA256', type: 'composite' } as const
  const facets = { userMetadata: { from: 'parts' }, acl: privateAcl(call.principal.id) }
  const about = { bucket, key: 'big' }
  const { id: uploadId } = await createUpload(engine, call, { ...about, facets, checksum })
  const parts = []
  for (const [index, size] of SIZES.entries()) {
    const source = bytesOf(BIG.subarray(0, size))
    const at = { ...about, uploadId, number: 2 * index + 1, source }
    const { number, md5, checksum: own } = await uploadPart(engine, call, at)
    parts.push({ number, etag: md5, checksum: own ?? undefined })
  }
  return { ...about, uploadId, parts }
}

async function requireParts(opened: TestStore, versionId: string): Promise<readonly ObjectPart[]> {
  const version = await opened.engine.catalog.view.versions.byId(versionId)
  const { parts = [], checksum } = version?.object ?? {}
  assert.deepEqual(
    parts.map(({ number, size }) => [number, size]),
    SIZES.map((size, index) => [2 * index + 1, size]),
  )
  assert.equal(checksum?.type, 'composite')
  assert.ok(parts.every(one => one.checksum !== undefined))
  return parts
}

/** The store is as its packs tell, and as another catalog of them. */
async function requireRebuilt(opened: TestStore, versionId: string): Promise<TestStore> {
  const { catalog } = opened.engine
  assert.deepEqual(await Array.fromAsync(catalog.check?.() ?? []), [])
  const before = await dump(catalog.view)
  const again = await opened.reopen('rebuild')
  assert.deepEqual(await dump(again.engine.catalog.view), before)
  await requireParts(again, versionId)
  return again
}

describe('the parts of an object', () => {
  it('are kept by whatever hides or gives away what lists told of', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const keyOf = async (name: string) => {
      const permissions = ['buckets:create', 'buckets:read']
      const { key } = await createKey(engine, call, { name, permissions })
      return callOf({ kind: 'api_key', id: key.id, name, permissions })
    }
    const [ann, bob] = [await keyOf('ann'), await keyOf('bob')]
    await createBucket(engine, ann, { name: 'given' })
    const input = await upload(opened, ann, 'given')
    const { version, asset } = await completeUpload(engine, ann, input)
    await requireParts(opened, version.id)
    await updateAndGive(engine, call, { name: 'given', patch: {}, ownerId: bob.principal.id })
    const given = await engine.catalog.view.versions.byId(version.id)
    assert.equal(given?.object?.acl?.owner, bob.principal.id)
    await requireParts(opened, version.id)
    await put(opened, 'big', 'later', { bucket: 'given', ownerId: bob.principal.id })
    const { pruned } = await pruneVersions(engine, call, asset.id, { keep: 1 })
    assert.deepEqual(
      pruned.map(({ id }) => id),
      [version.id],
    )
    await requireParts(opened, version.id)
    await using _again = await requireRebuilt(opened, version.id)
  })

  it('are in no list, and a repeated completion knows them', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const input = await upload(opened, call, 'photos')
    const { version, asset } = await completeUpload(engine, call, input)
    const about = { bucket: 'photos', limit: 9 }
    const listed = [
      ...(await listObjects(engine, call, about)).objects.map(one => one.version),
      ...(await listObjectVersions(engine, call, about)).versions.map(one => one.version),
      ...(await listVersions(engine, call, asset.id)).items,
    ]
    assert.equal(listed.length, 3)
    const { parts: _, ...facets } = version.object ?? {}
    for (const one of listed) assert.deepEqual(one, { ...version, object: facets })
    const again = await completeUpload(engine, call, input)
    assert.deepEqual(again.version, version)
    const others = { ...input, parts: input.parts.slice(0, 2) }
    await assert.rejects(completeUpload(engine, call, others), { code: 'UPLOAD_NOT_FOUND' })
  })

  it('are not read to tell the tags that a policy asks for', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const input = await upload(opened, call, 'photos')
    const { asset, bucket, version } = await completeUpload(engine, call, input)
    const policy = {
      Version: '2012-10-17',
      Statement: {
        ...{ Effect: 'Deny', Principal: '*', Action: 's3:GetObject' },
        Resource: 'arn:aws:s3:::photos/*',
        Condition: { StringEquals: { 's3:ExistingObjectTag/secret': 'yes' } },
      },
    }
    const about = { ...bucket, documents: { policy } }
    const { versions } = engine.catalog.view
    const brief = { ...versions, byId: () => assert.fail('reads the parts') }
    assert.deepEqual(await askedTags({ versions: brief }, about, asset), {})
    const tags = [{ key: 'secret', value: 'yes' }]
    await setObjectTags(engine, call, { bucket: 'photos', key: 'big', tags })
    assert.deepEqual(await askedTags({ versions }, about, asset), { secret: 'yes' })
    assert.equal(await askedTags({ versions }, bucket, asset), undefined)
    await requireParts(opened, version.id)
  })

  it('are moved where a catalog of before has them', async () => {
    const opened = await openTestStore()
    const { call } = opened
    const input = await upload(opened, call, 'photos')
    const { version } = await completeUpload(opened.engine, call, input)
    const to = { bucket: 'photos', key: 'before' }
    const about = { from: { bucket: 'photos', key: 'big' }, replaceMetadata: false, facets: {} }
    await copyObject(opened.engine, call, { ...about, to })
    const wanted = await dump(opened.engine.catalog.view)
    await opened.store.close()
    const db = new DatabaseSync(`${opened.dir}/data/catalog.db`)
    db.exec(`
      UPDATE versions SET object = json_set(object, '$.parts', json(parts)) WHERE parts IS NOT NULL;
      ALTER TABLE versions DROP COLUMN parts;
      DROP INDEX counters_largest_services;
      DROP INDEX access_keys_principal;
      DROP INDEX versions_content;
      PRAGMA user_version = 3;
    `)
    db.close()
    await using moved = await opened.reopen()
    const { engine } = moved
    assert.deepEqual(await dump(engine.catalog.view), wanted)
    await requireParts(moved, version.id)
    await copyObject(engine, call, { ...about, to: { bucket: 'photos', key: 'after' } })
    for (const key of ['big', 'before', 'after']) {
      const object = await getObject(engine, call, { bucket: 'photos', key })
      assert.equal(object.facets.parts?.length, SIZES.length, key)
      const { range } = partRange(object, 5)
      assert.deepEqual(range, { first: 2 * BIG.length, last: 2 * BIG.length + 7 })
    }
    await using _again = await requireRebuilt(moved, version.id)
  })
})
