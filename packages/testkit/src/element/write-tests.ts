import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { WrittenBlob } from '@holdfast/core/ports/element.ts'
import { makeBody } from '../self-describing-bodies.ts'
import {
  checkBody,
  edgeSizes,
  elementTest,
  gatedSource,
  listed,
  listLines,
  readBytes,
  writeBody,
} from './element-test.ts'
import type { OpenElement } from './under-test.ts'

const big = 2 * 1024 * 1024

export function writeTests(open: OpenElement): void {
  visibilityTests(open)
  lifeTests(open)
  factsTests(open)
}

function visibilityTests(open: OpenElement): void {
  elementTest(open, 'E1 nothing is visible before it is whole', async element => {
    for (const size of [3000, big]) {
      const before = await listed(element)
      const gated = gatedSource(makeBody(size, size))
      const writing = element.write(gated.source, {})
      await gated.halfway
      assert.deepEqual(await listed(element), before)
      gated.open()
      const written = await writing
      assert.deepEqual(await listed(element), [...before, ...listLines([written])].sort())
    }
  })
  elementTest(open, 'E1 two writes of the same bytes at once make one blob', async element => {
    for (const size of [3000, big]) {
      const body = { operation: size, size }
      const writes = await Promise.all([1, 2, 3].map(() => writeBody(element, body)))
      for (const written of writes) await checkBody(element, written, { operation: size })
    }
    const sums = (await listed(element)).map(line => line.split(' ')[0])
    assert.equal(new Set(sums).size, 2)
  })
  elementTest(open, 'E2 durable means that it survives a reopening', async (element, under) => {
    assert.equal(element.traits.durable, under.reopen !== undefined, 'traits.durable and reopen')
    if (under.reopen === undefined) return
    const blobs: WrittenBlob[] = []
    for (const size of edgeSizes) blobs.push(await writeBody(element, { operation: 7, size }))
    await element.writeNote('attributes', '{"a":1}')
    const again = await under.reopen()
    for (const blob of blobs) await checkBody(again, blob, { operation: 7 })
    assert.equal(await again.readNote('attributes'), '{"a":1}')
    assert.deepEqual(await listed(again), listLines(blobs))
  })
}

function lifeTests(open: OpenElement): void {
  elementTest(open, 'E3 later writes leave a blob as it is', async element => {
    const first = await writeBody(element, { operation: 1, size: 70_000 })
    for (let operation = 2; operation < 12; operation += 1) {
      await writeBody(element, { operation, size: 70_000 })
    }
    await writeBody(element, { operation: 1, size: 70_000 })
    await checkBody(element, first, { operation: 1 })
  })
  elementTest(open, 'E3 the sender and the reader may reuse their buffers', async element => {
    for (const size of [2000, big]) {
      const body = makeBody(size, size)
      const written = await element.write(piece(body), {})
      body.fill(0)
      const bytes = await readBytes(element, written)
      bytes.fill(1)
      await checkBody(element, written, { operation: size })
    }
  })
  elementTest(open, 'E4 a blob can be read as soon as its write resolved', async element => {
    const writeAndRead = async (operation: number) => {
      const size = edgeSizes[operation % edgeSizes.length] ?? 0
      await checkBody(element, await writeBody(element, { operation, size }), { operation })
    }
    await Promise.all(Array.from({ length: 60 }, (_, operation) => writeAndRead(operation)))
  })
  elementTest(open, 'E5 remove is idempotent', async element => {
    for (const size of [2000, big]) {
      const gone = await writeBody(element, { operation: 1, size })
      const kept = await writeBody(element, { operation: 2, size })
      await element.remove(gone.location)
      await element.remove(gone.location)
      assert.equal(await element.stat(gone.location), undefined)
      assert.deepEqual(await element.stat(kept.location), { size })
      await checkBody(element, kept, { operation: 2 })
      await element.remove(kept.location)
      const again = await writeBody(element, { operation: 1, size })
      await checkBody(element, again, { operation: 1 })
      await element.remove(again.location)
    }
    assert.deepEqual(await listed(element), [])
  })
  elementTest(open, 'E6 list gives every finished blob once', async element => {
    const blobs: WrittenBlob[] = []
    for (let operation = 1; operation <= 150; operation += 1) {
      const size = operation % 30 === 0 ? 300_000 : operation * 13
      blobs.push(await writeBody(element, { operation, size }))
    }
    assert.deepEqual(await listed(element), listLines(blobs))
    const kept = blobs.filter((_, index) => index % 3 !== 0)
    for (const blob of blobs) if (!kept.includes(blob)) await element.remove(blob.location)
    assert.deepEqual(await listed(element), listLines(kept))
    for (const blob of kept)
      assert.deepEqual(await element.stat(blob.location), { size: blob.size })
  })
}

function factsTests(open: OpenElement): void {
  elementTest(open, 'a write tells digest, size and block sums', async element => {
    for (const size of edgeSizes) {
      const body = makeBody(3, size)
      const written = await writeBody(element, { operation: 3, size }, { md5: size % 2 === 0 })
      assert.equal(written.sha256, hash('sha256', body))
      assert.equal(written.md5, size % 2 === 0 ? hash('md5', body) : null)
      assert.ok(written.blockBytes > 0)
      const sums = Buffer.alloc(4 * Math.ceil(size / written.blockBytes))
      for (let i = 0; i * 4 < sums.length; i += 1) {
        const block = body.subarray(i * written.blockBytes, (i + 1) * written.blockBytes)
        sums.writeUInt32LE(crc32(block), i * 4)
      }
      assert.equal(Buffer.compare(written.sums, sums), 0)
      assert.deepEqual(await element.stat(written.location), { size })
    }
  })
  elementTest(open, 'a probe says that it is up and how much room there is', async element => {
    const probe = await element.probe()
    assert.equal(probe.state, 'up')
    assert.ok(probe.freeBytes >= 0 && probe.freeBytes <= probe.totalBytes)
    assert.ok(element.id.length > 0)
  })
}

async function* piece(body: Uint8Array): AsyncGenerator<Uint8Array> {
  await undefined
  yield body
}
