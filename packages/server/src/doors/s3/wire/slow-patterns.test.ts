import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startS3, told } from '../started-s3.test.ts'

/** Nobody waits for these: a pattern that tries them for ever hangs the test, and the server. */
test('headers and lines that fit nowhere are refused at once', async () => {
  await using s3 = await startS3()
  await s3.send('PUT /slow')
  const blanks = ' '.repeat(20_000)
  for (const [auth, refused] of [
    ['none', [403, 'AccessDenied']],
    ['header', [400, 'InvalidArgument']],
  ] as const) {
    const headers = { 'x-amz-grant-read': `id=${blanks}"x"y` }
    const put = await s3.send('PUT /slow/grant', { auth, headers, body: 'x' })
    assert.deepEqual(told(put), refused)
  }
  const trailer = `x-amz-checksum-crc32:${' '.repeat(4000)}x\ry`
  const body = `1\r\na\r\n0\r\n${trailer}\r\n\r\n`
  const headers = {
    'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'x-amz-decoded-content-length': '1',
    'x-amz-trailer': 'x-amz-checksum-crc32',
  }
  const payload = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
  const streamed = await s3.send('PUT /slow/trailer', { headers, payload, body })
  assert.deepEqual(told(streamed), [400, 'InvalidRequest'])
  for (const name of [`name="${'\\\\'.repeat(200)}`, `name=${' '.repeat(4000)}x y`]) {
    const type = 'multipart/form-data; boundary=b'
    const form = `--b\r\nContent-Disposition: form-data; ${name}\r\n\r\nx\r\n--b--\r\n`
    const posted = await s3.send('POST /slow', {
      auth: 'none',
      headers: { 'content-type': type },
      body: form,
    })
    assert.equal(posted.status, 400)
  }
  const owner = /<Owner>.*?<\/Owner>/.exec((await s3.send('GET /slow?acl')).text)?.[0]
  const inherited = await s3.send('PUT /slow?acl', {
    body:
      `<AccessControlPolicy>${owner}<AccessControlList><Grant><Grantee><URI>constructor</URI>` +
      '</Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>',
  })
  assert.deepEqual(told(inherited), [400, 'InvalidArgument'])
  assert.doesNotMatch((await s3.send('GET /slow')).text, /<Contents>/)
})
