import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type S3TestServer, startS3, told } from '../started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /kept')).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

test('a deletion holds to the size and the date that it names', async () => {
  await s3.send('PUT /kept/one', { body: 'abc' })
  const { headers: head } = await s3.send('HEAD /kept/one')
  const remove = async (headers: Record<string, string>) =>
    told(await s3.send('DELETE /kept/one', { headers }))
  const failed = [412, 'PreconditionFailed']
  const date = 'x-amz-if-match-last-modified-time'
  assert.deepEqual(await remove({ 'x-amz-if-match-size': '4' }), failed)
  assert.deepEqual(await remove({ [date]: 'Sat, 29 Oct 1994 19:43:31 GMT' }), failed)
  assert.deepEqual(await remove({ 'x-amz-if-match-size': 'x' }), [400, 'InvalidArgument'])
  assert.deepEqual(await remove({ [date]: 'yesterday' }), [400, 'InvalidArgument'])
  const right = { 'x-amz-if-match-size': '3', [date]: head['last-modified'] ?? '' }
  assert.deepEqual(await remove(right), [204, undefined])
  assert.deepEqual(await remove(right), [404, 'NoSuchKey'])
})

test('so does each entry of a deletion of many', async () => {
  await s3.send('PUT /kept/a', { body: 'abc' })
  await s3.send('PUT /kept/b', { body: 'abc' })
  await s3.send('PUT /kept/c', { body: 'abc' })
  const entry = (key: string, more: string) => `<Object><Key>${key}</Key>${more}</Object>`
  const body =
    `<Delete>${entry('a', '<Size>4</Size>')}` +
    entry('b', '<LastModifiedTime>1994-10-29T19:43:31Z</LastModifiedTime>') +
    `${entry('c', '<Size>3</Size>')}</Delete>`
  const { text } = await s3.send('POST /kept?delete', { body })
  assert.deepEqual(text.match(/<Code>\w+/g), Array(2).fill('<Code>PreconditionFailed'))
  assert.match(text, /<Deleted><Key>c<\/Key>/)
  assert.equal((await s3.send('HEAD /kept/a')).status, 200)
})

test('a write may ask that the object has not that ETag', async () => {
  const put = await s3.send('PUT /kept/etag', { body: 'abc' })
  const again = async (etag: string) =>
    told(await s3.send('PUT /kept/etag', { body: 'abc', headers: { 'if-none-match': etag } }))
  assert.deepEqual(await again(put.headers.etag ?? ''), [412, 'PreconditionFailed'])
  assert.deepEqual(await again('"other"'), [200, undefined])
})

test('whoever may list a bucket is told that a key is not there, others are not', async () => {
  await s3.send('PUT /listed', {
    headers: { 'x-amz-acl': 'public-read', 'x-amz-object-ownership': 'ObjectWriter' },
  })
  await s3.send('PUT /listed/secret', { body: 'x' })
  const ask = async (line: string) => told(await s3.send(line, { auth: 'none' }))
  assert.deepEqual(await ask('GET /listed/gone'), [404, 'NoSuchKey'])
  assert.deepEqual(await ask('GET /listed/secret'), [403, 'AccessDenied'])
  assert.deepEqual(await ask('GET /kept/gone'), [403, 'AccessDenied'])
  const version = '01a21e1c-4f34-7422-95fb-ea7502c85aba'
  const named = await s3.send(`GET /kept/gone?versionId=${version}`)
  assert.deepEqual(told(named), [404, 'NoSuchVersion'])
})

test('governance becomes compliance only for who may take the lock away', async () => {
  const lock = { 'x-amz-bucket-object-lock-enabled': 'true' }
  await s3.send('PUT /locked', { headers: lock })
  await s3.send('PUT /locked/one', { body: 'x' })
  const until = new Date(Date.now() + 60_000).toISOString()
  const retain = async (mode: string, headers: Record<string, string> = {}) => {
    const date = `<RetainUntilDate>${until}</RetainUntilDate>`
    const body = `<Retention><Mode>${mode}</Mode>${date}</Retention>`
    return told(await s3.send('PUT /locked/one?retention', { body, headers }))
  }
  assert.deepEqual(await retain('GOVERNANCE'), [200, undefined])
  assert.deepEqual(await retain('COMPLIANCE'), [403, 'AccessDenied'])
  const bypass = { 'x-amz-bypass-governance-retention': 'true' }
  const misspelt = { body: '<Retention><mode>GOVERNANCE</mode></Retention>', headers: bypass }
  const unread = await s3.send('PUT /locked/one?retention', misspelt)
  assert.deepEqual(told(unread), [400, 'MalformedXML'])
  assert.deepEqual(await retain('COMPLIANCE', bypass), [200, undefined])
  assert.deepEqual(await retain('GOVERNANCE', bypass), [403, 'AccessDenied'])
})
