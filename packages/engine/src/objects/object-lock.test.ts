import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Retention } from '@holdfast/core/objects.ts'
import { moveAsset } from '../assets/move.ts'
import { removeAsset } from '../assets/remove.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { removeBucket } from '../buckets/remove-bucket.ts'
import { bytesOf, callOf, openTestStore, refusedWith, type TestStore } from '../test-store.test.ts'
import { pruneVersions } from '../versions/prune.ts'
import { removeVersion } from '../versions/remove.ts'
import { getObject } from './find-object.ts'
import { setLegalHold, setObjectRetention } from './object-settings.ts'
import { putObject } from './put-object.ts'
import { removeObject } from './remove-object.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const bucket = 'vault'

async function openVault(rule?: object): Promise<TestStore> {
  const opened = await openTestStore()
  const { engine, call } = opened
  await createBucket(engine, call, {
    name: bucket,
    settings: { versioning: 'enabled' },
    documents: { objectLock: { enabled: true, ...(rule && { rule: { ...rule } }) } },
  })
  return opened
}

function retained({ clock }: TestStore, mode: Retention['mode'], days: number): Retention {
  return { mode, until: new Date(clock.now() + days * DAY_MS).toISOString() }
}

async function lock(opened: TestStore, retention?: Retention, key = 'k') {
  const { engine, call } = opened
  const facets = retention === undefined ? {} : { retention }
  return putObject(engine, call, { bucket, key, source: bytesOf('x'), facets })
}

describe('object lock', () => {
  it('keeps a version from every delete of every door until its time', async () => {
    await using opened = await openVault()
    const { engine, call, clock } = opened
    const { versionId, asset, version } = await lock(opened, retained(opened, 'COMPLIANCE', 10))
    const exactly = { bucket, key: 'k', versionId }
    await refusedWith(removeObject(engine, call, exactly), 'VERSION_LOCKED')
    const bypass = { ...exactly, bypassGovernance: true }
    await refusedWith(removeObject(engine, call, bypass), 'VERSION_LOCKED')
    await refusedWith(removeAsset(engine, call, asset.id, { hard: true }), 'VERSION_LOCKED')
    await refusedWith(moveAsset(engine, call, asset.id, { bucket: 'photos' }), 'VERSION_LOCKED')
    await lock(opened)
    const named = { assetId: asset.id, version: version.id }
    await refusedWith(removeVersion(engine, call, named), 'VERSION_LOCKED')
    assert.equal((await pruneVersions(engine, call, asset.id, { keep: 1 })).pruned.length, 0)
    await removeObject(engine, call, { bucket, key: 'k' })
    assert.ok(await getObject(engine, call, exactly), 'a marker hides, and takes nothing')
    await refusedWith(removeBucket(engine, call, bucket, { trash: 'remove' }), 'BUCKET_NOT_EMPTY')
    await clock.advance(10 * DAY_MS + 1)
    await removeObject(engine, call, exactly)
    await refusedWith(getObject(engine, call, exactly), 'VERSION_NOT_FOUND')
  })

  it('in governance mode gives way to who may bypass it', async () => {
    await using opened = await openVault()
    const { engine, call } = opened
    const { versionId } = await lock(opened, retained(opened, 'GOVERNANCE', 10))
    const exactly = { bucket, key: 'k', versionId }
    await refusedWith(removeObject(engine, call, exactly), 'VERSION_LOCKED')
    const bypass = { ...exactly, bypassGovernance: true }
    const writer = callOf({ permissions: ['assets:*', 'versions:*'] })
    await refusedWith(removeObject(engine, writer, bypass), 'FORBIDDEN')
    await removeObject(engine, call, bypass)
  })

  it('lets a retention grow, never shrink', async () => {
    await using opened = await openVault()
    const { engine, call } = opened
    await lock(opened, retained(opened, 'GOVERNANCE', 5))
    const set = (retention: Retention | null, bypassGovernance = false) =>
      setObjectRetention(engine, call, { bucket, key: 'k', retention, bypassGovernance })
    await refusedWith(set(retained(opened, 'GOVERNANCE', 4)), 'VERSION_LOCKED')
    await refusedWith(set(null), 'VERSION_LOCKED')
    await set(retained(opened, 'GOVERNANCE', 4), true)
    await refusedWith(set(retained(opened, 'COMPLIANCE', 6)), 'VERSION_LOCKED')
    await set(retained(opened, 'COMPLIANCE', 6), true)
    await refusedWith(set(retained(opened, 'GOVERNANCE', 9), true), 'VERSION_LOCKED')
    await refusedWith(set(null, true), 'VERSION_LOCKED')
    const longer = await set(retained(opened, 'COMPLIANCE', 7))
    assert.equal(longer.facets.retention?.mode, 'COMPLIANCE')
    await refusedWith(
      set({ mode: 'COMPLIANCE', until: '2001-01-01T00:00:00Z' }),
      'VALIDATION_ERROR',
    )
  })

  it('holds without a time, until the hold is lifted', async () => {
    await using opened = await openVault()
    const { engine, call } = opened
    const { versionId } = await lock(opened)
    const exactly = { bucket, key: 'k', versionId }
    await setLegalHold(engine, call, { bucket, key: 'k', legalHold: true })
    await refusedWith(removeObject(engine, call, exactly), 'VERSION_LOCKED')
    await setLegalHold(engine, call, { bucket, key: 'k', legalHold: false })
    await removeObject(engine, call, exactly)
  })

  it('is prescribed by the bucket, which stays versioned for ever', async () => {
    await using opened = await openVault({ mode: 'GOVERNANCE', days: 3 })
    const { engine, call, clock } = opened
    const { facets } = await lock(opened)
    const until = new Date(clock.now() + 3 * DAY_MS).toISOString()
    assert.deepEqual(facets.retention, { mode: 'GOVERNANCE', until })
    await refusedWith(
      updateBucket(engine, call, bucket, { versioning: 'suspended' }),
      'VERSIONING_LOCKED',
    )
    const off = { bucket, name: 'objectLock', document: null } as const
    await refusedWith(setBucketDocument(engine, call, off), 'VERSIONING_LOCKED')
  })

  it('needs a bucket for it', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const retention = retained(opened, 'GOVERNANCE', 1)
    const fields = { bucket: 'photos', key: 'k', source: bytesOf('x') }
    await refusedWith(
      putObject(engine, call, { ...fields, facets: { retention } }),
      'VALIDATION_ERROR',
    )
    await putObject(engine, call, { ...fields, source: bytesOf('x'), facets: {} })
    const hold = { bucket: 'photos', key: 'k', legalHold: true }
    await refusedWith(setLegalHold(engine, call, hold), 'VALIDATION_ERROR')
    const documents = { objectLock: { enabled: true } }
    const plain = { name: 'plain', settings: { versioning: 'disabled' as const }, documents }
    await refusedWith(createBucket(engine, call, plain), 'VERSIONING_LOCKED')
  })
})
