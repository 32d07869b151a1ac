import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type S3Answer, type S3TestServer, startS3, told } from '../started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /parts')).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

const first = 'a'.repeat(5 * 1024 * 1024)
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('base64')
const sums = [first, 'tail'].map(sha256)
const whole = sha256(Buffer.concat(sums.map(sum => Buffer.from(sum, 'base64'))))

/** Two parts of an upload with SHA-256: what is left is to complete it. */
async function upload(
  key: string,
): Promise<(parts: boolean, headers: object) => Promise<S3Answer>> {
  const begun = await s3.send(`POST /parts/${key}?uploads`, {
    headers: { 'x-amz-checksum-algorithm': 'SHA256' },
  })
  const id = /<UploadId>(.*?)<\/UploadId>/.exec(begun.text)?.[1] ?? ''
  const etags: string[] = []
  for (const [at, body] of [first, 'tail'].entries()) {
    const line = `PUT /parts/${key}?uploadId=${id}&partNumber=${at + 1}`
    const headers = { 'x-amz-checksum-sha256': sums[at] ?? '' }
    etags.push((await s3.send(line, { body, headers })).headers.etag ?? '')
  }
  return async (summed, headers) => {
    const parts = etags.map((etag, at) => {
      const sum = summed ? `<ChecksumSHA256>${sums[at]}</ChecksumSHA256>` : ''
      return `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag>${sum}</Part>`
    })
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
    return s3.send(`POST /parts/${key}?uploadId=${id}`, { body, headers: { ...headers } })
  }
}

test('a completion that is not what was begun and sent is refused', async () => {
  const complete = await upload('refused')
  const cases: [string, boolean, object, string][] = [
    ['another size', true, { 'x-amz-mp-object-size': '5' }, 'InvalidRequest'],
    ['no checksums of the parts', false, {}, 'InvalidRequest'],
    ['another type of checksum', true, { 'x-amz-checksum-type': 'FULL_OBJECT' }, 'InvalidRequest'],
    ['no type of checksum', true, { 'x-amz-checksum-type': 'x' }, 'InvalidRequest'],
    ['another checksum', true, { 'x-amz-checksum-sha256': `${sums[0]}-2` }, 'BadDigest'],
  ]
  for (const [name, summed, headers, code] of cases) {
    assert.deepEqual(told(await complete(summed, headers)), [400, code], name)
  }
  assert.equal((await s3.send('HEAD /parts/refused')).status, 404)
  const right = {
    'x-amz-mp-object-size': String(first.length + 4),
    'x-amz-checksum-type': 'COMPOSITE',
    'x-amz-checksum-sha256': `${whole}-2`,
  }
  const done = await complete(true, right)
  assert.equal(done.status, 200, done.text)
  assert.match(done.text, new RegExp(`<ChecksumSHA256>${whole.replaceAll('+', '\\+')}-2<`))
})

test('a part is read with the checksum that it came with', async () => {
  const complete = await upload('read')
  assert.equal((await complete(true, {})).status, 200)
  const headers = { 'x-amz-checksum-mode': 'ENABLED' }
  for (const method of ['GET', 'HEAD']) {
    const answer = await s3.send(`${method} /parts/read?partNumber=2`, { headers })
    assert.deepEqual([answer.status, answer.headers['x-amz-checksum-sha256']], [206, sums[1]])
  }
  const silent = await s3.send('HEAD /parts/read?partNumber=2')
  assert.equal(silent.headers['x-amz-checksum-sha256'], undefined)
  const range = await s3.send('GET /parts/read', { headers: { ...headers, range: 'bytes=0-0' } })
  assert.equal(range.headers['x-amz-checksum-sha256'], undefined)
})

test('a checksum of an algorithm that is not served is no checksum to ignore', async () => {
  const headers = { 'x-amz-checksum-sha512': 'AAAA' }
  const put = await s3.send('PUT /parts/unknown', { body: 'x', headers })
  assert.deepEqual(told(put), [400, 'InvalidRequest'])
  assert.equal((await s3.send('HEAD /parts/unknown')).status, 404)
})

test('a part without bytes is read as that, not as the whole object', async () => {
  const begun = await s3.send('POST /parts/hollow?uploads')
  const line = `/parts/hollow?uploadId=${/<UploadId>(.*?)</.exec(begun.text)?.[1]}`
  const parts: string[] = []
  for (const [at, body] of [first, ''].entries()) {
    const { headers } = await s3.send(`PUT ${line}&partNumber=${at + 1}`, { body })
    parts.push(`<Part><PartNumber>${at + 1}</PartNumber><ETag>${headers.etag}</ETag></Part>`)
  }
  const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
  assert.equal((await s3.send(`POST ${line}`, { body })).status, 200)
  for (const method of ['GET', 'HEAD']) {
    const { status, headers, bytes } = await s3.send(`${method} /parts/hollow?partNumber=2`)
    assert.deepEqual([status, headers['content-length'], bytes.length], [206, '0', 0], method)
    assert.equal(headers['x-amz-mp-parts-count'], '2')
  }
})

test('too many parts of parts are refused with a sentence', async t => {
  t.mock.property(s3.server.running.context.engine.limits, 'plainPartsMax', 3)
  const complete = await upload('pair')
  assert.equal((await complete(true, {})).status, 200)
  const begun = await s3.send('POST /parts/nested?uploads')
  const line = `/parts/nested?uploadId=${/<UploadId>(.*?)</.exec(begun.text)?.[1]}`
  const parts: string[] = []
  for (const number of [1, 2]) {
    const headers = { 'x-amz-copy-source': '/parts/pair' }
    const { text } = await s3.send(`PUT ${line}&partNumber=${number}`, { headers })
    const etag = /<ETag>(.*?)</.exec(text)?.[1]
    parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`)
  }
  const send = (named: string[]) => {
    const body = `<CompleteMultipartUpload>${named.join('')}</CompleteMultipartUpload>`
    return s3.send(`POST ${line}`, { body })
  }
  const refused = await send(parts)
  assert.deepEqual(told(refused), [400, 'InvalidRequest'])
  assert.match(refused.text, /more than 3 together/)
  assert.equal((await s3.send('HEAD /parts/nested')).status, 404)
  assert.equal((await send(parts.slice(0, 1))).status, 200)
})

test('what fails within the server is told as that, and in the log with its cause', async t => {
  const complete = await upload('failing')
  const { digests } = s3.server.running.context.engine
  t.mock.method(digests, 'sha256Of', () => Promise.reject(new TypeError('a fault of ours')))
  assert.deepEqual(told(await complete(true, {})), [500, 'InternalError'])
  const lines = s3.server.logLines.filter(line => line.includes('request failed'))
  assert.match(lines.join(), /InternalError.*a fault of ours/)
  t.mock.restoreAll()
  assert.equal((await complete(true, {})).status, 200)
})
