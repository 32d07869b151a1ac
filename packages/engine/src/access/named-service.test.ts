import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rightsOf } from '@holdfast/core/roles.ts'
import { copyAsset } from '../assets/move.ts'
import { createBucket } from '../buckets/buckets.ts'
import { setQuota } from '../quotas/quotas.ts'
import { callOf, openTestStore, put, refused } from '../test-store.test.ts'
import { presignUpload } from './links/presign.ts'

const idOf = (digit: string) => `0199d0c0-0000-7000-8000-00000000000${digit}`
const user = { kind: 'user', ...rightsOf(['USER']) } as const
const ann = callOf({ ...user, id: idOf('a') })
const confined = callOf({ ...user, id: idOf('b'), buckets: ['photos'] })
const key = callOf({ id: idOf('c'), permissions: ['assets:*'], buckets: ['photos'] })
const guest = callOf({
  ...{ kind: 'user', id: idOf('d') },
  grants: [{ bucket: 'photos', prefix: '', permissions: ['assets:*'] }],
})
const no = refused('FORBIDDEN', { permission: 'assets:write' })

test('who writes only in places names no service with a quota', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await setQuota(engine, call, { scope: 'service', name: 'payroll' }, { bytesMax: 100 })
  for (const name of ['default', 's3']) {
    await setQuota(engine, call, { scope: 'service', name }, { bytesMax: 100 })
  }
  const { asset: source } = await put(opened, 'source', 'x', {
    service: 'payroll',
    ownerId: ann.principal.id,
  })
  for (const by of [confined, key, guest]) {
    const { id: ownerId } = by.principal
    const as = { engine, call: by }
    for (const mode of ['replace', 'create'] as const) {
      await assert.rejects(put(as, ownerId, 'x', { service: 'payroll', ownerId, mode }), no)
    }
    const link = { bucket: 'photos', key: ownerId, sizeMax: 9, service: 'payroll', ownerId }
    await assert.rejects(presignUpload(engine, by, link), no)
    for (const service of ['default', 's3', 'another']) {
      await put(as, `${ownerId}-${service}`, 'x', { service, ownerId })
    }
  }
  for (const by of [key, guest]) {
    const named = { key: `${by.principal.id}-copy`, service: 'payroll' }
    await assert.rejects(copyAsset(engine, by, source.id, named), no)
    const copy = await copyAsset(engine, by, source.id, { key: named.key })
    assert.equal(copy.service, 'default')
  }
  const copy = await copyAsset(engine, ann, source.id, { key: 'copy' })
  assert.equal(copy.service, 'payroll')
  await put({ engine, call: ann }, 'anns', 'x', { service: 'payroll', ownerId: ann.principal.id })
})

test('a quota tells what it leaves only to whom it concerns', async () => {
  await using opened = await openTestStore({ limits: { packedBlobBytesMax: 8 } })
  const { engine, call } = opened
  await createBucket(engine, call, { name: 'hidden' })
  const ownerId = ann.principal.id
  const service = 'payroll'
  await put(opened, 'secret', '12345', { bucket: 'hidden', service, ownerId })
  const told = { current_usage: 5, limit: 6 }
  const untold = { current_usage: undefined, limit: undefined }
  const writer = callOf({ id: idOf('e'), permissions: ['assets:*'] })
  const acl = { read: [ann.principal.id, writer.principal.id], write: [] }
  const { asset } = await put(opened, 'source', 'to copy', { ownerId: idOf('f'), acl })
  for (const [scope, name, concerned, others] of [
    ['service', service, [call], [ann, writer]],
    ['owner', ownerId, [call, ann], [writer]],
  ] as const) {
    await setQuota(engine, call, { scope, name }, { bytesMax: 6 })
    // Where it is written, where it is announced, and while it comes.
    for (const [text, length] of [
      ['too long'],
      ['announced!', 10],
      ['comes unannounced'],
    ] as const) {
      const fields = { service, ownerId, length }
      const details = { scope, [scope]: name, measure: 'bytes' }
      for (const by of concerned) {
        const over = put({ engine, call: by }, 'k', text, fields)
        await assert.rejects(over, refused('QUOTA_EXCEEDED', { ...details, ...told }))
      }
      for (const by of others) {
        const over = put({ engine, call: by }, 'k', text, fields)
        await assert.rejects(over, refused('QUOTA_EXCEEDED', { ...details, ...untold }))
      }
    }
    for (const by of others) {
      const copied = copyAsset(engine, by, asset.id, { key: 'copy', service, ownerId })
      await assert.rejects(copied, refused('QUOTA_EXCEEDED', { scope, ...untold }))
    }
    await setQuota(engine, call, { scope, name }, { bytesMax: null })
  }
})
