import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type S3TestServer, type SendOptions, startS3, told } from '../started-s3.test.ts'

/** What keys that may little are told, and what they can make of it. */

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  for (const line of ['PUT /open', 'PUT /hidden', 'PUT /hidden/k']) {
    assert.equal((await s3.send(line)).status, 200)
  }
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

async function keyOf(permissions: string[], buckets?: string[]): Promise<SendOptions> {
  const json = { name: 'narrow', permissions, user_id: null, buckets }
  const made = await s3.server.ask('POST /api/v2/s3/keys', { json })
  assert.equal(made.status, 201, made.text)
  return { key: { id: made.json.id, secret: made.json.secret } }
}

test('an expected owner tells nothing about buckets that a key is confined from', async () => {
  const key = await keyOf(['*'], ['open'])
  const names = ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner']
  for (const name of names) {
    const isSource = name.includes('source')
    const answers = ['hidden', 'nobody'].map(async bucket => {
      const copied = isSource ? { 'x-amz-copy-source': `${bucket}/k` } : {}
      const headers = { [name]: 'somebody', ...copied }
      const line = isSource ? 'PUT /open/copy' : `GET /${bucket}/k`
      return told(await s3.send(line, { ...key, headers }))
    })
    const [hidden, nobody] = await Promise.all(answers)
    assert.deepEqual(hidden, nobody, name)
    assert.deepEqual(nobody, [404, 'NoSuchBucket'])
  }
})

test('headers of a put tell nothing about buckets that a key is confined from', async () => {
  const key = await keyOf(['*'], ['open'])
  for (const headers of [
    { 'x-amz-grant-read': 'id="nobody"' },
    { 'x-amz-grant-read': 'emailAddress="a@example.org"' },
    { 'x-amz-acl': 'none-such' },
    { 'x-amz-storage-class': 'none-such' },
  ]) {
    for (const line of ['PUT /BUCKET/k', 'POST /BUCKET/k?uploads']) {
      for (const bucket of ['hidden', 'nobody']) {
        const answer = await s3.send(line.replace('BUCKET', bucket), { ...key, headers })
        assert.deepEqual(told(answer), [404, 'NoSuchBucket'], `${line} ${bucket}`)
      }
    }
  }
})

test('who makes a bucket gets no list with it that it may not set', async () => {
  const key = await keyOf(['buckets:*'])
  const make = (name: string, acl: string) =>
    s3.send(`PUT /${name}`, { ...key, headers: { 'x-amz-acl': acl } })
  assert.deepEqual(told(await make('made-public', 'public-read-write')), [403, 'AccessDenied'])
  assert.equal((await make('made-private', 'private')).status, 200)
  const put = await s3.send('PUT /made-private/k', { ...key, body: 'x' })
  assert.deepEqual(told(put), [403, 'AccessDenied'])
  const listed = await s3.send('GET /made-private', key)
  assert.deepEqual(told(listed), [403, 'AccessDenied'])
  const acl = await s3.send('GET /made-private?acl', key)
  assert.match(acl.text, /<Permission>FULL_CONTROL</)
  const set = await s3.send('PUT /made-private?acl', {
    ...key,
    headers: { 'x-amz-acl': 'public-read' },
  })
  assert.deepEqual(told(set), [403, 'AccessDenied'])
})
