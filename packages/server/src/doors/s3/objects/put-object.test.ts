import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { startS3, told } from '../started-s3.test.ts'

const md5 = (bytes: Uint8Array, encoding: 'hex' | 'base64') =>
  createHash('md5').update(bytes).digest(encoding)

test('small bodies that take turns in the same memory do not mix', async () => {
  await using s3 = await startS3()
  await s3.send('PUT /turns')
  const bodyOf = (number: number, round: number) =>
    Buffer.alloc((number * 2741 + 1) % 70_000, `body ${number} of round ${round} `)
  for (let round = 0; round < 2; round += 1) {
    const puts = Array.from({ length: 48 }, async (_, number) => {
      const body = bodyOf(number, round)
      // Refused once their bytes were read: nobody may find them in the place of others.
      const isWrong = number % 4 === 3
      const headers = isWrong ? { 'content-md5': md5(Buffer.from('else'), 'base64') } : {}
      const payload = number % 2 === 0 ? {} : { payload: 'UNSIGNED-PAYLOAD' }
      const put = await s3.send(`PUT /turns/${number}`, { body, headers, ...payload })
      if (isWrong) assert.deepEqual(told(put), [400, 'BadDigest'])
      else assert.deepEqual([put.status, put.headers.etag], [200, `"${md5(body, 'hex')}"`])
    })
    await Promise.all(puts)
  }
  for (let number = 0; number < 48; number += 1) {
    const { status, bytes } = await s3.send(`GET /turns/${number}`)
    if (number % 4 === 3) assert.equal(status, 404)
    else assert.deepEqual(bytes, bodyOf(number, 1), `${number}`)
  }
})

test('a small body is asked for only when its put may be', async () => {
  await using s3 = await startS3()
  const put = await s3.send('PUT /no-such-bucket/key', { body: 'bytes' })
  assert.deepEqual(told(put), [404, 'NoSuchBucket'])
  await s3.send('PUT /some')
  const empty = await s3.send('PUT /some/empty')
  assert.deepEqual([empty.status, empty.headers.etag], [200, `"${md5(Buffer.of(), 'hex')}"`])
  const wrong = await s3.send('PUT /some/wrong', { body: 'bytes', payload: '0'.repeat(64) })
  assert.deepEqual(told(wrong), [400, 'XAmzContentSHA256Mismatch'])
  assert.equal((await s3.send('GET /some/wrong')).status, 404)
})
