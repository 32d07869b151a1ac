import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { crc32c } from '@holdfast/core/checksums/crc32c.ts'
import { crc64Hex, crc64nvme } from '@holdfast/core/checksums/crc64nvme.ts'
import { type S3TestServer, startS3, told } from '../started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /parts')).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

const refused = [400, 'InvalidRequest']
const sha256 = createHash('sha256').update('one').digest('base64')

const hexed = (hex: string) => Buffer.from(hex, 'hex').toString('base64')

async function begin(key: string, headers: Record<string, string>): Promise<string> {
  const { text } = await s3.send(`POST /parts/${key}?uploads`, { headers })
  return `/parts/${key}?uploadId=${/<UploadId>(.*?)<\/UploadId>/.exec(text)?.[1]}`
}

test('a part comes with the checksum of its upload or with none', async () => {
  const upload = await begin('mixed', { 'x-amz-checksum-algorithm': 'CRC32' })
  const part = async (headers: Record<string, string>) =>
    told(await s3.send(`PUT ${upload}&partNumber=1`, { body: 'one', headers }))
  assert.deepEqual(await part({ 'x-amz-checksum-sha256': sha256 }), refused)
  // Told before the bytes are looked at.
  const wrong = createHash('sha1').update('two').digest('base64')
  assert.deepEqual(await part({ 'x-amz-checksum-sha1': wrong }), refused)
  assert.deepEqual(await part({ 'x-amz-checksum-crc32': 'AAAAAA==' }), [400, 'BadDigest'])
  assert.deepEqual(await part({}), [200, undefined])
  const plain = await begin('plain', {})
  const headers = { 'x-amz-checksum-sha256': sha256 }
  const free = await s3.send(`PUT ${plain}&partNumber=1`, { body: 'one', headers })
  assert.deepEqual(told(free), [200, undefined])
})

// What boto3 sends over TLS after a create_multipart_upload that names no algorithm.
test('a checksum behind a part is held to where the upload named none', async () => {
  const upload = await begin('trailed', {})
  const sha512 = createHash('sha512').update('one').digest('base64')
  const right = {
    crc32: hexed(crc32('one').toString(16).padStart(8, '0')),
    crc32c: hexed(crc32c(Buffer.from('one')).toString(16).padStart(8, '0')),
    crc64nvme: hexed(crc64Hex(crc64nvme(Buffer.from('one')))),
    sha1: createHash('sha1').update('one').digest('base64'),
    sha256,
    sha512,
  }
  for (const [name, value] of Object.entries(right)) {
    const trailer = `x-amz-checksum-${name}`
    const part = async (sum: string) =>
      told(
        await s3.send(`PUT ${upload}&partNumber=1`, {
          body: `3\r\none\r\n0\r\n${trailer}:${sum}\r\n\r\n`,
          payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
          headers: {
            'content-encoding': 'aws-chunked',
            'x-amz-decoded-content-length': '3',
            'x-amz-trailer': trailer,
          },
        }),
      )
    assert.deepEqual(await part(value), [200, undefined], name)
    const other = Buffer.alloc(Buffer.from(value, 'base64').length).toString('base64')
    assert.deepEqual(await part(other), [400, 'BadDigest'], name)
  }
})

test('a part tells the checksum that came with it, and its completion may name it', async () => {
  const upload = await begin('told', {})
  const header = 'x-amz-checksum-sha256'
  const behind = await s3.send(`PUT ${upload}&partNumber=1`, {
    body: `3\r\none\r\n0\r\n${header}:${sha256}\r\n\r\n`,
    payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '3',
      'x-amz-trailer': header,
    },
  })
  assert.equal(behind.headers[header], sha256)
  const headers = { [header]: sha256 }
  const put = await s3.send(`PUT ${upload}&partNumber=1`, { body: 'one', headers })
  assert.equal(put.headers[header], sha256)
  // AWS shows checksums of parts only where the upload was begun with their algorithm.
  const listed = await s3.send(`GET ${upload}`)
  assert.doesNotMatch(listed.text, /Checksum/)
  const part =
    `<Part><PartNumber>1</PartNumber><ETag>${put.headers.etag}</ETag>` +
    `<ChecksumSHA256>${sha256}</ChecksumSHA256></Part>`
  const body = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`
  const done = await s3.send(`POST ${upload}`, { body })
  assert.deepEqual([done.status, done.code], [200, undefined], done.text)
  assert.doesNotMatch(done.text, /Checksum/)
})

test('headers of checksums and sizes that say nothing are no valid request', async () => {
  const create = async (headers: Record<string, string>) =>
    told(await s3.send('POST /parts/odd?uploads', { headers }))
  const algorithm = { 'x-amz-checksum-algorithm': 'CRC32' }
  assert.deepEqual(await create({ ...algorithm, 'x-amz-checksum-type': 'WHOLE' }), refused)
  assert.deepEqual(await create({ 'x-amz-checksum-algorithm': 'CRC31' }), refused)
  const upload = await begin('odd', { ...algorithm, 'x-amz-checksum-type': 'composite' })
  const put = await s3.send(`PUT ${upload}&partNumber=1`, { body: 'one' })
  const part = `<Part><PartNumber>1</PartNumber><ETag>${put.headers.etag}</ETag></Part>`
  const body = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`
  const complete = async (headers: Record<string, string>) =>
    told(await s3.send(`POST ${upload}`, { body, headers }))
  assert.deepEqual(await complete({ 'x-amz-checksum-type': 'WHOLE' }), refused)
  for (const size of ['-1', 'x', '4', '99999999999999999']) {
    assert.deepEqual(await complete({ 'x-amz-mp-object-size': size }), refused, size)
  }
  assert.equal((await s3.send('HEAD /parts/odd')).status, 404)
})

test('a list that names the version of the API is a list', async () => {
  assert.equal((await s3.send('GET /parts?Version=2006-03-01')).status, 200)
  assert.equal((await s3.send('DELETE /parts?Version=2006-03-01')).status, 501)
})

test('a part without its upload, or without its number, is no part', async () => {
  const path = '/parts/alone?partNumber=1'
  for (const headers of [{}, { 'x-amz-copy-source': '/parts/alone' }]) {
    const answer = await s3.send(`PUT ${path}`, { headers, body: '' })
    assert.deepEqual(told(answer), [400, 'InvalidArgument'])
    assert.match(answer.text, /This operation does not accept partNumber without uploadId/)
  }
  const upload = await begin('numberless', {})
  assert.deepEqual(told(await s3.send(`PUT ${upload}`, { body: 'x' })), [405, 'MethodNotAllowed'])
  assert.equal((await s3.send('HEAD /parts/alone')).status, 404)
})
