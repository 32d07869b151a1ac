import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ObjectAcl } from '@holdfast/core/objects.ts'
import type { Acl } from '@holdfast/core/records.ts'
import { getAsset } from '../assets/get.ts'
import { moveAsset } from '../assets/move.ts'
import { removeAsset } from '../assets/remove.ts'
import { updateAsset } from '../assets/update.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { copyObject, renameObject } from '../objects/copy-object.ts'
import { getObject } from '../objects/find-object.ts'
import { objectOwner } from '../objects/object-facets.ts'
import { setObjectAcl } from '../objects/object-settings.ts'
import { putObject } from '../objects/put-object.ts'
import {
  anonymousCall,
  bytesOf,
  callOf,
  openTestStore,
  owner,
  put,
  refused,
} from '../test-store.test.ts'

const all = ['assets:*', 'versions:*', 'metadata:*']
const writer = callOf({ id: 'writer', permissions: ['assets:write'] })
const holder = callOf({ id: 'holder', permissions: all })
const mine = callOf({ kind: 'user', id: owner, ownPermissions: all })
const none: Acl = { read: [], write: [] }
const everybody: Acl = { read: ['anonymous'], write: [] }
const notHeld = (permission: string) =>
  refused('FORBIDDEN', {
    permission,
    reason: 'an access list cannot give more than its maker holds',
  })

describe('an access list', () => {
  it('gives nobody what its maker does not hold', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const { asset } = await put(opened, 'k', 'secret')
    const set = (call: typeof writer, acl: Acl | null) =>
      updateAsset(engine, call, asset.id, { acl })
    await assert.rejects(set(writer, everybody), notHeld('assets:read'))
    await assert.rejects(set(writer, { read: ['writer'], write: [] }), notHeld('assets:read'))
    const asWriter = { read: [], write: ['writer'] }
    await assert.rejects(set(writer, asWriter), notHeld('versions:write'))
    const reader = callOf({ permissions: ['assets:*'] })
    await assert.rejects(set(reader, everybody), notHeld('versions:read'))
    const closed = callOf({ ...holder.principal, within: { by: 'it', permissions: ['*:write'] } })
    await assert.rejects(set(closed, everybody), notHeld('assets:read'))
    assert.equal((await getAsset(engine, opened.call, asset.id)).acl, null)
    await set(holder, { read: ['anonymous', 'holder'], write: ['holder'] })
    assert.ok(await getAsset(engine, anonymousCall, asset.id))
  })

  it('means whom it names, whatever the case of the id', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const id = '0198c0de-0000-7000-8000-0000000000ab'
    const acl = { read: [id.toUpperCase(), 'anonymous'], write: [id.toUpperCase()] }
    const plain = { read: [id, 'anonymous'], write: [id] }
    const { asset } = await put(opened, 'k', 'secret', { acl })
    assert.deepEqual(asset.acl, plain)
    await updateAsset(engine, call, asset.id, { acl: none })
    const reader = callOf({ id, kind: 'user', permissions: [] })
    await assert.rejects(getAsset(engine, reader, asset.id), refused('FORBIDDEN'))
    await updateAsset(engine, call, asset.id, { acl })
    assert.deepEqual((await getAsset(engine, reader, asset.id)).acl, plain)
  })

  it('may be shared by the owner, and by administrators', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'mine')
    for (const who of [mine, call]) {
      await updateAsset(engine, who, asset.id, { acl: { read: ['ann'], write: ['ann'] } })
      await updateAsset(engine, who, asset.id, { acl: null })
    }
    const made = { engine, call: mine }
    assert.deepEqual((await put(made, 'new', 'mine', { acl: everybody })).asset.acl, everybody)
  })

  it('may be kept and shortened by who may write, not taken away', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const acl = { read: ['ann', 'bob'], write: ['ann', 'writer'] }
    const { asset } = await put(opened, 'k', 'secret', { acl })
    const set = (next: Acl | null) => updateAsset(engine, writer, asset.id, { acl: next })
    assert.deepEqual((await set(acl)).asset.acl, acl)
    const less = { read: ['bob'], write: ['writer'] }
    assert.deepEqual((await set(less)).asset.acl, less)
    await assert.rejects(set(acl), notHeld('assets:read'))
    await assert.rejects(set(null), notHeld('assets:read'))
    // Named for writing it holds all of that side, and may name others there.
    assert.ok(await set({ read: [], write: ['writer', 'ann'] }))
    assert.ok(await set(none))
  })

  it('of a put is held to the same, over what is there, deleted or new', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'secret')
    const asWriter = { engine, call: writer }
    const publish = (key: string, mode: 'create' | 'replace') =>
      put(asWriter, key, 'x', { acl: everybody, mode })
    await assert.rejects(publish('k', 'replace'), notHeld('assets:read'))
    await removeAsset(engine, call, asset.id)
    await assert.rejects(publish('k', 'replace'), notHeld('assets:read'))
    await assert.rejects(publish('k', 'create'), notHeld('assets:read'))
    await assert.rejects(publish('new', 'create'), notHeld('assets:read'))
    await put(asWriter, 'plain', 'x', { mode: 'create', acl: null })
    await put(asWriter, 'closed', 'x', { mode: 'create', acl: none })
  })
})

describe('an access list of S3', () => {
  const place = { bucket: 'photos', key: 'k' }
  const open: ObjectAcl = { owner: 'o', grants: [{ permission: 'READ', grantee: 'all' }] }
  const own: ObjectAcl = {
    owner: 'o',
    grants: [{ permission: 'FULL_CONTROL', grantee: { id: 'o' } }],
  }

  it('grants to others only what its maker may read', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await put(opened, 'k', 'secret')
    const itsOwner = objectOwner(await getObject(engine, call, place))
    const set = (who: typeof writer, acl: ObjectAcl) =>
      setObjectAcl(engine, who, { ...place, acl: { ...acl, owner: itsOwner } })
    const full = { permission: 'FULL_CONTROL', grantee: { id: itsOwner } } as const
    const closed = { owner: itsOwner, grants: [full] }
    await assert.rejects(set(writer, open), notHeld('assets:read'))
    const toWriter = {
      ...own,
      grants: [{ permission: 'READ', grantee: { id: 'writer' } } as const],
    }
    await assert.rejects(set(writer, toWriter), notHeld('assets:read'))
    await assert.rejects(getObject(engine, anonymousCall, place), refused('UNAUTHENTICATED'))
    await set(writer, closed)
    await set(holder, open)
    assert.ok(await getObject(engine, anonymousCall, place))
    const { versionId } = await getObject(engine, call, place)
    await set(writer, open)
    await set(writer, closed)
    const named = setObjectAcl(engine, writer, {
      ...place,
      versionId,
      acl: { ...open, owner: itsOwner },
    })
    await assert.rejects(named, notHeld('assets:read'))
  })

  it('is refused where it names another owner, whom the object may have had before', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const before = callOf({ id: 'o', permissions: ['assets:write'] })
    await putObject(engine, before, { ...place, source: bytesOf('x'), facets: { acl: own } })
    assert.equal(objectOwner(await getObject(engine, call, place)), 'o')
    await setObjectAcl(engine, before, { ...place, acl: own })
    await putObject(engine, call, { ...place, source: bytesOf('secret'), facets: {} })
    const late = setObjectAcl(engine, before, { ...place, acl: own })
    await assert.rejects(late, refused('FORBIDDEN'))
    assert.notEqual(objectOwner(await getObject(engine, call, place)), 'o')
  })

  it('comes with a put or a copy under the same rule', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const store = (acl: ObjectAcl, who = writer) =>
      putObject(engine, who, { ...place, source: bytesOf('x'), facets: { acl } })
    await assert.rejects(store(open), notHeld('assets:read'))
    await store(own)
    await assert.rejects(store(open), notHeld('assets:read'))
    await store(open, holder)
    const granted = callOf({
      permissions: ['assets:write'],
      grants: [{ bucket: 'photos', prefix: 'k', permissions: ['assets:read'] }],
    })
    const to = { bucket: 'photos', key: 'elsewhere' }
    const copy = { from: place, to, replaceMetadata: false, facets: { acl: open } }
    await assert.rejects(copyObject(engine, granted, copy), notHeld('assets:read'))
    assert.ok(await copyObject(engine, granted, { ...copy, to: { ...to, key: 'k2' } }))
  })
})

describe('a move', () => {
  const gained = (permission: string) =>
    refused('FORBIDDEN', { permission, reason: 'not held where it lies' })

  it('opens nothing that the mover may not read', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createBucket(engine, call, { name: 'public' })
    await createBucket(engine, call, { name: 'closed' })
    await updateBucket(engine, call, 'public', { publicRead: true })
    const { asset } = await put(opened, 'k', 'secret')
    const move = (who: typeof writer, bucket: string) =>
      moveAsset(engine, who, asset.id, { bucket })
    await assert.rejects(move(writer, 'public'), gained('assets:read'))
    await assert.rejects(getAsset(engine, anonymousCall, asset.id), refused('UNAUTHENTICATED'))
    assert.equal((await move(writer, 'closed')).id, asset.id)
    const grants = [{ bucket: 'photos', prefix: '', permissions: ['versions:*'] }]
    const granted = callOf({ permissions: ['assets:*', 'metadata:read'], grants })
    await assert.rejects(move(granted, 'photos'), gained('versions:read'))
    await move(holder, 'public')
    assert.ok(await getAsset(engine, anonymousCall, asset.id))
  })

  it('does not bring lists of S3 to life that count for nothing where it lies', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createBucket(engine, call, { name: 'closed' })
    const grants: ObjectAcl['grants'] = [{ permission: 'READ', grantee: 'all' }]
    const facets = { acl: { owner: 'o', grants } }
    const place = { bucket: 'photos', key: 'k' }
    const { asset } = await putObject(engine, call, { ...place, source: bytesOf('1'), facets })
    for (let at = 0; at < 110; at += 1) {
      const acl: ObjectAcl = {
        owner: 'o',
        grants: [{ permission: 'READ', grantee: { id: `p${at}` } }],
      }
      await putObject(engine, call, { ...place, source: bytesOf('2'), facets: { acl } })
    }
    await putObject(engine, call, { ...place, source: bytesOf('3'), facets: {} })
    const document = { rule: 'BucketOwnerEnforced' }
    await setBucketDocument(engine, call, { bucket: 'photos', name: 'ownership', document })
    const move = (who: typeof writer) => moveAsset(engine, who, asset.id, { bucket: 'closed' })
    const turns = await turnsOf(() => assert.rejects(move(writer), gained('assets:read')))
    assert.ok(turns > 110, `judged in ${turns} turns`)
    await move(holder)
  })

  it('to another key is held to the same, of assets and of objects', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const bucket = 'photos'
    const statement = {
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: 'arn:aws:s3:::photos/public/*',
    }
    const document = { Version: '2012-10-17', Statement: [statement] }
    await setBucketDocument(engine, call, { bucket, name: 'policy', document })
    const { asset } = await put(opened, 'k', 'secret')
    const key = 'public/k'
    await assert.rejects(moveAsset(engine, writer, asset.id, { key }), gained('assets:read'))
    const rename = (who: typeof writer, to: string) =>
      renameObject(engine, who, { bucket, from: 'k', to })
    await assert.rejects(rename(writer, key), gained('assets:read'))
    await rename(writer, 'private/k')
    await moveAsset(engine, writer, asset.id, { key: 'k' })
    await rename(holder, key)
    assert.ok(await getObject(engine, anonymousCall, { bucket, key }))
  })
})

/** How often others had their turn meanwhile. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let isDone = false
  const count = () => {
    turns += 1
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  await work().finally(() => {
    isDone = true
  })
  return turns
}
