import assert from 'node:assert/strict'
import test from 'node:test'
import { readFacts } from './content-facts.ts'

const facts = (headers: Record<string, string>) => readFacts(new Response('', { headers }))

test('names come in the extended form first, and never break on bad ones', () => {
  const name = (text: string) => facts({ 'content-disposition': text }).fileName
  assert.equal(name(`attachment; filename="a.txt"; filename*=UTF-8''%C3%A4%20b.txt`), 'ä b.txt')
  assert.equal(name('attachment; filename="a \\"b\\".txt"'), 'a "b".txt')
  assert.equal(name(`attachment; filename*=UTF-8''%FF`), undefined)
  assert.equal(name('attachment'), undefined)
})

test('a part tells its place in the whole', () => {
  const part = facts({ 'content-range': 'bytes 10-19/100', 'content-length': '10' })
  assert.deepEqual([part.size, part.offset, part.totalSize], [10, 10, 100])
  assert.equal(facts({ 'content-range': 'bytes 10-19/*' }).totalSize, undefined)
})

test('an encoded body has no known size', () => {
  const encoded = facts({ 'content-length': '5', 'content-encoding': 'gzip' })
  assert.equal(encoded.size, undefined)
  assert.equal(encoded.totalSize, undefined)
})

test('the digest is read from either header', () => {
  const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  const base64 = Buffer.from(hex, 'hex').toString('base64')
  assert.equal(facts({ 'repr-digest': `sha-512=:AA==:, sha-256=:${base64}:` }).sha256, hex)
  assert.equal(facts({ 'x-checksum': hex.toUpperCase() }).sha256, hex)
  assert.equal(facts({ 'repr-digest': 'sha-256=:AA==:' }).sha256, undefined)
})
