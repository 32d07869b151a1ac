import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bounds } from '@holdfast/core/limits.ts'
import { createBucket } from '../buckets/buckets.ts'
import { callOf, openTestStore, put, refused } from '../test-store.test.ts'
import { addLink, listLinks, removeLink } from './links.ts'
import { removeAsset } from './remove.ts'

async function openThree() {
  const opened = await openTestStore()
  const [a = '', b = '', c = ''] = await Promise.all(
    ['a', 'b', 'c'].map(async key => (await put(opened, key, key)).asset.id),
  )
  return { ...opened, a, b, c, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

describe('links', () => {
  it('may form cycles, of one, two and three', async () => {
    await using set = await openThree()
    const { engine, call, a, b, c } = set
    for (const [from, to] of [
      [a, b],
      [b, c],
      [c, a],
      [b, a],
      [a, a],
    ] as const) {
      await set.clock.advance(1)
      const link = await addLink(engine, call, from, { type: 'next', to })
      assert.deepEqual([link.fromId, link.toId, link.type], [from, to, 'next'])
    }
    const ofA = await listLinks(engine, call, a)
    assert.equal(ofA.total, 4)
    assert.deepEqual(
      ofA.items.map(link => [link.fromId, link.toId]),
      [
        [a, b],
        [c, a],
        [b, a],
        [a, a],
      ],
    )
  })

  it('are listed by type and in pages', async () => {
    await using set = await openThree()
    const { engine, call, a, b, c } = set
    for (const [from, type, to] of [
      [a, 'x', b],
      [a, 'y', b],
      [c, 'x', a],
    ] as const) {
      await addLink(engine, call, from, { type, to })
      await set.clock.advance(1)
    }
    const typed = await listLinks(engine, call, a, { type: 'x', limit: 1, offset: 1 })
    assert.equal(typed.total, 2)
    assert.deepEqual(
      typed.items.map(link => link.fromId),
      [c],
    )
    const second = await listLinks(engine, call, a, { limit: 2, offset: 2 })
    assert.deepEqual([second.total, second.items.length], [3, 1])
  })

  it('exist once per pair and type', async () => {
    await using set = await openThree()
    const { engine, call, a, b } = set
    const link = await addLink(engine, call, a, { type: 'x', to: b })
    const twice = addLink(engine, call, a, { type: 'x', to: b })
    await assert.rejects(twice, refused('LINK_EXISTS', { link_id: link.id }))
    await addLink(engine, call, b, { type: 'x', to: a })
    await removeLink(engine, call, a, link.id)
    await addLink(engine, call, a, { type: 'x', to: b })
  })

  it('have a bound per asset, at both ends', async () => {
    await using set = await openThree()
    const { engine, call, a, b, c } = set
    const limit = bounds.linksPerAssetMax
    const types = Array.from({ length: limit }, (_, i) => `type-${i}`)
    for (const from of [a, c]) {
      await Promise.all(types.map(type => addLink(engine, call, from, { type, to: b })))
    }
    const full = addLink(engine, call, a, { type: 'more', to: c })
    await assert.rejects(full, refused('TOO_MANY_ITEMS', { asset_id: a, limit }))
    const met = addLink(engine, call, b, { type: 'more', to: b })
    await assert.rejects(met, refused('TOO_MANY_ITEMS', { asset_id: b, limit: 2 * limit }))
    await addLink(engine, call, b, { type: 'more', to: a })
    assert.equal((await listLinks(engine, call, b)).total, 2 * limit + 1)
  })

  it('of readers take no room from those who may write', async () => {
    await using set = await openThree()
    const { engine, call, a, b } = set
    const limit = bounds.linksPerAssetMax
    const reader = callOf({ id: 'reader', permissions: ['assets:read', 'assets:write'] })
    const acl = { read: ['reader'], write: [] }
    const owned = (await put(set, 'owned', 'x', { acl })).asset.id
    const own = (await put({ ...set, call: reader }, 'own', 'x')).asset.id
    const types = Array.from({ length: limit }, (_, i) => `type-${i}`)
    await Promise.all(types.map(type => addLink(engine, reader, own, { type, to: owned })))
    const another = (await put({ ...set, call: reader }, 'another', 'x')).asset.id
    const met = addLink(engine, reader, another, { type: 'x', to: owned })
    await assert.rejects(met, refused('TOO_MANY_ITEMS', { asset_id: owned, limit }))
    await addLink(engine, call, owned, { type: 'thumbnail', to: a })
    await addLink(engine, call, b, { type: 'derived-from', to: owned })
  })

  it('are removed by who may write the asset that they lead to, where shown', async () => {
    await using set = await openThree()
    const { engine, call, a } = set
    const writer = callOf({ id: 'writer', permissions: ['assets:read', 'assets:write'] })
    const from = async (key: string, read: string[]) => {
      const { id } = (await put(set, key, 'x', { acl: { read, write: [] } })).asset
      return (await addLink(engine, call, id, { type: 'x', to: a })).id
    }
    const shown = await from('shown', ['writer'])
    const hidden = await from('hidden', [])
    await removeLink(engine, writer, a, shown)
    await assert.rejects(removeLink(engine, writer, a, hidden), refused('LINK_NOT_FOUND'))
  })

  it('are removed from either end, and only from these', async () => {
    await using set = await openThree()
    const { engine, call, a, b, c } = set
    const link = await addLink(engine, call, a, { type: 'x', to: b })
    await assert.rejects(removeLink(engine, call, c, link.id), refused('LINK_NOT_FOUND'))
    await removeLink(engine, call, b, link.id)
    await assert.rejects(removeLink(engine, call, a, link.id), refused('LINK_NOT_FOUND'))
  })

  it('are shown with two readable ends, and removed by writers of the first', async () => {
    await using set = await openThree()
    const { engine, call, a, b } = set
    await createBucket(engine, call, { name: 'beta' })
    const beta = (await put(set, 'x', 'x', { bucket: 'beta' })).asset.id
    const guarded = (await put(set, 'g', 'g', { acl: { read: [], write: [] } })).asset.id
    const confined = callOf({ permissions: ['assets:*'], buckets: ['photos'] })
    const pairs = [
      [beta, a],
      [guarded, a],
      [a, guarded],
      [a, beta],
      [b, a],
      [a, a],
    ] as const
    const links = []
    for (const [from, to] of pairs) {
      links.push(await addLink(engine, call, from, { type: 'x', to }))
      await set.clock.advance(1)
    }
    assert.equal((await listLinks(engine, call, a)).total, 6)
    for (const query of [{}, { type: 'x' }]) {
      const seen = await listLinks(engine, confined, a, query)
      assert.deepEqual([seen.total, seen.items], [2, links.slice(4)])
    }
    const second = await listLinks(engine, confined, a, { limit: 1, offset: 1 })
    assert.deepEqual([second.total, second.items], [2, links.slice(5)])
    for (const foreign of links.slice(0, 2)) {
      const removal = removeLink(engine, confined, a, foreign.id)
      await assert.rejects(removal, refused('LINK_NOT_FOUND', { link_id: foreign.id }))
    }
    for (const own of links.slice(2)) await removeLink(engine, confined, a, own.id)
    assert.deepEqual((await listLinks(engine, call, a)).items, links.slice(0, 2))
  })

  it('need two assets that are there and may be read, and a proper type', async () => {
    await using set = await openThree()
    const { engine, call, a, b, c } = set
    const absent = '0199d0c0-0000-7000-8000-0000000000ff'
    const missing = refused('ASSET_NOT_FOUND', { asset_id: absent })
    await assert.rejects(addLink(engine, call, a, { type: 'x', to: absent }), missing)
    await assert.rejects(addLink(engine, call, absent, { type: 'x', to: a }), missing)
    for (const type of ['', ' x', 'a\n', 'x'.repeat(65), 'ä']) {
      const wrong = addLink(engine, call, a, { type, to: b })
      await assert.rejects(wrong, refused('VALIDATION_ERROR'))
    }
    await removeAsset(engine, call, c)
    const deleted = addLink(engine, call, a, { type: 'x', to: c })
    await assert.rejects(deleted, refused('ASSET_NOT_FOUND'))
    const hidden = await put(set, 'h', 'x', { acl: { read: [], write: [] } })
    const writer = callOf({ permissions: ['assets:*'] })
    const secret = addLink(engine, writer, a, { type: 'x', to: hidden.asset.id })
    await assert.rejects(secret, refused('ASSET_NOT_FOUND'))
    const reader = callOf({ permissions: ['assets:read'] })
    const forbidden = addLink(engine, reader, a, { type: 'x', to: b })
    await assert.rejects(forbidden, refused('FORBIDDEN'))
  })
})
