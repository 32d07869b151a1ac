import assert from 'node:assert/strict'
import test from 'node:test'
import { addressOf, parseServerUrl } from './address.ts'

test('values arrive as they are, whatever characters they hold', () => {
  for (const key of ['a b', 'a/../b', '..', '?#&=%', 'ключ', '🦭', '\r\n', 'a+b', "'", '%2e%2e']) {
    const address = addressOf('/b/{bucket}/asset', { bucket: 'pics' }, { key })
    const url = new URL(`http://host${address}`)
    assert.equal(url.pathname, '/b/pics/asset')
    assert.equal(url.searchParams.get('key'), key)
  }
})

test('lists repeat their name, and absent values are left out', () => {
  const query = { tags: ['a', 'b c'], limit: 5, all: false, none: undefined, no: null }
  assert.equal(addressOf('/x', {}, query), '/x?tags=a&tags=b%20c&limit=5&all=false')
})

test('a segment that would address another resource is refused', () => {
  for (const id of ['', '.', '..']) {
    assert.throws(() => addressOf('/assets/{id}', { id }, {}), TypeError, JSON.stringify(id))
  }
  assert.equal(addressOf('/assets/{id}', { id: '../buckets/x' }, {}), '/assets/..%2Fbuckets%2Fx')
})

test('the server is an http address without credentials', () => {
  assert.equal(parseServerUrl('http://host:8005/'), 'http://host:8005')
  assert.equal(parseServerUrl('https://host/files/'), 'https://host/files')
  for (const url of ['host:8005', 'ftp://host', 'http://a:b@host', 'http://host?x=1', '']) {
    assert.throws(() => parseServerUrl(url), TypeError, url)
  }
})
