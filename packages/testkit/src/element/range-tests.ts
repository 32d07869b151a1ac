import assert from 'node:assert/strict'
import type { ByteRange, WrittenBlob } from '@holdfast/core/ports/element.ts'
import { runSeed, SeededRandom } from '../seeded-random.ts'
import { checkBody, collect, elementTest, rejectsWith, writeBody } from './element-test.ts'
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
