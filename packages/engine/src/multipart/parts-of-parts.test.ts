import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { dump } from '@holdfast/testkit/catalog/dump.ts'
import { collectGarbage } from '../integrity/collect.ts'
import { verifyStore } from '../integrity/verify.ts'
import { getObject } from '../objects/find-object.ts'
import type { StoredObject } from '../objects/object-views.ts'
import { putObject } from '../objects/put-object.ts'
import { readObject } from '../objects/read-object.ts'
import { removeObject } from '../objects/remove-object.ts'
import { openTestStore, refusedWith, type TestStore } from '../test-store.test.ts'
import { completeUpload } from './complete-upload.ts'
import { uploadPart, uploadPartCopy } from './upload-part.ts'
import { createUpload } from './uploads.ts'

const MiB = 1024 * 1024
const DAY_MS = 24 * 60 * 60 * 1000
const bucket = 'photos'
const [A, B] = ['a', 'b'].map(letter => Buffer.alloc(5 * MiB, letter)) as [Buffer, Buffer]
const AB = Buffer.concat([A, B])
/** Digests decide what comes first: with one tail the whole, with the other its part. */
const [TAIL, END] = ['the tail', 'the end'].map(text => Buffer.from(text)) as [Buffer, Buffer]

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Bytes to send, or the key of an object to copy as a part. */
type Piece = Buffer | string

async function upload({ engine, call }: TestStore, key: string, pieces: readonly Piece[]) {
  const { id: uploadId } = await createUpload(engine, call, { bucket, key, facets: {} })
  const parts: { number: number; etag: string }[] = []
  for (const [index, piece] of pieces.entries()) {
    const at = { bucket, key, uploadId, number: index + 1 }
    const { md5 } =
      typeof piece === 'string'
        ? (await uploadPartCopy(engine, call, { ...at, from: { bucket, key: piece } })).part
        : await uploadPart(engine, call, { ...at, source: whole(piece) })
    parts.push({ number: at.number, etag: md5 })
  }
  return { bucket, key, uploadId, parts }
}

async function make(opened: TestStore, key: string, pieces: readonly Piece[]) {
  return completeUpload(opened.engine, opened.call, await upload(opened, key, pieces))
}

async function holds({ engine, call }: TestStore, key: string, content: Buffer): Promise<void> {
  const object = await getObject(engine, call, { bucket, key })
  const { bytes, chunks } = await readObject(engine, object)
  assert.ok(content.equals(bytes ?? Buffer.concat(await Array.fromAsync(chunks))), key)
  const last = content.length - 1
  const end = await readObject(engine, object, { range: { first: last - 3, last } })
  const read = end.bytes ?? Buffer.concat(await Array.fromAsync(end.chunks))
  assert.equal(read.toString(), content.subarray(-4).toString(), key)
}

function putWhole({ engine, call }: TestStore, key: string, content: Buffer) {
  return putObject(engine, call, { bucket, key, source: whole(content), facets: {} })
}

/** The file of a large blob is gone, as after a bad block. */
function lose({ dir }: TestStore, content: Buffer): void {
  const sha256 = hash('sha256', content)
  rmSync(`${dir}/data/blobs/${sha256.slice(0, 2)}/${sha256}`)
}

/** Other bytes in the file of a large blob, as a disk gives them that says nothing. */
function spoil({ dir }: TestStore, content: Buffer): void {
  const sha256 = hash('sha256', content)
  const path = `${dir}/data/blobs/${sha256.slice(0, 2)}/${sha256}`
  const bytes = readFileSync(path)
  bytes.fill(0, 3 * MiB, 3 * MiB + 9)
  writeFileSync(path, bytes)
}

async function requireWhole({ engine }: TestStore): Promise<void> {
  const { missing, damaged, orphaned } = await verifyStore(engine)
  assert.deepEqual([missing, damaged, orphaned], [[], [], []])
}

async function collectAll({ engine, clock }: TestStore): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await clock.advance(DAY_MS + 1)
    await collectGarbage(engine)
  }
}

/** Two objects with a part that lost its bytes, which came back in parts. */
async function madeOfLost(opened: TestStore): Promise<StoredObject[]> {
  const content = Buffer.concat([A, B])
  const made = [await putWhole(opened, 'plain', content)]
  made.push(await make(opened, 'of-plain', ['plain', TAIL]))
  made.push(await make(opened, 'of-plain-too', ['plain', END]))
  lose(opened, content)
  made.push(await make(opened, 'again', [A, B]))
  return made
}

/** Changes the store, and brings a catalog of before to the state of now. */
async function caughtUp(
  before: TestStore,
  change: (opened: TestStore) => Promise<void>,
): Promise<TestStore> {
  const opened = await before.reopen()
  const file = `${opened.dir}/data/catalog.db`
  cpSync(file, `${opened.dir}/before.db`)
  await change(opened)
  const after = await dump(opened.engine.catalog.view)
  await opened.engine.digests.close()
  await opened.store.close()
  for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
  cpSync(`${opened.dir}/before.db`, file)
  const again = await opened.reopen()
  assert.deepEqual(await dump(again.engine.catalog.view), after)
  return again
}

describe('parts of parts', () => {
  it('beyond the bound are refused before they are read, and the upload stays open', async t => {
    await using opened = await openTestStore({ limits: { plainPartsMax: 3 } })
    const { engine, call } = opened
    await make(opened, 'pair', [A, B])
    const { parts, ...place } = await upload(opened, 'nested', ['pair', TAIL, 'pair'])
    const [first, tail, last] = parts
    assert.ok(first && tail && last)
    const before = await dump(engine.catalog.view)
    const reading = t.mock.method(engine.digests, 'sha256Of')
    const tooMany = completeUpload(engine, call, { ...place, parts: [first, last] })
    await refusedWith(tooMany, 'TOO_MANY_ITEMS')
    assert.equal(reading.mock.callCount(), 0)
    assert.deepEqual(await dump(engine.catalog.view), before)
    await completeUpload(engine, call, { ...place, parts: [first, tail] })
    await holds(opened, 'nested', Buffer.concat([A, B, TAIL]))
    await requireWhole(opened)
  })

  it('are read, made again and collected where a lost part came back in parts', async () => {
    await using opened = await openTestStore()
    const content = Buffer.concat([A, B])
    const made = await madeOfLost(opened)
    const expected = [
      ['plain', content],
      ['again', content],
      ['of-plain', Buffer.concat([content, TAIL])],
      ['of-plain-too', Buffer.concat([content, END])],
    ] as const
    for (const [key, bytes] of expected) await holds(opened, key, bytes)
    await requireWhole(opened)
    const before = await dump(opened.engine.catalog.view)
    await using rebuilt = await opened.reopen('rebuild')
    assert.deepEqual(await dump(rebuilt.engine.catalog.view), before)
    for (const [key, bytes] of expected) await holds(rebuilt, key, bytes)
    const { engine, call } = rebuilt
    for (const key of ['plain', 'again']) await removeObject(engine, call, { bucket, key })
    await collectAll(rebuilt)
    await holds(rebuilt, 'of-plain', Buffer.concat([content, TAIL]))
    for (const { asset, versionId } of made) {
      await removeObject(engine, call, { bucket, key: asset.key, versionId })
    }
    await collectAll(rebuilt)
    const empty = await dump(engine.catalog.view)
    assert.deepEqual(empty.blobs, [])
    await using again = await rebuilt.reopen('rebuild')
    assert.deepEqual(await dump(again.engine.catalog.view), empty)
  })

  it('that were lost give way to others, also in a catalog of before', async () => {
    await using opened = await openTestStore()
    const content = Buffer.concat([A, B, TAIL])
    await make(opened, 'object', [A, B, TAIL])
    await using again = await caughtUp(opened, async changed => {
      lose(changed, A)
      await make(changed, 'object', [AB, TAIL])
      await holds(changed, 'object', content)
    })
    await holds(again, 'object', content)
  })

  for (const first of [[A, B, TAIL], [Buffer.concat([A, B, TAIL])]]) {
    it(`stay when compaction moves lines of before, of ${first.length} parts`, async () => {
      await using opened = await openTestStore({ packBytesMax: 48 * 1024 })
      const { engine, call } = opened
      const content = Buffer.concat([A, B, TAIL])
      if (first.length > 1) await make(opened, 'object', first)
      else await putWhole(opened, 'object', content)
      const fillers: StoredObject[] = []
      for (let n = 0; n < 12; n += 1) {
        fillers.push(await putWhole(opened, `${n}`, Buffer.alloc(8000, `filler ${n}`)))
      }
      for (const { asset, versionId } of fillers) {
        await removeObject(engine, call, { bucket, key: asset.key, versionId })
      }
      await collectAll(opened)
      lose(opened, first[0] ?? content)
      await make(opened, 'object', [AB, TAIL])
      await collectAll(opened)
      await using again = await caughtUp(opened, async changed => {
        assert.ok(((await changed.engine.element.reclaim?.()) ?? 0) > 0)
      })
      await holds(again, 'object', content)
      await requireWhole(again)
    })
  }

  it('were once told to be made of themselves: read as lost, and whole after a put', async () => {
    await using opened = await openTestStore()
    const { version } = await putWhole(opened, 'object', A)
    await opened.engine.digests.close()
    await opened.store.close()
    const db = new DatabaseSync(`${opened.dir}/data/catalog.db`)
    db.prepare("UPDATE blobs SET location = 'parts:' || ?, block_bytes = 0").run(version.sha256)
    const empty = hash('sha256', '')
    const parts = JSON.stringify([
      [version.sha256, A.length],
      [empty, 0],
    ])
    db.prepare('INSERT INTO composed_blobs SELECT sha256, ? FROM blobs').run(parts)
    db.exec('UPDATE blobs SET refs = refs + 1')
    const add = db.prepare('INSERT INTO blobs VALUES (?, 0, ?, 65536, ?, 1, NULL)')
    add.run(Buffer.from(empty, 'hex'), `file:${empty}`, Buffer.alloc(0))
    db.close()
    lose(opened, A)
    await using again = await opened.reopen()
    await assert.rejects(holds(again, 'object', A), { code: 'BLOB_MISSING' })
    await putWhole(again, 'object', A)
    await holds(again, 'object', A)
  })

  for (const [from, to] of [
    [[A, B, TAIL], []],
    [
      [A, B, TAIL],
      [AB, TAIL],
    ],
    [[], [A, B, TAIL]],
  ] as const) {
    it(`that rotted give way to what is sent again: ${from.length} to ${to.length}`, async () => {
      await using opened = await openTestStore()
      const content = Buffer.concat([A, B, TAIL])
      const send = (pieces: readonly Buffer[]) =>
        pieces.length === 0 ? putWhole(opened, 'object', content) : make(opened, 'object', pieces)
      await send(from)
      spoil(opened, from[0] ?? content)
      await assert.rejects(holds(opened, 'object', content), { code: 'BLOB_DAMAGED' })
      await send(to)
      await holds(opened, 'object', content)
      await collectAll(opened)
      await holds(opened, 'object', content)
      await using rebuilt = await opened.reopen('rebuild')
      await holds(rebuilt, 'object', content)
    })
  }

  it('are looked at on the disk, not in memory, before what is sent again is left', async () => {
    await using opened = await openTestStore()
    const content = Buffer.concat([A, B, TAIL])
    await putWhole(opened, 'tail', TAIL)
    await make(opened, 'object', [A, B, TAIL])
    await holds(opened, 'object', content)
    const tail = await opened.engine.catalog.view.blobs.get(hash('sha256', TAIL))
    const [, pack = '', offset] = tail?.location.split(':') ?? []
    const path = `${opened.dir}/data/packs/${pack.padStart(10, '0')}.tar`
    const bytes = readFileSync(path)
    bytes.fill('x', Number(offset), Number(offset) + 1)
    writeFileSync(path, bytes)
    await putWhole(opened, 'object', content)
    await using again = await opened.reopen()
    await assert.rejects(holds(again, 'tail', TAIL), { code: 'BLOB_DAMAGED' })
    await holds(again, 'object', content)
  })

  it('go with what is made of them, also from a catalog of before', async () => {
    await using opened = await openTestStore()
    const made = await madeOfLost(opened)
    await using again = await caughtUp(opened, async changed => {
      for (const { asset, versionId } of made) {
        await removeObject(changed.engine, changed.call, { bucket, key: asset.key, versionId })
      }
      await collectAll(changed)
    })
    assert.deepEqual((await dump(again.engine.catalog.view)).blobs, [])
  })
})
