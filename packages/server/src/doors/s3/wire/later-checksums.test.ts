import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  type ChecksumAlgorithm,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { type S3TestServer, startS3, told } from '../started-s3.test.ts'

/** The checksums that AWS added last, computed and checked by its own client. */

const Bucket = 'sums'
const names = ['SHA512', 'MD5'] as const
let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send(`PUT /${Bucket}`)).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

const digest = (name: (typeof names)[number], ...bytes: Uint8Array[]) =>
  createHash(name.toLowerCase()).update(Buffer.concat(bytes)).digest('base64')

for (const name of names) {
  const sum: { ChecksumAlgorithm: ChecksumAlgorithm } = { ChecksumAlgorithm: name }
  const field = `Checksum${name}` as const
  const header = `x-amz-checksum-${name.toLowerCase()}`

  test(`${name} of objects is checked, kept and given back`, async () => {
    // The last one is hashed by a writer thread.
    for (const size of [0, 10, 70_000, 600_000]) {
      const Key = `${name}-${size}`
      const Body = Buffer.alloc(size, 'bytes of it')
      const value = digest(name, Body)
      const put = await s3.client.send(new PutObjectCommand({ Bucket, Key, Body, [field]: value }))
      assert.equal(put[field], value)
      const enabled = { Bucket, Key, ChecksumMode: 'ENABLED' } as const
      const head = await s3.client.send(new HeadObjectCommand(enabled))
      assert.deepEqual([head[field], head.ChecksumType], [value, 'FULL_OBJECT'])
      // The client refuses to read what it cannot check.
      const headers = { 'x-amz-checksum-mode': 'ENABLED' }
      const got = await s3.send(`GET /${Bucket}/${Key}`, { headers })
      assert.ok(Body.equals(got.bytes))
      assert.equal(got.headers[header], value)
      const asked = { Bucket, Key, ObjectAttributes: ['Checksum' as const] }
      const attributes = await s3.client.send(new GetObjectAttributesCommand(asked))
      assert.equal(attributes.Checksum?.[field], value)
    }
  })

  test(`${name} that differs is refused, in a header and behind the body`, async () => {
    const wrong = digest(name, Buffer.from('other'))
    for (const body of ['x', 'x'.repeat(600_000)]) {
      const put = await s3.send(`PUT /${Bucket}/wrong`, { body, headers: { [header]: wrong } })
      assert.deepEqual(told(put), [400, 'BadDigest'])
    }
    const chunked = `1\r\nx\r\n0\r\n${header}:${wrong}\r\n\r\n`
    const trailed = await s3.send(`PUT /${Bucket}/wrong`, {
      body: chunked,
      payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': '1',
        'x-amz-trailer': header,
      },
    })
    assert.deepEqual(told(trailed), [400, 'BadDigest'])
    const short = { [header]: wrong.slice(4) }
    const odd = await s3.send(`PUT /${Bucket}/wrong`, { body: 'x', headers: short })
    assert.deepEqual(told(odd), [400, 'InvalidRequest'])
    assert.equal((await s3.send(`HEAD /${Bucket}/wrong`)).status, 404)
  })

  test(`${name} of a multipart object is that of the checksums of its parts`, async () => {
    const Key = `${name}-parts`
    const full = { 'x-amz-checksum-algorithm': name, 'x-amz-checksum-type': 'FULL_OBJECT' }
    const refused = await s3.send(`POST /${Bucket}/${Key}?uploads`, { headers: full })
    assert.deepEqual(told(refused), [400, 'InvalidRequest'])
    const begin = new CreateMultipartUploadCommand({ Bucket, Key, ...sum })
    const { UploadId, ChecksumType } = await s3.client.send(begin)
    assert.equal(ChecksumType, 'COMPOSITE')
    const bodies = [Buffer.alloc(5 * 1024 * 1024, 'one'), Buffer.from('two')]
    const Parts: CompletedPart[] = []
    for (const [at, Body] of bodies.entries()) {
      const part = { Bucket, Key, UploadId, PartNumber: at + 1, Body, [field]: digest(name, Body) }
      const sent = await s3.client.send(new UploadPartCommand(part))
      assert.equal(sent[field], digest(name, Body))
      Parts.push({ PartNumber: at + 1, ETag: sent.ETag, [field]: sent[field] })
    }
    const MultipartUpload = { Parts }
    const done = await s3.client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }),
    )
    const sums = bodies.map(body => Buffer.from(digest(name, body), 'base64'))
    assert.equal(done[field], `${digest(name, ...sums)}-2`)
    const head = new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' })
    assert.equal((await s3.client.send(head))[field], done[field])
    const asked = { Bucket, Key, ObjectAttributes: ['Checksum' as const] }
    const { Checksum } = await s3.client.send(new GetObjectAttributesCommand(asked))
    assert.deepEqual(Checksum, { [field]: digest(name, ...sums), ChecksumType: 'COMPOSITE' })
  })
}

test('algorithms that are not computed are refused, and never ignored', async () => {
  for (const name of ['xxhash64', 'xxhash3', 'xxhash128']) {
    const headers = { [`x-amz-checksum-${name}`]: '71bbN1HY6Zk=' }
    const put = await s3.send(`PUT /${Bucket}/none`, { body: '', headers })
    assert.deepEqual(told(put), [400, 'InvalidRequest'])
    const algorithm = { 'x-amz-checksum-algorithm': name.toUpperCase() }
    const begun = await s3.send(`POST /${Bucket}/none?uploads`, { headers: algorithm })
    assert.deepEqual(told(begun), [400, 'InvalidRequest'])
  }
  assert.equal((await s3.send(`HEAD /${Bucket}/none`)).status, 404)
})

test('the client of AWS sends an MD5 as it always did', async () => {
  const Body = Buffer.from('x')
  const put = await s3.client.send(
    new PutObjectCommand({ Bucket, Key: 'md5', Body, ChecksumAlgorithm: 'MD5' }),
  )
  assert.equal(put.ChecksumMD5, digest('MD5', Body))
})

test('an object has one checksum, and Content-MD5 beside it has to hold as well', async () => {
  const md5 = digest('MD5', Buffer.from('x'))
  const other = digest('MD5', Buffer.from('y'))
  const put = async (headers: Record<string, string>) =>
    told(await s3.send(`PUT /${Bucket}/both`, { body: 'x', headers }))
  const both = { 'x-amz-checksum-md5': md5, 'content-md5': md5 }
  assert.deepEqual(await put(both), [200, undefined])
  assert.deepEqual(await put({ ...both, 'content-md5': other }), [400, 'BadDigest'])
  const two = { 'x-amz-checksum-md5': md5, 'x-amz-checksum-sha512': digest('SHA512') }
  assert.deepEqual(await put(two), [400, 'InvalidRequest'])
})
