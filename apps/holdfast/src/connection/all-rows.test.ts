import assert from 'node:assert/strict'
import test from 'node:test'
import { allRows } from './all-rows.ts'

test('a list is read to its end, and one that has none is not', async () => {
  const asked: number[] = []
  const pagesOf = (total: (offset: number) => number, size: (offset: number) => number) => {
    asked.length = 0
    return allRows(async ({ limit, offset }) => {
      asked.push(offset)
      const items = Array.from({ length: Math.min(limit, size(offset)) }, (_, n) => offset + n)
      return { items, total: total(offset) }
    })
  }
  const honest = await pagesOf(
    () => 2500,
    offset => 2500 - offset,
  )
  assert.deepEqual(
    honest,
    Array.from({ length: 2500 }, (_, n) => n),
  )
  assert.deepEqual(asked, [0, 1000, 2000])
  assert.deepEqual(
    await pagesOf(
      () => 0,
      () => 0,
    ),
    [],
  )
  const one = pagesOf(
    offset => offset + 2,
    () => 1,
  )
  await assert.rejects(one, /sent 1 of the 2 rows/)
  const full = pagesOf(
    offset => offset + 5000,
    () => 1000,
  )
  await assert.rejects(full, /longer than 1000000 rows/)
  assert.equal(asked.length, 1000)
})
