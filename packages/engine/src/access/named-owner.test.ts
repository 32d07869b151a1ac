import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rightsOf } from '@holdfast/core/roles.ts'
import { getAssetByKey } from '../assets/get.ts'
import { copyAsset } from '../assets/move.ts'
import { putAsset } from '../assets/put.ts'
import { createBucket } from '../buckets/buckets.ts'
import { completeUpload } from '../multipart/complete-upload.ts'
import { uploadPart } from '../multipart/upload-part.ts'
import { createUpload } from '../multipart/uploads.ts'
import { renameObject } from '../objects/copy-object.ts'
import { bytesOf, callOf, openTestStore, put, refused } from '../test-store.test.ts'
import { presignUpload } from './links/presign.ts'

const idOf = (digit: string) => `0199d0c0-0000-7000-8000-00000000000${digit}`
const [annId, bobId, cidId] = [idOf('a'), idOf('b'), idOf('c')]
const ann = callOf({ kind: 'user', id: annId, name: 'ann', ...rightsOf(['USER']) })
const bob = callOf({
  ...{ kind: 'user', id: bobId, name: 'bob', ...rightsOf(['USER']) },
  grants: [{ bucket: 'anns', prefix: 'g/', permissions: ['assets:write', 'assets:read'] }],
})
const no = refused('FORBIDDEN', { permission: 'assets:write' })

test('nobody lays bytes on the quota of others who may not write as they like', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await createBucket(engine, ann, { name: 'anns' })
  for (const by of [ann, bob]) {
    const place = { service: 's', name: 'x', bucket: 'anns', key: 'g/x', mode: 'replace' } as const
    const wanted = { ...place, source: bytesOf('x') }
    for (const mode of ['replace', 'create'] as const) {
      await assert.rejects(putAsset(engine, by, { ...wanted, mode, ownerId: cidId }), no)
    }
    const link = { bucket: 'anns', key: 'g/x', sizeMax: 9, service: 's', ownerId: cidId }
    await assert.rejects(presignUpload(engine, by, link), no)
    const { principal } = by
    const fields = { bucket: 'anns', ownerId: principal.id.toUpperCase() }
    const { asset } = await put({ engine, call: by }, `g/${principal.id}`, 'own', fields)
    assert.equal(asset.ownerId, principal.id)
    const copied = { bucket: 'anns', key: 'g/copy', ownerId: cidId }
    await assert.rejects(copyAsset(engine, by, asset.id, copied), no)
  }
  const { quotas } = engine.catalog.view
  assert.deepEqual(await quotas.usage('owner', cidId), { assets: 0, bytes: 0 })
  // Who may write everywhere speaks for others, as gateways do.
  await put(opened, 'g/of-cid', 'x', { bucket: 'anns', ownerId: cidId })
  const guests = await getAssetByKey(engine, ann, 'anns', `g/${bobId}`)
  await renameObject(engine, ann, { bucket: 'anns', from: `g/${bobId}`, to: 'g/renamed' })
  const renamed = await getAssetByKey(engine, call, 'anns', 'g/renamed')
  assert.deepEqual([renamed.id, renamed.ownerId], [guests.id, bobId])
  const program = callOf({ id: idOf('d'), permissions: ['buckets:create'] })
  await createBucket(engine, program, { name: 'programs' })
  const shared = { ...program.principal, grants: bob.principal.grants ?? [] }
  const made = await copyAsset(engine, callOf(shared), renamed.id, { bucket: 'programs' })
  assert.equal(made.ownerId, idOf('d'))
})

test('the owner of a bucket ends an upload of a guest, whose it stays', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  await createBucket(engine, ann, { name: 'anns' })
  const place = { bucket: 'anns', key: 'g/x' }
  const { id: uploadId } = await createUpload(engine, bob, { ...place, facets: {} })
  const part = { ...place, uploadId, number: 1, source: bytesOf('x'), length: 1 }
  const { md5: etag } = await uploadPart(engine, bob, part)
  const parts = [{ number: 1, etag }]
  await completeUpload(engine, ann, { ...place, uploadId, parts })
  assert.equal((await getAssetByKey(engine, ann, 'anns', 'g/x')).ownerId, bobId)
})
