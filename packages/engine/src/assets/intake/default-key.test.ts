import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { keyProblem } from '@holdfast/core/names.ts'
import { openTestStore, owner } from '../../test-store.test.ts'
import { defaultKey, nameOfKey } from './default-key.ts'

describe('default keys', () => {
  it('name service, owner, day and file', async () => {
    await using opened = await openTestStore()
    const parts = { service: 'campaign', ownerId: owner, name: 'map.png' }
    const key = defaultKey(opened.engine, parts)
    assert.match(key, new RegExp(`^campaign/${owner}/20260101/[0-9a-f]{8}_map\\.png$`))
    assert.notEqual(defaultKey(opened.engine, parts), key)
  })

  it('fit the bounds for every name, and keep the extension', async () => {
    await using opened = await openTestStore()
    for (const name of [
      `${'x'.repeat(1020)}.png`,
      `${'😀'.repeat(255)}.png`,
      `${'é'.repeat(509)}.png`,
    ]) {
      const key = defaultKey(opened.engine, { service: 's'.repeat(255), ownerId: owner, name })
      assert.equal(keyProblem(key), undefined)
      assert.ok(key.endsWith('.png'))
    }
  })

  it('hold no path of the file name', async () => {
    await using opened = await openTestStore()
    const parts = { service: 's', ownerId: owner, name: '../a\\b/c' }
    const key = defaultKey(opened.engine, parts)
    assert.ok(key.endsWith('_.._a_b_c'))
  })

  it('give back the file name', () => {
    assert.equal(nameOfKey('a/b/c.txt'), 'c.txt')
    assert.equal(nameOfKey('c.txt'), 'c.txt')
    assert.equal(nameOfKey('a/b/'), 'a/b/')
  })
})
