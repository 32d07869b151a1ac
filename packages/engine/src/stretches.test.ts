import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stretch } from '@holdfast/core/ports/asset-questions.ts'
import { COUNTED_MAX, pageOf, walk } from './stretches.ts'
import { openTestStore, put, type TestStore } from './test-store.test.ts'
import { assetHistory, listVersions } from './versions/list.ts'

/** Numbers, newest first, of which the even ones are listed. */
function found(numbers: readonly number[], rows: number) {
  const looks = { turns: 0, stretches: 0, most: 0 }
  const stretch = (below: number, most: number): Stretch => {
    const next = numbers.filter(number => number < below).slice(0, most)
    looks.stretches += 1
    looks.most = Math.max(looks.most, next.length)
    return { rows: next.length, lowest: next.at(-1) ?? null }
  }
  const giveWay = async () => {
    looks.turns += 1
  }
  const among = ({ from, below }: { from: number; below: number }) =>
    numbers.filter(number => number >= from && number < below && number % 2 === 0)
  const finding = {
    count: (of: { from: number; below: number }) => among(of).length,
    list: (of: { from: number; below: number }, page: { limit: number; offset: number }) =>
      among(of).slice(page.offset, page.offset + page.limit),
  }
  const ask = (page: { limit: number; offset: number }) =>
    pageOf(walk(stretch, giveWay, rows), page, finding)
  return { ask, looks }
}

test('a page of stretches is that of all of them', async () => {
  // With gaps, as where versions went.
  const numbers = Array.from({ length: 40 }, (_, i) => 200 - i * 3 - (i % 5))
  const even = numbers.filter(number => number % 2 === 0)
  for (let offset = 0; offset <= even.length + 1; offset += 1) {
    for (const limit of [1, 2, 5, 100]) {
      const { ask } = found(numbers, 4)
      const page = await ask({ limit, offset })
      assert.deepEqual(page, { items: even.slice(offset, offset + limit), total: even.length })
    }
  }
  assert.deepEqual(await found([], 4).ask({ limit: 5, offset: 0 }), { items: [], total: 0 })
})

test('looks at some in each turn, and at no more than page and count take', async () => {
  const numbers = Array.from({ length: 60_000 }, (_, i) => 60_000 - i)
  const { ask, looks } = found(numbers, 5000)
  const { items, total } = await ask({ limit: 2, offset: 3 })
  assert.deepEqual(items, [59_994, 59_992])
  assert.equal(total, COUNTED_MAX + 5)
  assert.deepEqual(looks, { turns: 4, stretches: 5, most: 5000 })
})

async function many(opened: TestStore, count: number): Promise<string> {
  const { asset } = await put(opened, 'k', 'first')
  const puts = Array.from({ length: count - 1 }, (_, i) => put(opened, 'k', `${i}`))
  await Promise.all(puts)
  return asset.id
}

test('lists go on behind each piece', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const id = await many(opened, 260)
  const numbers = Array.from({ length: 260 }, (_, i) => 260 - i)
  const { items, total } = await listVersions(engine, call, id, { limit: 230, offset: 20 })
  assert.equal(total, 260)
  assert.deepEqual(
    items.map(({ number }) => number),
    numbers.slice(20, 250),
  )
  const history = await assetHistory(engine, call, id, { limit: 230, offset: 20 })
  assert.equal(history.total, 260)
  assert.equal(history.items.length, 230)
  const all = await assetHistory(engine, call, id, { limit: 1000 })
  assert.deepEqual(history.items, all.items.slice(20, 250))
})
