import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import type { MultipartUpload, UploadPart } from '@holdfast/core/objects.ts'
import type { UploadQuery } from '@holdfast/core/ports/object-questions.ts'
import { catalogTest, type Desk, rejectsWith } from './catalog-test.ts'
import { checkTotals, dump } from './dump.ts'
import { checkRebuilt } from './object-tests.ts'
import { newAsset, newPart, newUpload, versionOf } from './records.ts'
import type { OpenCatalog } from './under-test.ts'

/** Multipart uploads, their parts, and the blobs that are composed of them. */
export function uploadTests(open: OpenCatalog): void {
  partTests(open)
  composeTests(open)
  catalogTest(open, 'uploads: come by key and age, in groups and pages', async desk => {
    const { id: bucketId } = await desk.bucket({ name: 'uploads' })
    const made: MultipartUpload[] = []
    for (const key of ['b/1', 'a', 'a', 'b/2', 'c']) made.push(await begin(desk, bucketId, key))
    const list = async (query: Partial<UploadQuery>) =>
      (await desk.view.uploads.list({ bucketId, limit: 100, ...query })).map(
        ({ upload, prefix }) => prefix ?? made.findIndex(({ id }) => id === upload?.id),
      )
    assert.deepEqual(await list({}), [1, 2, 0, 3, 4])
    assert.deepEqual(await list({ delimiter: '/' }), [1, 2, 'b/', 4])
    assert.deepEqual(await list({ prefix: 'b/', limit: 1 }), [0])
    assert.deepEqual(await list({ after: 'a' }), [0, 3, 4])
    const afterSeq = made[1]?.createdSeq ?? 0
    assert.deepEqual(await list({ after: 'a', afterSeq }), [2, 0, 3, 4])
    assert.deepEqual(await list({ after: 'b/', delimiter: '/' }), [4])
    assert.deepEqual(await list({ bucketId: 'none' }), [])
    assert.equal(await desk.view.uploads.count(), 5)
    assert.deepEqual(await desk.view.uploads.byId(made[0]?.id ?? ''), made[0])
    assert.equal(await desk.view.uploads.byId('none'), undefined)
    await checkRebuilt(desk)
  })
  catalogTest(open, 'uploads: are abandoned when no part came since', async desk => {
    const { id: bucketId } = await desk.bucket({ name: 'uploads' })
    const [old, busy] = [await begin(desk, bucketId, 'old'), await begin(desk, bucketId, 'busy')]
    const { createdAt } = await addPart(desk, busy, { number: 1, text: 'x' })
    const { view } = desk
    const ids = async (before: string) =>
      (await view.uploads.abandoned({ before, limit: 10 })).map(({ id }) => id)
    assert.deepEqual(await ids(old.createdAt), [])
    assert.deepEqual(await ids(createdAt), [old.id])
    assert.deepEqual(await ids('2100-01-01T00:00:00.000Z'), [old.id, busy.id])
  })
}

function partTests(open: OpenCatalog): void {
  catalogTest(
    open,
    'C8 parts hold their blobs and weigh on the bucket until they go',
    async desk => {
      const { id: bucketId, name } = await desk.bucket({ name: 'parts' })
      const upload = await begin(desk, bucketId, 'k')
      const first = await addPart(desk, upload, { number: 7, text: 'seven' })
      const second = await addPart(desk, upload, { number: 2, text: 'two' })
      const bytes = async () => (await desk.view.quotas.usage('bucket', name)).bytes
      assert.equal(await bytes(), 8)
      const page = (query: object) =>
        desk.view.uploads.parts({ uploadId: upload.id, limit: 9, ...query })
      assert.deepEqual(await page({}), [second, first])
      assert.deepEqual(await page({ limit: 1 }), [second])
      assert.deepEqual(await page({ after: 2 }), [first])
      assert.deepEqual(await desk.view.uploads.part(upload.id, 7), first)
      assert.equal(await desk.view.uploads.part(upload.id, 1), undefined)
      const again = await addPart(desk, upload, { number: 7, text: 'seven again' })
      assert.deepEqual(await page({ after: 2 }), [again])
      assert.equal(await bytes(), 14)
      assert.equal((await desk.view.blobs.get(first.sha256))?.references, 0)
      checkTotals(await dump(desk.view))
      await checkRebuilt(desk)
      await desk.write([
        { do: 'remove', what: 'upload', id: upload.id },
        { do: 'note', change: { what: 'upload.removed' } },
      ])
      assert.equal(await bytes(), 0)
      assert.equal((await desk.view.blobs.get(again.sha256))?.references, 0)
      checkTotals(await dump(desk.view))
      await checkRebuilt(desk)
    },
  )
  catalogTest(open, 'C1 a part needs its upload and its blob', async desk => {
    const { id: bucketId } = await desk.bucket({ name: 'parts' })
    const record = newPart({ uploadId: 'none', number: 1, sha256: hash('sha256', 'x'), size: 1 })
    await rejectsWith(desk.write([{ do: 'part', record }]), 'INTERNAL')
    const upload = await begin(desk, bucketId, 'k')
    const lost = { ...record, uploadId: upload.id }
    await rejectsWith(desk.write([{ do: 'part', record: lost }]), 'INTERNAL')
    checkTotals(await dump(desk.view))
  })
}

function composeTests(open: OpenCatalog): void {
  catalogTest(open, 'C8 a composed blob holds its parts as often as they occur', async desk => {
    const { sha256, parts, steps } = await composed(desk)
    await desk.write(steps)
    const blob = await desk.view.blobs.get(sha256)
    assert.deepEqual(blob?.parts, parts)
    assert.equal(blob?.references, 1)
    const [one, two] = parts
    assert.equal((await desk.view.blobs.get(one?.sha256 ?? ''))?.references, 2)
    assert.equal((await desk.view.blobs.get(two?.sha256 ?? ''))?.references, 1)
    const totals = await desk.view.blobs.totals()
    assert.equal(totals.bytes, 7, 'its bytes are those of its parts')
    checkTotals(await dump(desk.view))
    await checkRebuilt(desk)
  })
  catalogTest(open, 'a composed blob lets go of its parts when it goes', async desk => {
    const { sha256, parts, steps, record } = await composed(desk)
    await desk.write(steps)
    const [one] = parts
    const remove = (what: 'version' | 'asset' | 'blob', id: string) =>
      desk.write([
        { do: 'remove', what, id },
        { do: 'note', change: { what: 'blob.removed' } },
      ])
    await rejectsWith(remove('blob', one?.sha256 ?? ''), 'INTERNAL')
    await remove('version', record.versionId)
    await rejectsWith(remove('blob', one?.sha256 ?? ''), 'INTERNAL')
    await remove('blob', sha256)
    assert.equal((await desk.view.blobs.get(one?.sha256 ?? ''))?.references, 0)
    await checkRebuilt(desk)
    for (const part of new Set(parts.map(part => part.sha256))) await remove('blob', part)
    await remove('asset', record.id)
    assert.deepEqual((await dump(desk.view)).blobs, [])
    await checkRebuilt(desk)
  })
  catalogTest(open, 'composing what is there already changes nothing', async desk => {
    const { sha256, parts, steps } = await composed(desk)
    await desk.write(steps)
    const before = await desk.view.blobs.get(sha256)
    const other = parts.toReversed()
    await desk.write([
      { do: 'compose', blob: { sha256, size: 9, parts: other } },
      { do: 'note', change: { what: 'upload.removed' } },
    ])
    assert.deepEqual(await desk.view.blobs.get(sha256), before)
    checkTotals(await dump(desk.view))
  })
}

async function begin(desk: Desk, bucketId: string, key: string): Promise<MultipartUpload> {
  return await desk.writeOne([
    {
      do: 'upload',
      record: newUpload({ bucketId, key, checksum: { algorithm: 'CRC32', type: 'full' } }),
    },
    { do: 'note', change: { what: 'upload.created', bucketId } },
  ])
}

async function addPart(
  desk: Desk,
  upload: MultipartUpload,
  { number, text }: { readonly number: number; readonly text: string },
): Promise<UploadPart> {
  const { keep, staged, facts } = await desk.content(text)
  const { sha256, size } = facts
  const record = newPart({ uploadId: upload.id, number, sha256, size })
  const note = { do: 'note', change: { what: 'part.created' } } as const
  try {
    const { records } = await desk.write([keep, { do: 'part', record }, note], staged)
    return records[0] as UploadPart
  } finally {
    for (const each of staged) await each.discard()
  }
}

/** An upload of three parts, two of them the same, and the steps that complete it. */
async function composed(desk: Desk) {
  const { id: bucketId } = await desk.bucket({ name: 'composed' })
  const upload = await begin(desk, bucketId, 'k')
  const texts = ['one', 'twos', 'one']
  const parts = []
  for (const [index, text] of texts.entries()) {
    const { sha256, size } = await addPart(desk, upload, { number: index + 1, text })
    parts.push({ sha256, size })
  }
  const content = texts.join('')
  const sha256 = hash('sha256', content)
  const size = content.length
  const record = newAsset({ bucketId, key: 'k', sha256, size })
  const version = versionOf(record, { object: { etag: 'x-3', uploadId: upload.id } })
  const steps = [
    { do: 'remove', what: 'upload', id: upload.id },
    { do: 'compose', blob: { sha256, size, parts } },
    { do: 'asset', record },
    { do: 'version', record: version },
    { do: 'note', change: { what: 'asset.created', assetId: record.id } },
  ] as const
  return { sha256, parts, steps, record }
}
