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

test('conditions ask for what a body says as for the header that says it elsewhere', async () => {
  await using s3 = await startS3()
  const headers = { 'x-amz-bucket-object-lock-enabled': 'true' }
  await s3.send('PUT /locks', { headers })
  await s3.send('PUT /locks/k', { body: 'x' })
  const deny = (Action: string, Condition: object) => {
    const about = { Principal: '*', Resource: 'arn:aws:s3:::locks/*' }
    return { Effect: 'Deny', ...about, Action, Condition }
  }
  const Statement = [
    deny('s3:PutObjectRetention', {
      NumericGreaterThan: { 's3:object-lock-remaining-retention-days': '10' },
    }),
    deny('s3:PutObjectRetention', { StringEquals: { 's3:object-lock-mode': 'COMPLIANCE' } }),
    deny('s3:PutObjectLegalHold', { StringEquals: { 's3:object-lock-legal-hold': 'ON' } }),
    deny('s3:PutObjectTagging', { StringLike: { 's3:RequestObjectTag/class': 'secret' } }),
  ]
  const body = JSON.stringify({ Version: '2012-10-17', Statement })
  assert.equal((await s3.send('PUT /locks?policy', { body })).status, 204)
  const until = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
  const retain = (mode: string, days: number) =>
    `<Retention><Mode>${mode}</Mode><RetainUntilDate>${until(days)}</RetainUntilDate></Retention>`
  const hold = (status: string) => `<LegalHold><Status>${status}</Status></LegalHold>`
  const tags = (value: string) =>
    `<Tagging><TagSet><Tag><Key>class</Key><Value>${value}</Value></Tag></TagSet></Tagging>`
  const inHeaders = (mode: string, days: number) => ({
    'x-amz-object-lock-mode': mode,
    'x-amz-object-lock-retain-until-date': until(days),
  })
  const asked: [string, { body?: string; headers?: Record<string, string> }, number][] = [
    ['PUT /locks/k?retention', { body: retain('GOVERNANCE', 20) }, 403],
    ['PUT /locks/k?retention', { body: retain('COMPLIANCE', 5) }, 403],
    ['PUT /locks/k?retention', { body: retain('GOVERNANCE', 10) }, 200],
    ['PUT /locks/h', { headers: inHeaders('GOVERNANCE', 20) }, 403],
    ['PUT /locks/h', { headers: inHeaders('COMPLIANCE', 5) }, 403],
    ['PUT /locks/h', { headers: inHeaders('GOVERNANCE', 5) }, 200],
    ['PUT /locks/k?legal-hold', { body: hold('ON') }, 403],
    ['PUT /locks/k?legal-hold', { body: hold('OFF') }, 200],
    ['PUT /locks/k?tagging', { body: tags('secret') }, 403],
    ['PUT /locks/k?tagging', { body: tags('open') }, 200],
  ]
  for (const [line, options, status] of asked) {
    assert.equal((await s3.send(line, options)).status, status, `${line} ${options.body ?? ''}`)
  }
})

test('conditions ask how old a signature is', async () => {
  await using s3 = await startS3()
  await s3.send('PUT /aged')
  await s3.send('PUT /aged/a', { body: 'a' })
  const statement = {
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::aged/*',
    Condition: { NumericGreaterThan: { 's3:signatureAge': 600_000 } },
  }
  const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  assert.equal((await s3.send('PUT /aged?policy', { body })).status, 204)
  const get = async (auth: 'query' | 'header', minutes: number) => {
    const timeMs = Date.now() - minutes * 60_000
    return (await s3.send('GET /aged/a', { auth, timeMs, expires: 3600 })).status
  }
  assert.deepEqual([await get('query', 1), await get('query', 11)], [200, 403])
  assert.deepEqual([await get('header', 1), await get('header', 11)], [200, 403])
})

test('conditions ask for an ETag without its quotes, and never of one version', async () => {
  await using s3 = await startS3()
  await s3.send('PUT /matched')
  const { headers } = await s3.send('PUT /matched/k', { body: 'x' })
  const quoted = String(headers.etag)
  const bare = quoted.slice(1, -1)
  const about = { Effect: 'Deny', Principal: '*', Resource: 'arn:aws:s3:::matched/*' }
  const allowedOnly = async (condition: object) => {
    const statement = { ...about, Action: ['s3:PutObject', 's3:Delete*'], Condition: condition }
    const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    assert.equal((await s3.send('PUT /matched?policy', { body })).status, 204)
  }
  const put = async (match: string) =>
    (await s3.send('PUT /matched/k', { body: 'x', headers: { 'if-match': match } })).status
  await allowedOnly({ StringNotEquals: { 's3:if-match': bare } })
  assert.deepEqual([await put(quoted), await put(bare)], [200, 200])
  await allowedOnly({ StringNotEquals: { 's3:if-match': quoted } })
  assert.deepEqual([await put(quoted), await put(bare)], [403, 403])
  await allowedOnly({ Null: { 's3:if-match': 'true' } })
  const remove = async (path: string) =>
    (await s3.send(`DELETE ${path}`, { headers: { 'if-match': quoted } })).status
  assert.equal(await remove('/matched/k?versionId=null'), 403)
  assert.equal(await remove('/matched/k'), 204)
})
