import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startS3, told } from '../started-s3.test.ts'

test('conditions on the source address believe trusted proxies and nobody else', async () => {
  for (const trusted of [true, false]) {
    const proxies = trusted ? { STORAGE_TRUSTED_PROXIES: '127.0.0.1' } : {}
    await using s3 = await startS3({ env: proxies })
    await s3.send('PUT /addresses')
    await s3.send('PUT /addresses/a', { body: 'a' })
    const statement = {
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: 'arn:aws:s3:::addresses/*',
      Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } },
    }
    const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    assert.deepEqual(told(await s3.send('PUT /addresses?policy', { body: policy })), [
      204,
      undefined,
    ])
    const from = async (address: string) => {
      const headers = { 'x-forwarded-for': address }
      return (await s3.send('GET /addresses/a', { auth: 'none', headers })).status
    }
    const statuses = [await from('203.0.113.7'), await from('198.51.100.7')]
    assert.deepEqual(statuses, trusted ? [200, 403] : [403, 403])
  }
})

test('who sets policies and access lists of buckets needs the right for that', async () => {
  await using s3 = await startS3()
  const make = async (permissions: string[]) => {
    const made = await s3.server.ask('POST /api/v2/s3/keys', { json: { name: 'k', permissions } })
    return { id: String(made.json.id), secret: String(made.json.secret) }
  }
  await s3.send('PUT /guarded')
  const statement = { Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: '*' }
  const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  const operator = await make(['assets:read', 'buckets:*'])
  for (const line of ['PUT /guarded?policy', 'DELETE /guarded?policy', 'PUT /guarded?acl']) {
    const more = line.endsWith('acl') ? { headers: { 'x-amz-acl': 'private' } } : { body }
    const sent = await s3.send(line, { key: operator, ...more })
    assert.deepEqual(told(sent), [403, 'AccessDenied'], line)
  }
  assert.equal((await s3.send('PUT /guarded?versioning', { key: operator })).status, 400)
  const keeper = await make(['policy:admin', 'buckets:read'])
  assert.equal((await s3.send('DELETE /guarded?policy', { key: keeper })).status, 204)
})
