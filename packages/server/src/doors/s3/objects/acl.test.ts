import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startS3, told } from '../started-s3.test.ts'

test('who may only write makes nothing public', async () => {
  await using s3 = await startS3()
  assert.equal((await s3.send('PUT /closed')).status, 200)
  assert.equal((await s3.send('PUT /closed/k', { body: 'secret' })).status, 200)
  const { json } = await s3.server.ask('POST /api/v2/s3/keys', {
    json: { name: 'writer', permissions: ['assets:write'] },
  })
  const key = { id: String(json.id), secret: String(json.secret) }
  const denied = [403, 'AccessDenied']
  const list = (headers: Record<string, string>) => s3.send('PUT /closed/k?acl', { key, headers })
  assert.deepEqual(told(await list({ 'x-amz-acl': 'public-read' })), denied)
  const toItself = { 'x-amz-grant-read': `id="${json.principal_id}"` }
  assert.deepEqual(told(await list(toItself)), denied)
  assert.equal((await list({ 'x-amz-acl': 'private' })).status, 200)
  const store = (line: string, canned: string) =>
    s3.send(line, { key, body: '', headers: { 'x-amz-acl': canned } })
  assert.deepEqual(told(await store('PUT /closed/new', 'public-read')), denied)
  assert.deepEqual(told(await store('POST /closed/new?uploads', 'public-read')), denied)
  assert.equal((await store('PUT /closed/new', 'private')).status, 200)
  assert.equal((await store('POST /closed/new?uploads', 'private')).status, 200)
  assert.deepEqual(told(await s3.send('GET /closed/k', { auth: 'none' })), denied)
  assert.deepEqual(told(await s3.send('GET /closed/k', { key })), denied)
})

test('who brings logs may be granted that, and is nobody else', async () => {
  await using s3 = await startS3()
  const logs = 'http://acs.amazonaws.com/groups/s3/LogDelivery'
  const listed = async () => {
    const { text } = await s3.send('GET /logs?acl')
    const grants = text.matchAll(/type="(\w+)"><(?:URI|ID)>([^<]+).*?<Permission>(\w+)/gs)
    return [...grants].map(([, type, whom, permission]) => [type, whom === logs, permission])
  }
  const toLogs = [
    ['Group', true, 'WRITE'],
    ['Group', true, 'READ_ACP'],
    ['CanonicalUser', false, 'FULL_CONTROL'],
  ]
  const made = await s3.send('PUT /logs', { headers: { 'x-amz-acl': 'log-delivery-write' } })
  assert.equal(made.status, 200)
  assert.deepEqual(await listed(), toLogs)
  const same = await s3.send('PUT /logs?acl', { body: (await s3.send('GET /logs?acl')).text })
  assert.deepEqual(told(same), [200, undefined])
  assert.deepEqual(await listed(), toLogs)
  const put = await s3.send('PUT /logs/k', { auth: 'none', body: 'x' })
  assert.deepEqual(told(put), [403, 'AccessDenied'])
  const headers = { 'x-amz-grant-write': `uri="${logs}"` }
  assert.deepEqual(told(await s3.send('PUT /logs?acl', { headers })), [200, undefined])
  assert.deepEqual(await listed(), [['Group', true, 'WRITE']])
})

test('who is named by the headers of a put, an upload or a new bucket is somebody', async () => {
  await using s3 = await startS3()
  assert.equal((await s3.send('PUT /granted')).status, 200)
  const { json } = await s3.server.ask('POST /api/v2/s3/keys', {
    json: { name: 'reader', permissions: ['buckets:read'] },
  })
  const key = { id: String(json.id), secret: String(json.secret) }
  const lines = [
    'PUT /granted/k',
    'POST /granted/k?uploads',
    'PUT /granted/k?acl',
    'PUT /granted?acl',
    'PUT /granted-too',
  ]
  for (const line of lines) {
    const granting = async (id: string, by = {}) =>
      told(await s3.send(line, { headers: { 'x-amz-grant-read': `id="${id}"` }, ...by }))
    const known = await granting(String(json.principal_id))
    assert.deepEqual(known, [200, undefined], line)
    assert.deepEqual(await granting('nobody'), [400, 'InvalidArgument'], line)
    for (const by of [{ key }, { auth: 'none' }]) {
      assert.deepEqual(await granting('nobody', by), [403, 'AccessDenied'], line)
    }
  }
  const source = { 'x-amz-copy-source': '/granted/k', 'x-amz-grant-read': 'id=nobody' }
  const copied = await s3.send('PUT /granted/copy', { headers: source })
  assert.deepEqual(told(copied), [400, 'InvalidArgument'])
})
