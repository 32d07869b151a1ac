import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { type S3Answer, type S3TestServer, startS3, told } from './started-s3.test.ts'

// What AWS answers, as the snapshots record it that LocalStack's tests are held against.

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  await s3.send('PUT /facts')
  await s3.send('PUT /versioned')
  await s3.send('PUT /versioned?versioning', { body: versioning('Enabled') })
  await s3.send('PUT /facts/there', { body: '0123456789' })
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

const versioning = (status: string) =>
  `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`

/** Code and further elements of an error document. */
function facts({ text }: S3Answer): Record<string, string> {
  const found = [...text.matchAll(/<(\w+)>([^<]*)<\/\1>/g)]
  const {
    Message: _,
    Resource: __,
    RequestId: ___,
    HostId: ____,
    ...others
  } = Object.fromEntries(found.map(([, name, value]) => [name, value]))
  return others
}

async function begin(key: string, bucket = 'facts'): Promise<{ id: string; etag: string }> {
  const begun = await s3.send(`POST /${bucket}/${key}?uploads`)
  const id = /<UploadId>(.*?)</.exec(begun.text)?.[1] ?? ''
  const line = `PUT /${bucket}/${key}?uploadId=${id}&partNumber=1`
  return { id, etag: (await s3.send(line, { body: 'part' })).headers.etag ?? '' }
}

interface Completion {
  readonly bucket?: string
  readonly parts: readonly (readonly [number, string])[]
  readonly headers?: Record<string, string>
}

function complete(
  key: string,
  id: string,
  { bucket = 'facts', parts, headers = {} }: Completion,
): Promise<S3Answer> {
  const nodes = parts.map(
    ([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`,
  )
  const body = `<CompleteMultipartUpload>${nodes.join('')}</CompleteMultipartUpload>`
  return s3.send(`POST /${bucket}/${key}?uploadId=${id}`, { body, headers })
}

test('a refusal names what it is about', async () => {
  const id = 'HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD'
  const none = '00000000-0000-7000-8000-000000000000'
  const copy = (source: string) => ({ headers: { 'x-amz-copy-source': source } })
  const cases: [string, object, Record<string, string>][] = [
    ['GET /nowhere/a', {}, { Code: 'NoSuchBucket', BucketName: 'nowhere' }],
    ['GET /facts/a%20b', {}, { Code: 'NoSuchKey', Key: 'a b' }],
    ['PUT /facts/b', copy('nowhere/a'), { Code: 'NoSuchBucket', BucketName: 'nowhere' }],
    ['PUT /facts/b', copy('facts/none'), { Code: 'NoSuchKey', Key: 'none' }],
    [
      `GET /versioned/a?versionId=${none}`,
      {},
      { Code: 'NoSuchVersion', Key: 'a', VersionId: none },
    ],
    [
      `DELETE /facts/a?versionId=${id}`,
      {},
      { Code: 'InvalidArgument', ArgumentName: 'versionId', ArgumentValue: id },
    ],
    [
      'PUT /facts',
      { headers: { 'x-amz-acl': 'public-read' } },
      { Code: 'BucketAlreadyOwnedByYou', BucketName: 'facts' },
    ],
    ['DELETE /facts', {}, { Code: 'BucketNotEmpty', BucketName: 'facts' }],
    [
      'PUT /facts/there',
      { body: '', headers: { 'if-none-match': '*' } },
      { Code: 'PreconditionFailed', Condition: 'If-None-Match' },
    ],
    [
      'PUT /facts/copy',
      { headers: { 'x-amz-copy-source': 'facts/there', 'x-amz-copy-source-if-match': '"x"' } },
      { Code: 'PreconditionFailed', Condition: 'x-amz-copy-source-If-Match' },
    ],
    [
      'GET /facts?encoding-type=',
      {},
      { Code: 'InvalidArgument', ArgumentName: 'encoding-type', ArgumentValue: '' },
    ],
    ['GET /facts/a?uploadId=none', {}, { Code: 'NoSuchUpload', UploadId: 'none' }],
    [
      'GET /facts/there?partNumber=2',
      {},
      { Code: 'InvalidPartNumber', ActualPartCount: '1', PartNumberRequested: '2' },
    ],
    [
      'PUT /facts/there?tagging',
      { body: tagging('aws:a', '1') },
      { Code: 'InvalidTag', TagKey: 'aws:a' },
    ],
    [
      'PUT /facts/there?tagging',
      { body: tagging('a', 'b,c') },
      { Code: 'InvalidTag', TagKey: 'a', TagValue: 'b,c' },
    ],
    [
      'PUT /facts/b',
      { headers: { 'x-amz-storage-class': 'OUTPOSTS' } },
      { Code: 'InvalidStorageClass', StorageClassRequested: 'OUTPOSTS' },
    ],
  ]
  for (const [line, options, expected] of cases) {
    assert.deepEqual(facts(await s3.send(line, options)), expected, line)
  }
})

const tagging = (key: string, value: string) =>
  `<Tagging><TagSet><Tag><Key>${key}</Key><Value>${value}</Value></Tag></TagSet></Tagging>`

test('a completion that is refused names its parts', async () => {
  const { id, etag } = await begin('parts')
  const other = 'd41d8cd98f00b204e9800998ecf8427e'
  const part = await complete('parts', id, { parts: [[1, other]] })
  const named = { Code: 'InvalidPart', UploadId: id, PartNumber: '1', ETag: other }
  assert.deepEqual(facts(part), named)
  const line = `PUT /facts/parts?uploadId=${id}&partNumber=2`
  const second = (await s3.send(line, { body: 'part' })).headers.etag ?? ''
  const inOrder = [[1, etag] as const, [2, second] as const]
  const backwards = await complete('parts', id, { parts: inOrder.toReversed() })
  assert.deepEqual(facts(backwards), { Code: 'InvalidPartOrder', UploadId: id })
  assert.deepEqual(facts(await complete('parts', id, { parts: inOrder })), {
    ...{ Code: 'EntityTooSmall', MinSizeAllowed: '5242880', ProposedSize: '4' },
    ...{ PartNumber: '1', ETag: etag.replaceAll('"', '') },
  })
})

test('a marker is told from an object that is not there', async () => {
  await s3.send('PUT /versioned/hidden', { body: '1' })
  const { headers } = await s3.send('DELETE /versioned/hidden')
  const id = headers['x-amz-version-id'] ?? ''
  const marked = (Method: string) => ({
    ...{ Code: 'MethodNotAllowed', Method },
    ResourceType: 'DeleteMarker',
  })
  for (const query of ['tagging', `tagging&versionId=${id}`]) {
    assert.deepEqual(facts(await s3.send(`GET /versioned/hidden?${query}`)), marked('GET'))
    const body = tagging('a', 'b')
    const put = await s3.send(`PUT /versioned/hidden?${query}`, { body })
    assert.deepEqual(facts(put), marked('PUT'))
    assert.deepEqual(facts(await s3.send(`DELETE /versioned/hidden?${query}`)), marked('DELETE'))
  }
  const canned = { headers: { 'x-amz-acl': 'private' } }
  assert.deepEqual(facts(await s3.send('PUT /versioned/hidden?acl', canned)), marked('PUT'))
  const missing = { Code: 'NoSuchKey', Key: 'hidden' }
  assert.deepEqual(facts(await s3.send('GET /versioned/hidden?acl')), missing)
  const copy = { headers: { 'x-amz-copy-source': `versioned/hidden?versionId=${id}` } }
  assert.deepEqual(told(await s3.send('PUT /facts/copy', copy)), [400, 'InvalidRequest'])
})

test('a condition is one on what was there when the upload began', async () => {
  const put = async (body: string) => {
    return (await s3.send('PUT /versioned/during', { body })).headers.etag ?? ''
  }
  const before = await put('1')
  const { id, etag } = await begin('during', 'versioned')
  const asked = (headers: Record<string, string>) =>
    complete('during', id, { bucket: 'versioned', parts: [[1, etag]], headers })
  const after = await put('2')
  const old = await asked({ 'if-match': before })
  assert.deepEqual(facts(old), { Code: 'PreconditionFailed', Condition: 'If-Match' })
  const conflict = (Condition: string) => ({
    ...{ Code: 'ConditionalRequestConflict', Condition },
    Key: 'during',
  })
  const during = await asked({ 'if-match': after })
  assert.equal(during.status, 409)
  assert.deepEqual(facts(during), conflict('If-Match'))
  await s3.send('DELETE /versioned/during')
  const gone = await asked({ 'if-none-match': '*' })
  assert.deepEqual(facts(gone), conflict('If-None-Match'))
  const missing = await asked({ 'if-match': after })
  assert.deepEqual(facts(missing), { Code: 'NoSuchKey', Key: 'during' })
  const anew = await begin('during', 'versioned')
  const parts = [[1, anew.etag] as const]
  const headers = { 'if-none-match': '*' }
  const made = await complete('during', anew.id, { bucket: 'versioned', parts, headers })
  assert.equal(made.status, 200)
})

test('an object becomes one of the standard storage class in its place', async () => {
  const headers = { 'x-amz-storage-class': 'STANDARD_IA' }
  await s3.send('PUT /facts/class', { body: '1', headers })
  const copy = (more: Record<string, string>) => {
    const from = { 'x-amz-copy-source': 'facts/class' }
    return s3.send('PUT /facts/class', { headers: { ...from, ...more } })
  }
  assert.deepEqual(told(await copy({})), [400, 'InvalidRequest'])
  assert.equal((await copy({ 'x-amz-storage-class': 'STANDARD' })).status, 200)
  const { headers: shown } = await s3.send('HEAD /facts/class')
  assert.equal(shown['x-amz-storage-class'], undefined)
  assert.equal((await copy({ 'x-amz-website-redirect-location': '/there' })).status, 200)
  const nowhere = await copy({ 'x-amz-website-redirect-location': 'there' })
  assert.deepEqual(told(nowhere), [400, 'InvalidRedirectLocation'])
  const led = await s3.send('HEAD /facts/class')
  assert.equal(led.headers['x-amz-website-redirect-location'], '/there')
})

test('dates to come are no conditions, and a range of the whole has a checksum', async () => {
  const future = new Date(Date.now() + 86_400_000).toUTCString()
  const headers = { 'if-modified-since': future }
  assert.equal((await s3.send('GET /facts/there', { headers })).status, 200)
  const now = { 'if-modified-since': new Date().toUTCString() }
  assert.equal((await s3.send('GET /facts/there', { headers: now })).status, 304)
  const copy = {
    ...{ 'x-amz-copy-source': 'facts/there', 'x-amz-copy-source-if-modified-since': future },
  }
  assert.equal((await s3.send('PUT /facts/future', { headers: copy })).status, 200)
  const summed = { 'x-amz-checksum-crc32': 'poTHxg==' }
  await s3.send('PUT /facts/summed', { body: '0123456789', headers: summed })
  const ranged = async (range: string) => {
    const wanted = { range, 'x-amz-checksum-mode': 'ENABLED' }
    return (await s3.send('GET /facts/summed', { headers: wanted })).headers
  }
  assert.equal((await ranged('bytes=0-100'))['x-amz-checksum-crc32'], 'poTHxg==')
  assert.equal((await ranged('bytes=0-8'))['x-amz-checksum-crc32'], undefined)
})

test('a fragment is no part of a request target', async () => {
  for (const target of ['/facts/there#x', '/facts?list-type=2#&prefix=a']) {
    const { hostname, port } = new URL(s3.url)
    const socket = connect(Number(port), hostname)
    socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    assert.match(await readText(socket), /^HTTP\/1.1 400 [\s\S]*InvalidURI/, target)
  }
})
