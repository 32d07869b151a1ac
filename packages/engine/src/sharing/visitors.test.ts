import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineOf } from '../caller-lines.ts'
import { anonymousCall, openTestStore, put } from '../test-store.test.ts'
import { listShared, openShare } from './open-share.ts'
import { createShare } from './shares.ts'

test('visitors wait as the strangers that they are, and not in the line of the maker', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { asset } = await put(opened, 'a.txt', 'a')
  const { token } = await createShare(engine, call, { target: { bucket: 'photos', prefix: '' } })
  const { lists, moments } = engine
  const lines = new Set<string>()
  const giveWay = lists.giveWay.bind(lists)
  lists.giveWay = of => {
    lines.add(lineOf(of))
    return giveWay(of)
  }
  const read = moments.read.bind(moments)
  moments.read = async (of, questions) => {
    lines.add(lineOf(of))
    return await read(of, questions)
  }
  const visitor = { ...anonymousCall, address: '203.0.113.7' }
  const share = await openShare(engine, visitor, { token, password: undefined })
  const { items } = await listShared(engine, share, { limit: 100 })
  assert.equal(items[0]?.asset.id, asset.id)
  // Long searches of all wait in a line of their own.
  lines.delete('search')
  assert.deepEqual([...lines], ['anonymous 203.0.113.7'])
})
