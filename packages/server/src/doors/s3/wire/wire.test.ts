import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressOf, parseCopySource } from '../requests/address.ts'
import { checksumOfHeader, isChecksumValue } from './checksums.ts'
import { etagsOf } from './conditions.ts'
import { headerOfText, RequestHeaders } from './headers.ts'
import { parseTagHeader } from './tags.ts'
import { uriDecode, uriEncode } from './uri.ts'

test('a checksum is base64 of as many bytes as it has', () => {
  assert.ok(isChecksumValue('CRC32', 'y/Q5Jg=='))
  assert.ok(isChecksumValue('CRC64NVME', 'rosUhgp5mIg='))
  assert.ok(!isChecksumValue('CRC32', 'y/Q5Jg='))
  assert.ok(!isChecksumValue('CRC32', 'y/Q5Jh=='))
  assert.ok(!isChecksumValue('SHA256', 'y/Q5Jg=='))
  assert.equal(checksumOfHeader('x-amz-checksum-crc64nvme'), 'CRC64NVME')
  assert.equal(checksumOfHeader('x-amz-checksum-type'), undefined)
})

test('URI encoding is that of AWS, and decodes to what it was', () => {
  assert.equal(uriEncode('a b+c/ä~*'), 'a%20b%2Bc/%C3%A4~%2A')
  assert.equal(uriEncode('a/b', { slash: true }), 'a%2Fb')
  assert.equal(uriDecode('%zz'), undefined)
  assert.equal(uriDecode('%4'), undefined)
  assert.equal(uriDecode('a+b', { plus: true })?.toString(), 'a b')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      assert.deepEqual(uriDecode(uriEncode(bytes)), Buffer.from(bytes))
    }),
  )
})

test('a path names bucket and key, which keeps every character', () => {
  const cases: [string, string | undefined, string | undefined][] = [
    ['/', undefined, undefined],
    ['/photos', 'photos', undefined],
    ['/photos/', 'photos', undefined],
    ['/photos//', 'photos', '/'],
    ['/photos/a//b', 'photos', 'a//b'],
    ['/photos/../etc', 'photos', '../etc'],
    ['/photos/./a', 'photos', './a'],
    ['/photos/%2e%2e%2fa', 'photos', '../a'],
    ['/photos/a+b', 'photos', 'a+b'],
    ['/photos/a%2Bb%25', 'photos', 'a+b%'],
    ['/photos/%C3%A4', 'photos', 'ä'],
  ]
  for (const [path, bucket, key] of cases) {
    assert.deepEqual(addressOf(path, 'localhost:8006', []), { bucket, key }, path)
  }
  assert.throws(() => addressOf('/photos/%ff', undefined, []), { code: 'InvalidURI' })
  assert.throws(() => addressOf('//photos', undefined, []), { code: 'InvalidBucketName' })
  assert.throws(() => addressOf('photos', undefined, []), { code: 'InvalidURI' })
})

test('a host of the domain names the bucket', () => {
  const domains = ['s3.example.org']
  const at = (host: string, path: string) => addressOf(path, host, domains)
  assert.deepEqual(at('photos.s3.example.org', '/a/b'), { bucket: 'photos', key: 'a/b' })
  assert.deepEqual(at('my.photos.S3.example.org:8006', '/'), {
    bucket: 'my.photos',
    key: undefined,
  })
  assert.deepEqual(at('s3.example.org', '/photos/a'), { bucket: 'photos', key: 'a' })
  assert.deepEqual(at('evil-s3.example.org', '/photos/a'), { bucket: 'photos', key: 'a' })
})

test('the source of a copy is read as the path of a request is, but for plus', () => {
  const cases: [string, string, string, string | undefined][] = [
    ['photos/a', 'photos', 'a', undefined],
    ['/photos/a/b%20c', 'photos', 'a/b c', undefined],
    ['photos/../x', 'photos', '../x', undefined],
    ['photos/a?versionId=null', 'photos', 'a', 'null'],
    ['photos%2Fa%3Fb', 'photos', 'a?b', undefined],
    ['photos/a+b%2Bc', 'photos', 'a b+c', undefined],
    ['photos/a+b', 'photos', 'a b', undefined],
    ['photos/a?b?versionId=1', 'photos', 'a?b', '1'],
  ]
  for (const [header, bucket, key, versionId] of cases) {
    assert.deepEqual(parseCopySource(header), { bucket, key, versionId }, header)
  }
  const bad = ['', 'photos', 'photos/', '/', 'photos/a?versionId=', 'photos/a?versionId=%']
  const unreadable = ['photos/%ff', 'photos/%ZZ', '100%/a', '%', 'photos/%1', 'photos/%C3%']
  for (const header of [...bad, ...unreadable, '192.168.1.1/a', 'a&()t/a', '2001:db8::1/a']) {
    assert.throws(() => parseCopySource(header), { code: 'InvalidArgument' }, header)
  }
})

test('header values come back as the bytes that they were', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), bytes => {
      const wire = Buffer.from(bytes).toString('latin1')
      const text = new RequestHeaders(['X-A', wire]).text('x-a') ?? ''
      assert.equal(headerOfText(text), wire)
      assert.ok(text.isWellFormed())
    }),
  )
})

test('only blanks and tabs around a value are not signed', () => {
  const signed = (text: string) => {
    const value = ` \t${Buffer.from(text).toString('latin1')}\t `
    return new RequestHeaders(['X-Amz-Meta-A', value]).canonical('x-amz-meta-a')
  }
  for (const text of ['voilà', 'СССР', '頠', '\u00a0x\u00a0', '\u3000', 'a']) {
    assert.equal(signed(text), `x-amz-meta-a:${Buffer.from(text).toString('latin1')}`, text)
  }
  assert.equal(signed('a   b'), 'x-amz-meta-a:a b')
  assert.equal(signed(''), 'x-amz-meta-a:')
})

test('tags of a header keep to the rules of AWS', () => {
  assert.deepEqual(parseTagHeader('a=1&b%20c=d+e'), [
    { key: 'a', value: '1' },
    { key: 'b c', value: 'd e' },
  ])
  const eleven = Array.from({ length: 11 }, (_, at) => `k${at}=v`).join('&')
  for (const bad of [eleven, 'aws:x=1', `${'k'.repeat(129)}=1`, 'a?=1', 'a=(']) {
    assert.throws(() => parseTagHeader(bad), { code: 'InvalidTag' }, bad)
  }
  for (const bad of ['a=%ff', 'a%', '=', '=1', 'a=1&a=2', 'a=1&a=1']) {
    assert.throws(() => parseTagHeader(bad), { code: 'InvalidArgument' }, bad)
  }
  assert.deepEqual(parseTagHeader('&&'), [])
  assert.deepEqual(parseTagHeader('&a&&b=&'), [
    { key: 'a', value: '' },
    { key: 'b', value: '' },
  ])
})

test('an ETag of a condition is taken with its quotes, without, or with one of them', () => {
  for (const text of ['"a"', 'a', 'a"', '"a', 'W/"a"', ' "a" ']) {
    assert.deepEqual(etagsOf(text), ['a'], text)
  }
  assert.deepEqual(etagsOf('"a", b,*'), ['a', 'b', '*'])
})
