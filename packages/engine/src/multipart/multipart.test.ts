import assert from 'node:assert/strict'
import { createHash, hash } from 'node:crypto'
import { describe, it } from 'node:test'
import { crc32 } from 'node:zlib'
import { crc64Hex, crc64nvme } from '@holdfast/core/checksums/crc64nvme.ts'
import type { ChecksumAlgorithm } from '@holdfast/core/objects.ts'
import { dump } from '@holdfast/testkit/catalog/dump.ts'
import { authenticateKey, createKey, revokeKey } from '../access/keys/keys.ts'
import { getAssetByKey, openContent } from '../assets/get.ts'
import { collectGarbage } from '../integrity/collect.ts'
import { verifyStore } from '../integrity/verify.ts'
import { getObject } from '../objects/find-object.ts'
import type { StoredObject } from '../objects/object-views.ts'
import { putObject } from '../objects/put-object.ts'
import { partRange, readObject } from '../objects/read-object.ts'
import { removeObject } from '../objects/remove-object.ts'
import { setQuota } from '../quotas/quotas.ts'
import { callOf, openTestStore, put, refusedWith, type TestStore } from '../test-store.test.ts'
import { combineCrc } from './combine-crc.ts'
import { completeUpload } from './complete-upload.ts'
import { uploadPart, uploadPartCopy } from './upload-part.ts'
import { abortUpload, createUpload, listParts, listUploads } from './uploads.ts'

const MiB = 1024 * 1024
const DAY_MS = 24 * 60 * 60 * 1000
const bucket = 'photos'

function bodyOf(seed: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at += 4096) bytes.writeUInt32LE((seed * 7919 + at) >>> 0, at % size)
  return bytes
}

const BIG = bodyOf(1, 5 * MiB)
const BIGGER = bodyOf(2, 5 * MiB + 12_345)
const TAIL = Buffer.from('the tail')

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function begin(
  { engine, call }: TestStore,
  key = 'big',
  algorithm?: ChecksumAlgorithm,
): Promise<string> {
  const checksum = algorithm && { algorithm, type: 'full' as const }
  const facets = { userMetadata: { from: 'parts' }, headers: { contentType: 'application/x-big' } }
  return (await createUpload(engine, call, { bucket, key, facets, checksum })).id
}

async function sendParts(
  { engine, call }: TestStore,
  upload: { readonly uploadId: string; readonly key?: string },
  bodies: readonly Uint8Array[],
) {
  const { key = 'big', uploadId } = upload
  const numbered = bodies.map((bytes, index) => ({ bytes, number: index * 3 + 1 }))
  return Promise.all(
    numbered.map(async ({ bytes, number }) => {
      const input = { bucket, key, uploadId, number, source: whole(bytes), length: bytes.length }
      const part = await uploadPart(engine, call, input)
      return { number, etag: part.md5 }
    }),
  )
}

async function bytesOf({ engine }: TestStore, object: StoredObject, first?: number, last?: number) {
  const range = first === undefined || last === undefined ? undefined : { first, last }
  const { bytes, chunks } = await readObject(engine, object, { range })
  return bytes ?? Buffer.concat(await Array.fromAsync(chunks))
}

async function uploaded(opened: TestStore, bodies: readonly Uint8Array[]): Promise<StoredObject> {
  const uploadId = await begin(opened)
  const parts = await sendParts(opened, { uploadId }, bodies)
  const { engine, call } = opened
  return completeUpload(engine, call, { bucket, key: 'big', uploadId, parts })
}

describe('a multipart upload', () => {
  it('becomes one object with the digests of the whole, without a second copy', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const object = await uploaded(opened, [BIG, BIGGER, TAIL])
    const content = Buffer.concat([BIG, BIGGER, TAIL])
    assert.equal(object.version.sha256, hash('sha256', content))
    const md5s = createHash('md5')
    for (const part of [BIG, BIGGER, TAIL]) md5s.update(createHash('md5').update(part).digest())
    assert.equal(object.etag, `${md5s.digest('hex')}-3`)
    assert.equal(object.version.size, content.length)
    assert.ok(content.equals(await bytesOf(opened, object)))
    const [first, last] = [5 * MiB - 10, 10 * MiB + 20_000 - 8000]
    const part = await bytesOf(opened, object, first, last)
    assert.ok(content.subarray(first, last + 1).equals(part))
    const { range, parts } = partRange(object, 4)
    assert.deepEqual(
      [range, parts],
      [{ first: BIG.length, last: BIG.length + BIGGER.length - 1 }, 3],
    )
    assert.throws(() => partRange(object, 2), { code: 'PART_INVALID' })
    const blob = await engine.catalog.view.blobs.get(object.version.sha256)
    assert.equal(blob?.parts?.length, 3)
    const totals = await engine.catalog.view.blobs.totals()
    assert.equal(totals.bytes, content.length, 'the bytes are there once')
    const asset = await getAssetByKey(engine, call, bucket, 'big')
    const rest = await openContent(engine, call, { asset })
    assert.equal(rest.sha256, object.version.sha256)
    assert.equal((await rest.read({ first: 0, last: content.length - 1 })).size, content.length)
    assert.deepEqual(asset.metadata, { from: 'parts' })
    const report = await verifyStore(engine)
    assert.deepEqual([report.missing, report.damaged, report.orphaned], [[], [], []])
  })

  it('survives a lost catalog, open and completed', async () => {
    await using opened = await openTestStore()
    await uploaded(opened, [BIG, TAIL])
    const uploadId = await begin(opened, 'open')
    await sendParts(opened, { uploadId, key: 'open' }, [BIG, TAIL])
    const before = await dump(opened.engine.catalog.view)
    await using again = await opened.reopen('rebuild')
    assert.deepEqual(await dump(again.engine.catalog.view), before)
    const { engine, call } = again
    const { parts } = await listParts(engine, call, { bucket, key: 'open', uploadId, limit: 10 })
    const named = parts.map(({ number, md5 }) => ({ number, etag: md5 }))
    const done = { bucket, key: 'open', uploadId, parts: named }
    const object = await completeUpload(engine, call, done)
    assert.ok(Buffer.concat([BIG, TAIL]).equals(await bytesOf(again, object)))
  })

  it('frees its parts with the object, after the grace period', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const object = await uploaded(opened, [BIG, TAIL])
    await removeObject(engine, call, { bucket, key: 'big', versionId: object.versionId })
    for (let round = 0; round < 2; round += 1) {
      await clock.advance(DAY_MS + 1)
      await collectGarbage(engine)
    }
    assert.deepEqual(await dump(engine.catalog.view).then(({ blobs }) => blobs), [])
    const before = await dump(engine.catalog.view)
    await using again = await opened.reopen('rebuild')
    assert.deepEqual(await dump(again.engine.catalog.view), before)
  })

  it('answers a repeated completion the same, and refuses others', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const uploadId = await begin(opened)
    const parts = await sendParts(opened, { uploadId }, [BIG, TAIL])
    const done = { bucket, key: 'big', uploadId, parts }
    const first = await completeUpload(engine, call, done)
    await putObject(engine, call, { bucket, key: 'big', source: whole(TAIL), facets: {} })
    const again = await completeUpload(engine, call, done)
    assert.equal(again.versionId, first.versionId)
    await refusedWith(completeUpload(engine, call, { ...done, key: 'other' }), 'UPLOAD_NOT_FOUND')
    await refusedWith(abortUpload(engine, call, done), 'UPLOAD_NOT_FOUND')
    for (const others of [parts.slice(0, 1), parts.toReversed(), []]) {
      const named = { ...done, parts: others }
      await refusedWith(completeUpload(engine, call, named), 'UPLOAD_NOT_FOUND')
    }
  })

  it('answers the same to completions at once, whichever is first', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const uploadId = await begin(opened)
    const parts = await sendParts(opened, { uploadId }, [BIG, TAIL])
    const done = { bucket, key: 'big', uploadId, parts }
    const made = await Promise.all([1, 2, 3].map(() => completeUpload(engine, call, done)))
    assert.equal(new Set(made.map(({ versionId }) => versionId)).size, 1)
  })

  it('tells nothing to who was shut out while the first one was under way', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const uploadId = await begin(opened)
    const parts = await sendParts(opened, { uploadId }, [BIG, TAIL])
    const done = { bucket, key: 'big', uploadId, parts }
    const { key, secret } = await createKey(engine, call, { name: 'k', permissions: ['*'] })
    const own = { ...call, principal: await authenticateKey(engine, secret) }
    const { digests } = engine
    const sha256Of = digests.sha256Of.bind(digests)
    digests.sha256Of = async (...given) => {
      await revokeKey(engine, call, key.id)
      return await sha256Of(...given)
    }
    const first = completeUpload(engine, call, done)
    await refusedWith(completeUpload(engine, own, done), 'UNAUTHENTICATED')
    assert.equal((await first).asset.key, 'big')
  })

  it('holds completions to order, sizes, parts and checksums', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const uploadId = await begin(opened, 'big', 'CRC32')
    const parts = await sendParts(opened, { uploadId }, [BIG, TAIL, TAIL])
    const [one, two, three] = parts
    assert.ok(one && two && three)
    const complete = (named: typeof parts, more = {}) =>
      completeUpload(engine, call, { bucket, key: 'big', uploadId, parts: named, ...more })
    await refusedWith(complete([two, one]), 'PART_ORDER_INVALID')
    await refusedWith(complete([one, one]), 'PART_ORDER_INVALID')
    await refusedWith(complete([{ ...two, number: 9 }, one]), 'PART_ORDER_INVALID')
    await refusedWith(complete([]), 'PART_INVALID')
    await refusedWith(complete([one, { ...two, number: 9 }]), 'PART_INVALID')
    await refusedWith(complete([one, { ...two, etag: one.etag }]), 'PART_INVALID')
    await refusedWith(complete([one, two, three]), 'PART_TOO_SMALL')
    await refusedWith(complete([one, two], { size: 1 }), 'LENGTH_MISMATCH')
    await refusedWith(complete([one, two], { checksum: 'AAAAAA==' }), 'DIGEST_MISMATCH')
    await refusedWith(complete([one, two], { conditions: { ifMatch: ['*'] } }), 'ASSET_NOT_FOUND')
    const sum = crc32(Buffer.concat([BIG, TAIL]))
      .toString(16)
      .padStart(8, '0')
    const checksum = Buffer.from(sum, 'hex').toString('base64')
    const object = await complete([one, two], { checksum })
    assert.deepEqual(object.facets.checksum, { algorithm: 'CRC32', type: 'full', value: checksum })
    assert.equal(object.version.sha256, hash('sha256', Buffer.concat([BIG, TAIL])))
    assert.equal((await dump(engine.catalog.view)).uploads.length, 0)
  })

  it('takes one part as it is, and content that is there already', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const object = await uploaded(opened, [BIG])
    assert.equal(object.version.sha256, hash('sha256', BIG))
    const plain = await engine.catalog.view.blobs.get(object.version.sha256)
    assert.equal(plain?.parts, undefined)
    const both = await uploaded(opened, [BIG, TAIL])
    const again = await uploaded(opened, [BIG, TAIL])
    assert.equal(again.version.sha256, both.version.sha256)
    const whole = Buffer.concat([BIG, TAIL]).toString('latin1')
    assert.equal(whole.length, both.version.size)
    assert.ok(Buffer.from(whole, 'latin1').equals(await bytesOf(opened, again)))
  })

  it('replaces a part of the same number and counts open parts', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const uploadId = await begin(opened)
    await sendParts(opened, { uploadId }, [BIG])
    await sendParts(opened, { uploadId }, [TAIL])
    const usage = () => engine.catalog.view.quotas.usage('bucket', bucket)
    assert.equal((await usage()).bytes, TAIL.length)
    const scope = { scope: 'bucket', name: bucket } as const
    await setQuota(engine, call, scope, { bytesMax: 1000 })
    await refusedWith(sendParts(opened, { uploadId }, [BIG]), 'QUOTA_EXCEEDED')
    await abortUpload(engine, call, { bucket, key: 'big', uploadId })
    assert.equal((await usage()).bytes, 0)
    await refusedWith(sendParts(opened, { uploadId }, [TAIL]), 'UPLOAD_NOT_FOUND')
  })

  it('is ended by who began it, also where a list alone lets them write', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const call = callOf({ id: 'guest' })
    await put(opened, 'listed', 'x', { acl: { read: [], write: ['guest'] } })
    const uploadId = await begin({ ...opened, call }, 'listed')
    const about = { bucket, key: 'listed', uploadId }
    assert.equal((await listParts(engine, call, { ...about, limit: 1 })).parts.length, 0)
    await abortUpload(engine, call, about)
    await refusedWith(abortUpload(engine, call, about), 'UPLOAD_NOT_FOUND')
  })

  it('copies parts from objects, whole and in ranges', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const source = await putObject(engine, call, {
      bucket,
      key: 'source',
      source: whole(BIGGER),
      facets: {},
    })
    const uploadId = await begin(opened)
    const address = { bucket, key: 'big', uploadId, from: { bucket, key: 'source' } }
    const one = await uploadPartCopy(engine, call, { ...address, number: 1 })
    assert.equal(one.part.sha256, source.version.sha256)
    const range = { first: 10, last: 1009 }
    const two = await uploadPartCopy(engine, call, { ...address, number: 2, range })
    assert.equal(two.part.size, 1000)
    const beyond = { first: 0, last: BIGGER.length }
    await refusedWith(
      uploadPartCopy(engine, call, { ...address, number: 3, range: beyond }),
      'RANGE_NOT_SATISFIABLE',
    )
    const parts = [one, two].map(({ part }) => ({ number: part.number, etag: part.md5 }))
    const object = await completeUpload(engine, call, { bucket, key: 'big', uploadId, parts })
    const content = Buffer.concat([BIGGER, BIGGER.subarray(10, 1010)])
    assert.ok(content.equals(await bytesOf(opened, object)))
    const next = await begin(opened, 'third')
    const from = { bucket, key: 'big' }
    const composed = { bucket, key: 'third', uploadId: next, number: 1, from }
    const copied = await uploadPartCopy(engine, call, composed)
    assert.equal(copied.part.sha256, hash('sha256', content))
    const more = await uploadPart(engine, call, { ...composed, number: 2, source: whole(TAIL) })
    const pair = [copied.part, more].map(({ number, md5 }) => ({ number, etag: md5 }))
    const wanted = { bucket, key: 'third', uploadId: next, parts: pair }
    const nested = await completeUpload(engine, call, wanted)
    assert.ok(Buffer.concat([content, TAIL]).equals(await bytesOf(opened, nested)))
    assert.equal((await engine.catalog.view.blobs.get(nested.version.sha256))?.parts?.length, 3)
    const tail = { first: content.length, last: nested.version.size - 1 }
    assert.deepEqual(partRange(nested, 2), { range: tail, parts: 2 })
    // What its parts were made of goes, and what they are made of stays.
    for (const key of ['source', 'big']) await removeObject(engine, call, { bucket, key })
    for (let round = 0; round < 2; round += 1) {
      await opened.clock.advance(DAY_MS + 1)
      await collectGarbage(engine)
    }
    await using again = await opened.reopen('rebuild')
    assert.ok(Buffer.concat([content, TAIL]).equals(await bytesOf(again, nested)))
    assert.equal((await verifyStore(again.engine)).missing.length, 0)
  })

  it('is dropped when nobody goes on with it', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const idle = await begin(opened, 'idle')
    const busy = await begin(opened, 'busy')
    await clock.advance(6 * DAY_MS)
    await sendParts(opened, { uploadId: busy, key: 'busy' }, [TAIL])
    await clock.advance(2 * DAY_MS)
    assert.equal((await collectGarbage(engine)).uploads, 1)
    const { uploads } = await listUploads(engine, call, { bucket, limit: 10 })
    assert.deepEqual(
      uploads.map(({ id }) => id),
      [busy],
    )
    await refusedWith(
      abortUpload(engine, call, { bucket, key: 'idle', uploadId: idle }),
      'UPLOAD_NOT_FOUND',
    )
    await clock.advance(8 * DAY_MS)
    assert.equal((await collectGarbage(engine)).uploads, 1)
  })

  it('keeps collection from nothing when its owner ends it meanwhile', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    for (const key of ['first', 'second']) await begin(opened, key)
    await clock.advance(8 * DAY_MS)
    const rest = async () => {
      const { uploads } = await listUploads(engine, call, { bucket, limit: 10 })
      for (const { id, key } of uploads)
        await abortUpload(engine, call, { bucket, key, uploadId: id })
    }
    assert.equal((await collectGarbage(engine, { rest })).uploads, 1)
    assert.deepEqual((await listUploads(engine, call, { bucket, limit: 10 })).uploads, [])
  })

  it('is listed by key and age, in pages and groups', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const ids: string[] = []
    for (const key of ['a', 'a', 'b/1', 'b/2', 'c']) ids.push(await begin(opened, key))
    const found: string[] = []
    let next: { readonly key: string; readonly uploadId?: string } | undefined
    do {
      const query = { bucket, limit: 1, keyMarker: next?.key, uploadIdMarker: next?.uploadId }
      const page = await listUploads(engine, call, query)
      found.push(...page.uploads.map(({ id }) => id))
      next = page.next
    } while (next !== undefined)
    assert.deepEqual(found, ids)
    const grouped = await listUploads(engine, call, { bucket, delimiter: '/', limit: 10 })
    assert.deepEqual(grouped.prefixes, ['b/'])
    assert.equal(grouped.uploads.length, 3)
  })

  it('is listed whole to who aborts while paging', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    for (const key of ['a', 'a', 'a', 'b']) await begin(opened, key)
    let next: { readonly key: string; readonly uploadId?: string } | undefined
    do {
      const query = { bucket, limit: 1, keyMarker: next?.key, uploadIdMarker: next?.uploadId }
      const page = await listUploads(engine, call, query)
      for (const { id, key } of page.uploads) {
        await abortUpload(engine, call, { bucket, key, uploadId: id })
      }
      next = page.next
    } while (next !== undefined)
    assert.deepEqual((await listUploads(engine, call, { bucket, limit: 10 })).uploads, [])
  })

  it('works on elements that cannot stage', async () => {
    await using opened = await openTestStore({ memory: true })
    const { engine, call, clock } = opened
    const object = await uploaded(opened, [BIG, TAIL])
    assert.ok(Buffer.concat([BIG, TAIL]).equals(await bytesOf(opened, object)))
    await uploaded(opened, [BIG, TAIL])
    const { versions } = await dump(engine.catalog.view)
    for (const { id } of versions) {
      await removeObject(engine, call, { bucket, key: 'big', versionId: id })
    }
    for (let round = 0; round < 2; round += 1) {
      await clock.advance(DAY_MS + 1)
      await collectGarbage(engine)
    }
    assert.equal((await Array.fromAsync(engine.element.list())).length, 0)
  })
})

describe('blobs of parts', () => {
  it('get bytes of their own back when a part is lost and the content comes again', async () => {
    await using opened = await openTestStore()
    const { engine, call, store } = opened
    const object = await uploaded(opened, [BIG, TAIL])
    const part = await engine.catalog.view.blobs.get(hash('sha256', BIG))
    const { rm } = await import('node:fs/promises')
    const sha256 = part?.sha256 ?? ''
    await rm(`${opened.dir}/data/blobs/${sha256.slice(0, 2)}/${sha256}`)
    assert.equal((await verifyStore(engine)).missing.length, 2)
    const content = Buffer.concat([BIG, TAIL])
    const source = whole(content)
    const whatever = { bucket, key: 'again', source, facets: {} }
    const again = await putObject(engine, call, whatever)
    assert.equal(again.version.sha256, object.version.sha256)
    assert.ok(content.equals(await bytesOf(opened, object)))
    assert.equal((await engine.catalog.view.blobs.get(again.version.sha256))?.parts, undefined)
    assert.ok(store.element)
    const before = await dump(engine.catalog.view)
    await using reopened = await opened.reopen('rebuild')
    assert.deepEqual(await dump(reopened.engine.catalog.view), before)
  })

  it('share parts with plain content', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await put(opened, 'plain', TAIL.toString())
    const object = await uploaded(opened, [BIG, TAIL])
    await removeObject(engine, call, { bucket, key: 'plain' })
    const found = await getObject(engine, call, { bucket, key: 'big' })
    assert.equal(found.versionId, object.versionId)
    assert.ok(Buffer.concat([BIG, TAIL]).equals(await bytesOf(opened, found)))
  })
})

describe('checksums of parts', () => {
  it('combine to the checksum of the whole', () => {
    const pieces = [BIG.subarray(0, 1001), Buffer.alloc(0), TAIL, BIG.subarray(5, 70_000)]
    const content = Buffer.concat(pieces)
    const hex64 = (bytes: Uint8Array) => crc64Hex(crc64nvme(bytes))
    const hex32 = (bytes: Uint8Array) => crc32(bytes).toString(16).padStart(8, '0')
    for (const [algorithm, hexOf] of [
      ['CRC64NVME', hex64],
      ['CRC32', hex32],
    ] as const) {
      const base64 = (bytes: Uint8Array) => Buffer.from(hexOf(bytes), 'hex').toString('base64')
      const parts = pieces.map(bytes => ({ size: bytes.length, checksum: base64(bytes) }))
      assert.equal(combineCrc(algorithm, parts), base64(content))
    }
    assert.equal(combineCrc('SHA256', []), undefined)
    assert.equal(hex64(Buffer.from('123456789')), 'ae8b14860a799888')
  })
})
