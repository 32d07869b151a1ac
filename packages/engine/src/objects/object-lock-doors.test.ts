import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { copyAsset, moveAsset } from '../assets/move.ts'
import { removeAsset } from '../assets/remove.ts'
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
