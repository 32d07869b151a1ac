import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import type { ByteRange, WrittenBlob } from '@holdfast/core/ports/element.ts'
import { runSeed, SeededRandom } from '../seeded-random.ts'
import {
  checkBody,
  collect,
  elementTest,
  rejectsWith,
  sha256Of,
  writeBody,
} from './element-test.ts'
import type { OpenElement } from './under-test.ts'

const sizes = [1, 5000, 200_000, 3 * 1024 * 1024 + 17]

export function rangeTests(open: OpenElement): void {
  elementTest(open, 'E8 ranges are parts of the blob, across block borders too', async element => {
    for (const size of sizes) {
      const blob = await writeBody(element, { operation: size, size })
      for (const range of edgeRanges(blob)) {
        await checkBody(element, blob, { operation: size, range })
      }
    }
  })
  elementTest(open, 'E8 any range is right', async element => {
    const seed = runSeed()
    const random = new SeededRandom(seed)
    for (const size of sizes) {
      const blob = await writeBody(element, { operation: size, size })
      for (let i = 0; i < 40; i += 1) {
        const first = random.below(size)
        const range = { first, last: first + random.below(size - first) }
        await checkBody(element, blob, { operation: size, range })
      }
    }
  })
  elementTest(open, 'a reader may leave in the middle, or before it began', async element => {
    const blob = await writeBody(element, { operation: 1, size: 3 * 1024 * 1024 })
    for (let i = 0; i < 30; i += 1) {
      const { chunks } = await element.read(blob)
      assert.ok(chunks !== undefined, 'megabytes come as chunks')
      if (i % 2 === 0) {
        for await (const chunk of chunks) {
          assert.ok(chunk.length > 0)
          break
        }
      } else await chunks[Symbol.asyncIterator]().return?.()
    }
    await checkBody(element, blob, { operation: 1 })
  })
  elementTest(open, 'E8 what does not match its sums is not given out', async element => {
    for (const size of sizes) {
      const blob = await writeBody(element, { operation: 1, size })
      const sums = Uint8Array.from(blob.sums)
      sums[sums.length - 1]! ^= 1
      const wrong = { ...blob, sums }
      const lastByte = { first: size - 1, last: size - 1 }
      await rejectsWith(readAll(element.read(wrong)), 'BLOB_DAMAGED')
      await rejectsWith(readAll(element.read(wrong, lastByte)), 'BLOB_DAMAGED')
      const few = { ...blob, sums: blob.sums.subarray(4) }
      await rejectsWith(readAll(element.read(few)), 'BLOB_DAMAGED')
    }
  })
  elementTest(open, 'E8 a changed byte is found in every read that covers it', async (_, under) => {
    if (under.damage === undefined) return
    for (const size of sizes) {
      for (const offset of new Set([0, Math.floor(size / 2), size - 1])) {
        const blob = await writeBody(under.element, { operation: size + offset, size })
        await under.damage(blob, offset)
        await rejectsWith(readAll(under.element.read(blob)), 'BLOB_DAMAGED')
        const range = { first: offset, last: offset }
        await rejectsWith(readAll(under.element.read(blob, range)), 'BLOB_DAMAGED')
      }
    }
  })
}

/** On loan as often as the element lends: the first time from the medium, then from memory. */
export function loanTests(open: OpenElement): void {
  elementTest(open, 'E8 what is lent is what was written', async element => {
    const blobs: WrittenBlob[] = []
    for (const size of sizes) blobs.push(await writeBody(element, { operation: size, size }))
    for (let round = 0; round < 3; round += 1) {
      const lent = await Promise.all(blobs.map(blob => element.lend?.(blob)))
      // All at once, so that no two of them share memory.
      for (const [at, { size }] of blobs.entries()) {
        const bytes = lent[at]?.bytes
        if (bytes !== undefined) assert.equal(hash('sha256', bytes), sha256Of(size, size))
      }
      for (const loan of lent) loan?.release(true)
      for (const blob of blobs) await checkBody(element, blob, { operation: blob.size })
    }
  })
  elementTest(open, 'E8 nothing is lent that does not match its sums', async (element, under) => {
    for (const size of sizes) {
      const blob = await writeBody(element, { operation: 1, size })
      // Now it counts as being in memory, where damage is met by the loan itself.
      for (let round = 0; round < 2; round += 1) (await element.lend?.(blob))?.release(true)
      await checkBody(element, blob, { operation: 1 })
      await under.damage?.(blob, size - 1)
      const sums = Uint8Array.from(blob.sums)
      sums[sums.length - 1]! ^= 1
      const wrong = under.damage === undefined ? { ...blob, sums } : blob
      for (let round = 0; round < 2; round += 1)
        assert.equal(await lentOr(element, wrong), undefined)
    }
  })
}

async function lentOr(element: OpenedElement, blob: WrittenBlob): Promise<unknown> {
  try {
    return await element.lend?.(blob)
  } catch {
    return undefined
  }
}

async function readAll(reading: ReturnType<OpenedElement['read']>): Promise<void> {
  await collect(await reading)
}

type OpenedElement = Awaited<ReturnType<OpenElement>>['element']

function edgeRanges({ size, blockBytes }: WrittenBlob): ByteRange[] {
  const points = [0, 1, blockBytes - 1, blockBytes, blockBytes + 1, 2 * blockBytes, size - 1]
  const inside = [...new Set(points.filter(point => point >= 0 && point < size))]
  return inside.flatMap(first =>
    inside.filter(last => last >= first).map(last => ({ first, last })),
  )
}
