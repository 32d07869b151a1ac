import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject } from '@holdfast/core/records.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import {
  anonymousCall,
  bytesOf,
  callOf,
  openTestStore,
  put,
  refusedWith,
} from '../test-store.test.ts'
import { copyObject } from './copy-object.ts'
import { getObject } from './find-object.ts'
import { putObject } from './put-object.ts'
import { removeObject } from './remove-object.ts'

const bucket = 'open'
const key = 'k'
const stranger = callOf({ kind: 'user', id: 'stranger', name: 'stranger' })
const reader = callOf({ id: 'reader', permissions: ['assets:read', 'metadata:read'] })

/** A public bucket where a first version, which everybody can name, was replaced. */
async function openReplaced(acl?: { read: string[]; write: string[] }) {
  const opened = await openTestStore()
  const { engine, call } = opened
  const settings = { publicRead: acl === undefined, versioning: 'disabled' } as const
  await createBucket(engine, call, { name: bucket, settings })
  await put(opened, key, 'a secret', { bucket, ...(acl && { acl }) })
  await updateBucket(engine, call, bucket, { versioning: 'enabled' })
  await putObject(engine, call, { bucket, key, source: bytesOf('told'), facets: {} })
  return { ...opened, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

const old = { bucket, key, versionId: 'null' }

describe('what is open to everybody', () => {
  it('is open as it is now, not as it was', async () => {
    await using opened = await openReplaced()
    const { engine, call } = opened
    const now = await getObject(engine, anonymousCall, { bucket, key })
    assert.ok(await getObject(engine, anonymousCall, { bucket, key, versionId: now.versionId }))
    const asked = () => [
      getObject(engine, anonymousCall, old),
      getObject(engine, stranger, old),
      getObject(engine, anonymousCall, { ...old, action: 's3:GetObjectVersionTagging' }),
      getObject(engine, stranger, { ...old, action: 's3:GetObjectVersionAttributes' }),
    ]
    for (const asking of asked()) await refusedWith(asking, 'VERSION_NOT_FOUND')
    const owner = callOf({ id: 'w', permissions: ['assets:write'], buckets: null })
    const copy = { from: old, to: { bucket, key: 'c' }, replaceMetadata: false, facets: {} }
    await refusedWith(copyObject(engine, owner, copy), 'VERSION_NOT_FOUND')
    assert.ok(await getObject(engine, reader, old))
    await removeObject(engine, call, { bucket, key })
    for (const asking of asked()) await refusedWith(asking, 'VERSION_NOT_FOUND')
    const { versionId } = now
    await refusedWith(getObject(engine, anonymousCall, { ...old, versionId }), 'VERSION_NOT_FOUND')
  })

  it('is so by a list that names everybody, too', async () => {
    await using opened = await openReplaced({ read: ['anonymous', 'stranger'], write: [] })
    const { engine } = opened
    assert.ok(await getObject(engine, anonymousCall, { bucket, key }))
    await refusedWith(getObject(engine, anonymousCall, old), 'UNAUTHENTICATED')
    assert.ok(await getObject(engine, stranger, old), 'who is named may read it all')
  })

  it('is open as it was where a policy says so', async () => {
    await using opened = await openReplaced()
    const { engine, call } = opened
    const all = { Effect: 'Allow', Principal: '*', Resource: `arn:aws:s3:::${bucket}/*` }
    const policy = async (Action: string) => {
      const document: JsonObject = { Version: '2012-10-17', Statement: { ...all, Action } }
      await setBucketDocument(engine, call, { bucket, name: 'policy', document })
    }
    await policy('s3:GetObject')
    await refusedWith(getObject(engine, anonymousCall, old), 'UNAUTHENTICATED')
    await policy('s3:GetObjectVersion')
    assert.ok(await getObject(engine, anonymousCall, old))
  })
})
