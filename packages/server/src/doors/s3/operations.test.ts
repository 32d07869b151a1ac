import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type OperationRow, operations } from './operations.ts'
import { type S3TestServer, startS3, told } from './started-s3.test.ts'

/** Names of SDKs for operations that AWS has replaced: the same request as another one. */
const REPLACED = ['GetBucketLifecycle', 'GetBucketNotification', 'PutBucketLifecycle']
/** Not operations of SDKs. */
const OURS = ['PostObject', 'Preflight']

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /probed')).status, 200)
  assert.equal((await s3.send('PUT /probed/key', { body: 'content' })).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

const rows = Object.entries<OperationRow>(operations).filter(([name]) => !OURS.includes(name))

function lineOf({ method, level, sub, needs = [] }: OperationRow): string {
  const path = { service: '/', bucket: '/probed', object: '/probed/key' }[level]
  const query = [...(sub === undefined ? [] : [sub]), ...needs.map(name => `${name}=1`)].join('&')
  return `${method} ${path}${query === '' ? '' : `?${query}`}`
}

test('every operation of the SDK has its row', async () => {
  const sdk = await import('@aws-sdk/client-s3')
  const commands = Object.keys(sdk)
    .filter(name => name.endsWith('Command') && name !== '$Command')
    .map(name => name.replace(/Command$/, ''))
    .filter(name => !REPLACED.includes(name))
  assert.ok(commands.length > 100)
  const known = new Set(rows.map(([name]) => name))
  assert.deepEqual(
    commands.filter(name => !known.has(name)),
    [],
  )
  assert.ok(known.size >= 111)
})

test('nobody gets through any operation without a credential', async () => {
  for (const [name, row] of rows) {
    const headers = row.header === undefined ? {} : { [row.header]: 'probed/key' }
    const answer = await s3.send(lineOf(row), { auth: 'none', headers })
    // Bodies that cannot be read are refused before anybody asks whose they are.
    assert.ok([400, 403, 404, 501].includes(answer.status), `${name} ${answer.status}`)
  }
})

test('a refused operation is told so and nothing else happens', async () => {
  for (const [name, row] of rows) {
    if (row.state !== 'refused') continue
    const answer = await s3.send(lineOf(row), { body: row.method === 'GET' ? '' : '<a/>' })
    assert.deepEqual(told(answer), [501, 'NotImplemented'], name)
  }
  assert.equal((await s3.send('GET /probed/key')).text, 'content')
})

test('an unknown sub-resource is never served as something else', async () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'POST', 'DELETE']) {
    for (const path of ['/probed', '/probed/key']) {
      for (const query of ['unknown', 'unknown=', 'retention2', 'Tagging', 'ACL']) {
        const answer = await s3.send(`${method} ${path}?${query}`)
        assert.equal(answer.status, 501, `${method} ${path}?${query}`)
      }
    }
  }
  const valued = ['foo=1', 'events=s3:ObjectCreated:*', 'replication-metrics=2']
  for (const query of valued) {
    for (const line of [
      `GET /probed?${query}`,
      `GET /probed?list-type=2&${query}`,
      `GET /?${query}`,
    ]) {
      assert.deepEqual(told(await s3.send(line)), [501, 'NotImplemented'], line)
    }
    assert.equal((await s3.send(`HEAD /probed?${query}`)).status, 501)
  }
  for (const line of [
    'PUT /probed/key?foo=1',
    'POST /probed/key?foo=1',
    'POST /probed/key?foo',
    'DELETE /?foo',
    'DELETE /probed/key?foo=1',
  ]) {
    assert.deepEqual(told(await s3.send(line)), [501, 'NotImplemented'], line)
  }
  const wrongLevels = [
    'DELETE /probed?acl',
    'DELETE /probed?versioning',
    'PUT /probed?uploads',
    'PUT /probed/key?versioning',
    'PUT /probed/key?cors',
    'DELETE /probed/key?acl',
    'DELETE /probed/key?uploads',
    'PUT /probed/key?partNumber=1',
    'GET /probed?uploadId=1',
    'DELETE /?tagging',
    'PUT /',
    'POST /',
    'DELETE /',
  ]
  for (const line of wrongLevels) {
    const { status } = await s3.send(line)
    assert.ok(status === 405 || status === 501 || status === 400, `${line} ${status}`)
  }
  const two = await s3.send('PUT /probed/key?acl&tagging', { body: 'x' })
  assert.deepEqual(told(two), [400, 'InvalidArgument'])
  assert.equal((await s3.send('GET /probed/key')).text, 'content')
  assert.equal((await s3.send('HEAD /probed')).status, 200)
})

test('a version is refused where an operation takes none', async () => {
  for (const line of [
    'PUT /probed/key?versionId=x',
    'PUT /probed/key?versionId=',
    'PUT /probed/key?partNumber=1&uploadId=x&versionId=x',
    'POST /probed/key?uploads&versionId=x',
    'GET /probed?versionId=x',
    'GET /probed?list-type=2&versionId=x',
    'DELETE /probed?versionId=x',
  ]) {
    const answer = await s3.send(line)
    assert.deepEqual(told(answer), [400, 'InvalidArgument'], line)
    assert.match(answer.text, />This operation does not accept a version-id\.</)
    assert.match(answer.text, /<ArgumentName>versionId</)
  }
  assert.equal((await s3.send('GET /probed/key')).text, 'content')
})

test('parameters that only decorate a reading request are let through', async () => {
  assert.equal((await s3.send('GET /probed/key?x-id=GetObject')).text, 'content')
  assert.equal((await s3.send('GET /probed/key?cache-buster=17')).text, 'content')
  const names = [
    ...['prefix=k', 'list-type=1', 'marker=a', 'fetch-owner=true'],
    ...['encoding-type=url', 'metadata=true', 'allow-unordered=true', 'x-id=ListObjects'],
    ...['response-content-type=text%2Fplain', 'key-marker=a'],
  ]
  for (const text of names) {
    const listed = await s3.send(`GET /probed?${text}`)
    assert.match(listed.text, /<ListBucketResult/, text)
    assert.match(listed.text, /<Key>key<\/Key>/, text)
  }
  assert.equal((await s3.send('HEAD /probed?prefix=a')).status, 200)
  assert.match((await s3.send('GET /?max-keys=10')).text, /<ListAllMyBucketsResult/)
})
