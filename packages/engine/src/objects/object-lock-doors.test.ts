import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { copyAsset, moveAsset } from '../assets/move.ts'
import { removeAsset } from '../assets/remove.ts'
import { stageUpload } from '../assets/stage.ts'
import { updateAsset } from '../assets/update.ts'
import { createBucket } from '../buckets/buckets.ts'
import { createUpload } from '../multipart/uploads.ts'
import {
  bytesOf,
  callOf,
  openTestStore,
  put,
  refused,
  refusedWith,
  type TestStore,
} from '../test-store.test.ts'
import { rollbackVersion } from '../versions/rollback.ts'
import { updateVersion } from '../versions/update.ts'
import { copyObject } from './copy-object.ts'
import { getObject } from './find-object.ts'
import type { ObjectInput } from './object-facets.ts'
import { setObjectRetention } from './object-settings.ts'
import { putObject } from './put-object.ts'
import { removeObject } from './remove-object.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const bucket = 'vault'

async function openVault(rule?: object): Promise<TestStore> {
  const opened = await openTestStore()
  await createBucket(opened.engine, opened.call, {
    name: bucket,
    settings: { versioning: 'enabled' },
    documents: { objectLock: { enabled: true, ...(rule && { rule: { ...rule } }) } },
  })
  return opened
}

describe('the retention that a bucket prescribes', () => {
  it('holds whatever puts a version there: other doors, a copy, a rollback, a move', async () => {
    await using opened = await openVault({ mode: 'COMPLIANCE', days: 3 })
    const { engine, call, clock } = opened
    const until = new Date(clock.now() + 3 * DAY_MS).toISOString()
    const locked = async (key: string) => {
      const { facets, versionId, asset } = await getObject(engine, call, { bucket, key })
      assert.deepEqual(facets.retention, { mode: 'COMPLIANCE', until }, key)
      await refusedWith(removeObject(engine, call, { bucket, key, versionId }), 'VERSION_LOCKED')
      await refusedWith(removeAsset(engine, call, asset.id, { hard: true }), 'VERSION_LOCKED')
    }
    const { asset } = await put(opened, 'rest', 'one', { bucket })
    await locked('rest')
    await put(opened, 'rest', 'two', { bucket })
    await locked('rest')
    await rollbackVersion(engine, call, { assetId: asset.id, version: 1 })
    await locked('rest')
    await copyAsset(engine, call, asset.id, { key: 'copied' })
    await locked('copied')
    const outside = await put(opened, 'moved', 'x')
    await moveAsset(engine, call, outside.asset.id, { bucket })
    await locked('moved')
  })

  it('holds from the last put on, of the same bytes, too, and where one is over', async () => {
    await using opened = await openVault({ mode: 'COMPLIANCE', days: 3 })
    const { engine, call, clock } = opened
    const { asset } = await put(opened, 'k', 'same', { bucket })
    const untilOf = async (key: string) =>
      (await getObject(engine, call, { bucket, key })).facets.retention?.until
    const lasts = async (key: string) =>
      assert.equal(await untilOf(key), new Date(clock.now() + 3 * DAY_MS).toISOString(), key)
    await clock.advance(2 * DAY_MS)
    await put(opened, 'k', 'same', { bucket })
    await lasts('k')
    await clock.advance(2 * DAY_MS)
    const upload = await stageUpload(engine, call, bytesOf('same'))
    await updateAsset(engine, call, asset.id, { upload })
    await upload.discard()
    await lasts('k')
    const lock = { enabled: true }
    await createBucket(engine, call, {
      name: 'loose',
      settings: { versioning: 'enabled' },
      documents: { objectLock: lock },
    })
    const until = new Date(clock.now() + DAY_MS).toISOString()
    const short = { retention: { mode: 'GOVERNANCE', until } } as const
    const source = bytesOf('x')
    const moved = await putObject(engine, call, {
      bucket: 'loose',
      key: 'm',
      source,
      facets: short,
    })
    await clock.advance(2 * DAY_MS)
    await moveAsset(engine, call, moved.asset.id, { bucket })
    await lasts('m')
  })

  it('leaves type and tags of what came through another door as they are', async () => {
    await using opened = await openVault({ mode: 'GOVERNANCE', days: 3 })
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one', { bucket, tags: ['red'] })
    await put(opened, 'k', 'two', { bucket })
    const { versionId } = await getObject(engine, call, { bucket, key: 'k' })
    await removeObject(engine, call, { bucket, key: 'k', versionId, bypassGovernance: true })
    const shown = await getObject(engine, call, { bucket, key: 'k' })
    assert.deepEqual([shown.asset.id, shown.asset.tags], [asset.id, ['red']])
    assert.equal(shown.facets.elsewhere, true)
    const to = { bucket, key: 'by s3' }
    const from = { bucket, key: 'k' }
    const { object } = await copyObject(engine, call, {
      from,
      to,
      replaceMetadata: false,
      facets: {},
    })
    assert.equal(object.facets.elsewhere, undefined)
  })
})

describe('a locked version', () => {
  it('keeps what it says: metadata and description, not the names that it gets', async () => {
    await using opened = await openVault()
    const { engine, call, clock } = opened
    const { asset } = await put(opened, 'k', 'x', { bucket, metadata: { case: '1' } })
    const until = new Date(clock.now() + DAY_MS).toISOString()
    const retention = { mode: 'GOVERNANCE', until } as const
    await setObjectRetention(engine, call, { bucket, key: 'k', retention })
    const target = { assetId: asset.id, version: 1 }
    const change = (patch: object) => updateVersion(engine, call, target, patch)
    await refusedWith(change({ metadata: { case: '2' } }), 'VERSION_LOCKED')
    await refusedWith(change({ description: 'another' }), 'VERSION_LOCKED')
    assert.equal((await change({ tag: { name: 'final' } })).tags.length, 1)
    await clock.advance(2 * DAY_MS)
    assert.deepEqual((await change({ metadata: { case: '2' } })).metadata, { case: '2' })
  })
})

describe('locks that headers of a put ask for', () => {
  const retention = { mode: 'COMPLIANCE', until: '2100-01-01T00:00:00.000Z' } as const
  const writer = callOf({ id: 'writer', permissions: ['assets:*', 'metadata:*'] })
  const keeper = callOf({ id: 'keeper', permissions: ['assets:*', 'versions:write'] })
  const putAs = ({ engine }: TestStore, who: typeof writer, facets: ObjectInput) =>
    putObject(engine, who, { bucket, key: 'k', source: bytesOf('x'), facets })

  for (const facets of [{ retention }, { legalHold: true }] as const) {
    it(`need the right to lock: ${Object.keys(facets)}`, async () => {
      await using opened = await openVault()
      const { engine } = opened
      await putAs(opened, writer, {})
      const needed = refused('FORBIDDEN', { permission: 'versions:write' })
      await assert.rejects(putAs(opened, writer, facets), needed)
      const begun = createUpload(engine, writer, { bucket, key: 'k', facets })
      await assert.rejects(begun, needed)
      const from = { bucket, key: 'k' }
      const copy = { from, to: { bucket, key: 'c' }, replaceMetadata: false, facets }
      await assert.rejects(copyObject(engine, writer, copy), needed)
      await putAs(opened, keeper, facets)
    })
  }

  it('are asked of who sets them later, too', async () => {
    await using opened = await openVault()
    const { engine } = opened
    await putAs(opened, writer, {})
    const set = setObjectRetention(engine, writer, { bucket, key: 'k', retention })
    await assert.rejects(set, refused('FORBIDDEN', { permission: 'versions:write' }))
  })
})
