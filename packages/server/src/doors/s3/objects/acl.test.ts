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
