import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BlobPlace } from '@holdfast/core/ports/element.ts'
import { nodeDisk } from '../../../disk/node-disk.ts'
import { sumsOf } from '../block-sums.ts'
import { blobPath } from '../layout.ts'
import { PackFiles } from '../pack-files.ts'
import { readBlob } from './read-blob.ts'
import { ReadBuffers } from './read-buffers.ts'

const KiB = 1024
const BLOCK = 64 * KiB

interface Kept {
  readonly place: BlobPlace
  readonly bytes: Buffer
}

/** A directory with large blobs in it, as the element lays them. */
function blobs(sizes: readonly number[], buffers: ReadBuffers) {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-read-'))
  nodeDisk.makeDir(`${dir}/blobs`)
  const kept = sizes.map((size): Kept => {
    const bytes = randomBytes(size)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const path = blobPath(dir, sha256)
    for (const part of [path.split('/').slice(0, -2), path.split('/').slice(0, -1)]) {
      nodeDisk.makeDir(part.join('/'))
    }
    const file = nodeDisk.open(path, 'create')
    file.write(bytes, 0)
    file.close()
    const sums = sumsOf(bytes, BLOCK)
    return { bytes, place: { sha256, location: `file:${sha256}`, size, blockBytes: BLOCK, sums } }
  })
  const from = { disk: nodeDisk, dir, packs: new PackFiles(nodeDisk, dir), buffers }
  const [first] = kept
  assert.ok(first)
  return { from, kept, first, [Symbol.dispose]: () => rmSync(dir, { recursive: true }) }
}

test('chunks on loan hold the right bytes until the next one is asked for', async () => {
  const buffers = new ReadBuffers(8 * 512 * KiB)
  using set = blobs([700_001, 1_500_000, 500_000, 2_000_000, 900_001, 600_000], buffers)
  // Far more readers than the memory has room for, each at its own pace.
  const readers = Array.from({ length: 60 }, async (_, number) => {
    const { place, bytes } = set.kept[number % set.kept.length] ?? set.first
    const first = number % 3 === 0 ? 0 : (number * 977) % 200_000
    const range = { first, last: place.size - 1 }
    const found = await readBlob(set.from, place, { range, onLoan: true })
    assert.ok(found.chunks)
    let at = first
    for await (const chunk of found.chunks) {
      for (let wait = 0; wait < number % 5; wait += 1) await new Promise(setImmediate)
      const expected = bytes.subarray(at, at + chunk.length)
      assert.ok(expected.equals(chunk), `reader ${number} at ${at}`)
      at += chunk.length
    }
    assert.equal(at, place.size)
  })
  await Promise.all(readers)
  assert.equal(buffers.lentBytes, 0)
  assert.equal(buffers.hasRoom, true)
})

test('memory of a reading that broke off is not filled again', async () => {
  const buffers = new ReadBuffers(8 * 512 * KiB)
  using set = blobs([1_500_000], buffers)
  const found = await readBlob(set.from, set.first.place, { onLoan: true })
  assert.ok(found.chunks)
  const reading = found.chunks[Symbol.asyncIterator]()
  const { value } = await reading.next()
  const before = Buffer.from(value)
  await reading.return?.()
  assert.equal(buffers.lentBytes, 0)
  for (let round = 0; round < 5; round += 1) {
    const again = await readBlob(set.from, set.first.place, { onLoan: true })
    assert.ok(again.chunks)
    for await (const chunk of again.chunks) assert.ok(chunk.buffer !== value.buffer)
  }
  assert.ok(before.equals(value))
  assert.equal(buffers.lentBytes, 0)
})

test('chunks that nobody lends stay as they are', async () => {
  const buffers = new ReadBuffers(8 * 512 * KiB)
  using set = blobs([1_500_000], buffers)
  const found = await readBlob(set.from, set.first.place)
  assert.ok(found.chunks)
  const kept: Uint8Array[] = []
  for await (const chunk of found.chunks) kept.push(chunk)
  assert.ok(Buffer.concat(kept).equals(set.first.bytes))
})

test('damage read ahead of time is told with its own chunk, and frees the memory', async () => {
  const buffers = new ReadBuffers(8 * 512 * KiB)
  using set = blobs([1_500_000], buffers)
  const sums = Buffer.from(set.first.place.sums)
  const damaged = Math.floor((600 * KiB) / BLOCK)
  sums.writeUInt32LE(0, damaged * 4)
  const found = await readBlob(set.from, { ...set.first.place, sums }, { onLoan: true })
  assert.ok(found.chunks)
  let received = 0
  await assert.rejects(async () => {
    for await (const chunk of found.chunks) received += chunk.length
  }, /damaged|checksum/i)
  assert.equal(received, 512 * KiB)
  assert.equal(buffers.lentBytes, 0)
})

test('beyond its limit the memory is lent in short pieces, one to a reader', () => {
  const buffers = new ReadBuffers(512 * KiB)
  assert.equal(buffers.chunkBytes(BLOCK), 256 * KiB)
  const taken = [buffers.take(256 * KiB), buffers.take(256 * KiB)]
  assert.equal(buffers.hasRoom, false)
  assert.equal(buffers.chunkBytes(BLOCK), BLOCK)
  assert.equal(buffers.chunkBytes(1024 * KiB), 1024 * KiB)
  for (const buffer of taken) buffers.giveBack(buffer, true)
  assert.equal(buffers.hasRoom, true)
})
