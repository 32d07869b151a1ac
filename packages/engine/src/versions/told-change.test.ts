import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Call } from '@holdfast/core/call.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import { addLink, removeLink } from '../assets/links.ts'
import { copyAsset, moveAsset } from '../assets/move.ts'
import { updateAsset } from '../assets/update.ts'
import { createBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { setObjectAcl } from '../objects/object-settings.ts'
import { callOf, openTestStore, put, type TestStore } from '../test-store.test.ts'
import { assetHistory } from './list.ts'

const idOf = (digit: string) => `0199d0c0-0000-7000-8000-00000000000${digit}`
const ownerId = idOf('a')
const ann = callOf({ kind: 'user', id: ownerId, name: 'ann', ...rightsOf(['USER']) })
const bob = callOf({ kind: 'user', id: idOf('b'), name: 'bob', ...rightsOf(['USER']) })

const historyOf = async ({ engine }: TestStore, call: Call, id: string) =>
  JSON.stringify((await assetHistory(engine, call, id)).items.map(({ detail }) => detail))

test('a history tells no more than the records of what it is about', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  const anns = { engine, call: ann }
  for (const name of ['anns', 'hushed']) await createBucket(engine, ann, { name })
  const place = { bucket: 'hushed', ownerId }
  const { asset: other } = await put(anns, 'other', 'y', place)
  const first = await put(anns, 'secret/place', 'x', { ...place, tags: ['tag-one'] })
  const { id } = await copyAsset(engine, ann, first.asset.id, { key: 'secret/copy' })
  await updateAsset(engine, ann, id, { tags: ['tag-two'], metadata: { m: 'said' } })
  await moveAsset(engine, ann, id, { bucket: 'anns', key: 'shown' })
  const link = await addLink(engine, ann, id, { type: 'kin', to: other.id })
  await removeLink(engine, ann, id, link.id)
  const about = { bucket: 'anns', key: 'shown' }
  const grants = [{ permission: 'READ' as const, grantee: { id: idOf('d') } }]
  const acl = { owner: ownerId, grants }
  await setObjectAcl(engine, ann, { ...about, acl })
  const places = ['hushed', 'secret/copy', other.id, first.asset.id]
  const secrets = ['tag-one', 'tag-two', 'said', idOf('d'), ...places]
  const told = async (call: Call) => {
    const text = await historyOf(opened, call, id)
    return secrets.filter(secret => text.includes(secret))
  }
  assert.deepEqual(await told(ann), secrets)
  assert.deepEqual(await told(opened.call), secrets)
  const objects = 'arn:aws:s3:::anns/*'
  const named = { Principal: { AWS: bob.principal.id }, Resource: ['arn:aws:s3:::anns', objects] }
  const reading = ['s3:GetObject', 's3:GetObjectVersion', 's3:ListBucketVersions']
  const allow = { ...named, Effect: 'Allow', Action: [...reading, 's3:GetObjectTagging'] }
  const deny = { ...named, Effect: 'Deny', Action: 's3:GetObjectTagging', Resource: objects }
  for (const [statements, expected] of [
    [[allow], ['tag-one', 'tag-two', 'said']],
    [[allow, deny], ['said']],
  ] as const) {
    const document = { Version: '2012-10-17', Statement: [...statements] }
    await setBucketDocument(engine, ann, { bucket: 'anns', name: 'policy', document })
    assert.deepEqual(await told(bob), expected)
  }
  const versions = callOf({ id: idOf('c'), permissions: ['versions:read'] })
  assert.deepEqual(await told(versions), [])
})

test('a long history leaves others their turn', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  await createBucket(engine, ann, { name: 'anns' })
  const { asset } = await put({ engine, call: ann }, 'x', 'x', { bucket: 'anns', ownerId })
  for (let count = 0; count < 60; count += 1) {
    await updateAsset(engine, ann, asset.id, { tags: [`tag-${count}`] })
  }
  let isOver = false
  const history = assetHistory(engine, ann, asset.id, { limit: 100 }).finally(() => {
    isOver = true
  })
  let turns = 0
  for (; !isOver; turns += 1) await setImmediate()
  assert.equal((await history).items.length, 61)
  assert.ok(turns > 2, `${turns} turns`)
})
