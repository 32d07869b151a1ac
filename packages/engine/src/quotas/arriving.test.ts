import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type PutInput, putAsset } from '../assets/put.ts'
import { uploadPart } from '../multipart/upload-part.ts'
import { createUpload } from '../multipart/uploads.ts'
import { putObject } from '../objects/put-object.ts'
import { openTestStore, owner, put, refused, type TestStore } from '../test-store.test.ts'
import { setQuota } from './quotas.ts'

const MiB = 1024 * 1024
const bucket = 'photos'
const target = { scope: 'bucket', name: bucket } as const

/** Megabytes, which tell how many were taken. */
function megabytes(count: number) {
  const taken = { chunks: 0, isClosed: false }
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (; taken.chunks < count; taken.chunks += 1) yield Buffer.alloc(MiB, taken.chunks)
    } finally {
      taken.isClosed = true
    }
  }
  return { source: chunks(), taken }
}

function putBytes(
  { engine, call }: TestStore,
  input: Partial<PutInput> & { source: AsyncGenerator },
) {
  const place = { bucket, key: 'k', service: 'test', ownerId: owner, mode: 'replace' } as const
  return putAsset(engine, call, { ...place, ...input })
}

describe('a body that no quota has room for', () => {
  const ways = {
    'of a new asset': (opened: TestStore, source: AsyncGenerator<Uint8Array>) =>
      putBytes(opened, { key: 'new', source }),
    'of an asset that is there': (opened: TestStore, source: AsyncGenerator<Uint8Array>) =>
      putBytes(opened, { source }),
    'of an object': ({ engine, call }: TestStore, source: AsyncGenerator<Uint8Array>) =>
      putObject(engine, call, { bucket, key: 'k', source, facets: {} }),
    'of a part': async ({ engine, call }: TestStore, source: AsyncGenerator<Uint8Array>) => {
      const { id: uploadId } = await createUpload(engine, call, { bucket, key: 'p', facets: {} })
      return await uploadPart(engine, call, { bucket, key: 'p', uploadId, number: 1, source })
    },
  }
  for (const [name, send] of Object.entries(ways)) {
    it(`is taken no further, ${name}`, async () => {
      await using opened = await openTestStore()
      const { engine, call } = opened
      await put(opened, 'k', 'x')
      await setQuota(engine, call, target, { bytesMax: 2 * MiB })
      const { source, taken } = megabytes(40)
      const details = { scope: 'bucket', measure: 'bytes', current_usage: 1 }
      await assert.rejects(send(opened, source), refused('QUOTA_EXCEEDED', details))
      assert.ok(taken.chunks <= 3, `${taken.chunks} chunks`)
      assert.ok(taken.isClosed)
      // Nothing of it counts any more.
      await putBytes(opened, { key: 'fits', source: megabytes(1).source })
    })
  }

  it('is not begun where its length is told, also of an asset that is there', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await put(opened, 'k', 'x')
    await setQuota(engine, call, target, { bytesMax: 2 * MiB })
    const { source, taken } = megabytes(40)
    const length = 40 * MiB
    await assert.rejects(putBytes(opened, { source, length }), refused('QUOTA_EXCEEDED'))
    assert.equal(taken.chunks, 0)
  })
})

describe('bodies on their way to one quota', () => {
  it('count together, and no longer than they are on their way', async () => {
    await using opened = await openTestStore()
    await setQuota(opened.engine, opened.call, target, { bytesMax: 4 * MiB })
    const slow = Promise.withResolvers<void>()
    const halfway = Promise.withResolvers<void>()
    async function* pausing(): AsyncGenerator<Uint8Array> {
      yield* megabytes(2).source
      halfway.resolve()
      await slow.promise
      yield Buffer.from('the end')
    }
    const first = putBytes(opened, { key: 'first', source: pausing() })
    await halfway.promise
    const { source, taken } = megabytes(40)
    await assert.rejects(putBytes(opened, { key: 'second', source }), refused('QUOTA_EXCEEDED'))
    assert.ok(taken.chunks <= 3, `${taken.chunks} chunks`)
    slow.resolve()
    assert.equal((await first).asset.size, 2 * MiB + 7)
    await putBytes(opened, { key: 'third', source: megabytes(1).source })
  })

  it('cost nothing where they bring what is there, or go in its place', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await putBytes(opened, { key: 'k', source: megabytes(4).source })
    await setQuota(engine, call, target, { bytesMax: 4 * MiB })
    const again = await putBytes(opened, { key: 'k', source: megabytes(4).source })
    assert.equal(again.outcome, 'unchanged')
    const length = 4 * MiB
    const told = await putBytes(opened, { key: 'k', source: megabytes(4).source, length })
    assert.equal(told.outcome, 'unchanged')
  })

  it('go in place of one thing once only', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await putBytes(opened, { key: 'k', source: megabytes(4).source })
    await setQuota(engine, call, target, { bytesMax: 4 * MiB })
    const slow = Promise.withResolvers<void>()
    const halfway = Promise.withResolvers<void>()
    async function* pausing(): AsyncGenerator<Uint8Array> {
      yield* megabytes(3).source
      halfway.resolve()
      await slow.promise
      yield Buffer.alloc(MiB, 3)
    }
    const first = putBytes(opened, { key: 'k', source: pausing() })
    await halfway.promise
    const { source, taken } = megabytes(4)
    await assert.rejects(putBytes(opened, { key: 'k', source }), refused('QUOTA_EXCEEDED'))
    assert.ok(taken.chunks <= 1, `${taken.chunks} chunks`)
    slow.resolve()
    assert.equal((await first).outcome, 'unchanged')
  })
})
