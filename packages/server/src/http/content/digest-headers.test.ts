import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { expectedDigests, reprDigest } from './digest-headers.ts'

const body = 'holdfast'
const base64 = (name: string) => createHash(name).update(body).digest('base64')
const hex = (name: string) => createHash(name).update(body).digest('hex')

test('every header and algorithm is understood', () => {
  assert.deepEqual(expectedDigests({ 'content-md5': base64('md5') }), { md5: hex('md5') })
  assert.deepEqual(
    expectedDigests({ digest: `SHA-256=${base64('sha256')},md5=${base64('md5')}` }),
    {
      sha256: hex('sha256'),
      md5: hex('md5'),
    },
  )
  const structured = `sha-512=:${base64('sha512')}:, sha-256=:${base64('sha256')}:`
  const both = { sha512: hex('sha512'), sha256: hex('sha256') }
  assert.deepEqual(expectedDigests({ 'repr-digest': structured }), both)
  assert.deepEqual(expectedDigests({ 'content-digest': structured }), both)
  assert.deepEqual(expectedDigests({ 'x-amz-checksum-crc32c': 'AQIDBA==' }), { crc32c: '01020304' })
  assert.deepEqual(expectedDigests({ 'x-amz-checksum-sha1': base64('sha1') }), {
    sha1: hex('sha1'),
  })
  assert.deepEqual(expectedDigests({}), {})
})

test('unknown algorithms are skipped only beside a known one', () => {
  const value = `sha-999=:AAAA:, sha-256=:${base64('sha256')}:`
  assert.deepEqual(expectedDigests({ 'repr-digest': value }), { sha256: hex('sha256') })
  assert.throws(() => expectedDigests({ 'repr-digest': 'sha-999=:AAAA:' }), {
    code: 'DIGEST_UNSUPPORTED',
  })
  assert.throws(() => expectedDigests({ 'x-amz-checksum-sha999': 'AAAAAAAAAAA=' }), {
    code: 'DIGEST_UNSUPPORTED',
  })
})

test('malformed, short and contradicting values are refused', () => {
  for (const headers of [
    { 'content-md5': 'x' },
    { 'content-md5': base64('sha256') },
    { 'content-md5': `${base64('md5')}!` },
    { digest: 'sha-256' },
    { 'repr-digest': `sha-256=${base64('sha256')}` },
    { 'repr-digest': '' },
    { 'content-md5': base64('md5'), digest: `md5=${'A'.repeat(22)}==` },
  ]) {
    assert.throws(() => expectedDigests(headers), { code: 'DIGEST_UNSUPPORTED' })
  }
})

test('names of Object.prototype are no algorithms', () => {
  assert.throws(() => expectedDigests({ digest: 'constructor=AAAA' }), {
    code: 'DIGEST_UNSUPPORTED',
  })
  const digest = `sha-256=${base64('sha256')},constructor=AAAA`
  assert.deepEqual(expectedDigests({ digest }), { sha256: hex('sha256') })
})

test('the answer header is what a client would compute', () => {
  assert.equal(reprDigest(hex('sha256')), `sha-256=:${base64('sha256')}:`)
})
