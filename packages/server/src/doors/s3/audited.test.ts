import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Tree } from '../../started-server.test.ts'
import { type S3TestServer, startS3 } from './started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

async function rows(query: string, from = s3): Promise<Tree[]> {
  await from.server.running.context.audit.flush()
  const answer = await from.server.ask(`GET /api/v2/audit?${query}`)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.items
}

test('changes of buckets are told with who and whence, puts of objects are not', async () => {
  assert.equal((await s3.send('PUT /audited')).status, 200)
  assert.equal((await s3.send('PUT /audited/k', { body: 'x' })).status, 200)
  const [row] = await rows('action=s3.CreateBucket')
  assert.deepEqual([row.outcome, row.status, row.code], ['success', 200, null])
  assert.deepEqual([row.actor_name, row.ip], ['administrator', '127.0.0.1'])
  assert.deepEqual(row.resource, { bucket: 'audited' })
  assert.deepEqual(await rows('action=s3.PutObject'), [])
})

test('refusals are told: no credential, and changes of buckets that failed', async () => {
  const anonymous = await fetch(`${s3.url}/audited/k`)
  assert.equal(anonymous.status, 403)
  const [refused] = await rows('action=s3.GetObject')
  assert.deepEqual(
    [refused.outcome, refused.code, refused.actor],
    ['refused', 'AccessDenied', 'anonymous'],
  )
  assert.deepEqual(refused.resource, { bucket: 'audited', key: 'k' })
  assert.equal((await s3.send('DELETE /audited')).status, 409)
  const [failed] = await rows('action=s3.DeleteBucket')
  assert.deepEqual([failed.outcome, failed.code], ['failed', 'BucketNotEmpty'])
})

test('what DeleteObjects refuses is told, though its answer is a good one', async () => {
  const object = (key: string) => `<Object><Key>${key}</Key></Object>`
  const body = `<Delete>${object('k')}${object('other')}</Delete>`
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  const answer = await s3.send('POST /audited?delete', { body, headers, auth: 'none' })
  assert.deepEqual([answer.status, answer.text.includes('AccessDenied')], [200, true])
  const told = await rows('action=s3.DeleteObjects')
  assert.deepEqual(
    told.map(({ outcome, code, actor, resource }) => [outcome, code, actor, resource]),
    [['refused', 'AccessDenied', 'anonymous', { bucket: 'audited' }]],
  )
  assert.deepEqual(told[0].detail, { keys: ['k', 'other'], count: 2 })
  assert.equal((await s3.send('POST /audited?delete', { body })).status, 200)
  assert.equal((await rows('action=s3.DeleteObjects')).length, 1)
})

test('of a list that is refused in part, the first hundred refused keys are told', async () => {
  await s3.send('PUT /partly')
  const open = {
    Effect: 'Allow',
    Principal: '*',
    Action: 's3:DeleteObject',
    Resource: 'arn:aws:s3:::partly/open/*',
  }
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [open] })
  assert.equal((await s3.send('PUT /partly?policy', { body: policy })).status, 204)
  const kept = Array.from({ length: 101 }, (_, at) => `kept/${at}`)
  const objects = ['open/a', ...kept, 'open/b'].map(key => `<Object><Key>${key}</Key></Object>`)
  const body = `<Delete>${objects.join('')}</Delete>`
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  const answer = await s3.send('POST /partly?delete', { body, headers, auth: 'none' })
  assert.equal(answer.status, 200)
  const [row] = await rows('action=s3.DeleteObjects')
  assert.deepEqual(row.detail, { keys: kept.slice(0, 100), count: 101 })
})

test('of long keys that were refused as many are told as make 2 KiB together', async () => {
  const keys = Array.from({ length: 100 }, (_, at) => `${at + 100}${'中'.repeat(300)}`)
  const objects = keys.map(key => `<Object><Key>${key}</Key></Object>`)
  const body = `<Delete>${objects.join('')}</Delete>`
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  assert.equal((await s3.send('PUT /long')).status, 200)
  await s3.send('POST /long?delete', { body, headers, auth: 'none' })
  const [row] = await rows('action=s3.DeleteObjects')
  assert.deepEqual(row.detail, { keys: keys.slice(0, 2), count: 100 })
})

test('a completion is told as a success once it is one', async () => {
  await using all = await startS3({ env: { STORAGE_AUDIT_DATA_CHANGES: 'on' } })
  await all.send('PUT /parts')
  const begun = await all.send('POST /parts/k?uploads')
  const id = /<UploadId>(.*?)<\/UploadId>/.exec(begun.text)?.[1]
  const { headers } = await all.send(`PUT /parts/k?uploadId=${id}&partNumber=1`, { body: 'x' })
  const complete = async (etag: string | undefined) => {
    const part = `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>`
    const body = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`
    return (await all.send(`POST /parts/k?uploadId=${id}`, { body })).status
  }
  const told = async () =>
    (await rows('action=s3.CompleteMultipartUpload', all)).map(row => row.outcome)
  assert.equal(await complete('0'.repeat(32)), 400)
  assert.deepEqual(await told(), [])
  assert.equal(await complete(headers.etag), 200)
  assert.deepEqual(await told(), ['success'])
})

test('a removal of many tells what it removed, and no success where that is nothing', async () => {
  await using all = await startS3({ env: { STORAGE_AUDIT_DATA_CHANGES: 'on' } })
  await all.send('PUT /many')
  await all.send('PUT /many/a', { body: 'x' })
  const body = '<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>'
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  const told = async () => {
    const found = await rows('action=s3.DeleteObjects', all)
    return found.map(({ outcome, detail }) => [outcome, detail])
  }
  await all.send('POST /many?delete', { body, headers, auth: 'none' })
  assert.deepEqual(await told(), [['refused', { keys: ['a', 'b'], count: 2 }]])
  await all.send('POST /many?delete', { body, headers })
  assert.deepEqual((await told()).at(0), ['success', { keys: ['a', 'b'], count: 2 }])
})

test('changes of who shows no credential are told one by one, too', async () => {
  await using all = await startS3({ env: { STORAGE_AUDIT_DATA_CHANGES: 'on' } })
  await all.send('PUT /open-to-all')
  const about = { Effect: 'Allow', Principal: '*', Resource: 'arn:aws:s3:::open-to-all/*' }
  const Statement = [{ ...about, Action: ['s3:PutObject', 's3:DeleteObject'] }]
  const body = JSON.stringify({ Version: '2012-10-17', Statement })
  assert.equal((await all.send('PUT /open-to-all?policy', { body })).status, 204)
  const lines = ['PUT /open-to-all/k', 'DELETE /open-to-all/k']
  for (const line of [...lines, ...lines]) {
    const given = line.startsWith('PUT') ? { body: 'x' } : {}
    const sent = await all.send(line, { auth: 'none', ...given })
    assert.ok(sent.status < 300, sent.text)
  }
  for (const action of ['s3.PutObject', 's3.DeleteObject']) {
    const found = await rows(`action=${action}`, all)
    assert.deepEqual(
      found.map(({ actor, outcome, resource }) => [actor, outcome, resource.key]),
      [1, 2].map(() => ['anonymous', 'success', 'k']),
    )
  }
})

test('looks of administrators at buckets of others are told, all other looks are not', async () => {
  const { ask } = s3.server
  const credentials = { username: 'looked-at', password: 'Correct-Horse-7-Battery' }
  const json = { ...credentials, roles: ['USER'], must_change_password: false }
  assert.equal((await ask('POST /api/v2/users', { json })).status, 201)
  const entered = await ask('POST /api/v2/auth/login', { json: credentials, key: null })
  const headers = { authorization: `Bearer ${entered.json.access_token}` }
  const pair = await ask('POST /api/v2/s3/keys', { json: { name: 'own' }, key: null, headers })
  assert.equal(pair.status, 201, pair.text)
  const owner = { key: { id: String(pair.json.id), secret: String(pair.json.secret) } }
  const about = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject' }
  const policy = (bucket: string) =>
    JSON.stringify({
      ...{ Version: '2012-10-17' },
      Statement: [{ ...about, Resource: `arn:aws:s3:::${bucket}/*` }],
    })
  for (const [bucket, whose] of [
    ['theirs', owner],
    ['nobodys', {}],
  ] as const) {
    assert.equal((await s3.send(`PUT /${bucket}`, whose)).status, 200)
    const body = policy(bucket)
    assert.equal((await s3.send(`PUT /${bucket}?policy`, { ...whose, body })).status, 204)
  }
  const looks = ['policy', 'policyStatus', 'acl', 'logging', 'notification', 'uploads']
  const plain = ['', '?list-type=2', '?versions', '?location', '?versioning', '?requestPayment']
  for (const look of looks) {
    for (const [bucket, whose] of [
      ['theirs', owner],
      ['theirs', {}],
      ['nobodys', {}],
    ] as const) {
      assert.equal((await s3.send(`GET /${bucket}?${look}`, whose)).status, 200, look)
    }
  }
  for (const query of plain) assert.equal((await s3.send(`GET /theirs${query}`)).status, 200, query)
  assert.equal((await s3.send('HEAD /theirs')).status, 200)
  // What is not there shows nothing.
  assert.equal((await s3.send('GET /theirs?cors')).status, 404)
  const found = (await rows('limit=1000')).filter(row => /^s3\.(?:Get|List|Head)/.test(row.action))
  const told = found.filter(row => ['theirs', 'nobodys'].includes(row.resource.bucket))
  assert.deepEqual(
    told.toReversed().map(row => [row.action, row.resource.bucket, row.outcome, row.actor_name]),
    [
      ...['GetBucketPolicy', 'GetBucketPolicyStatus', 'GetBucketAcl', 'GetBucketLogging'],
      ...['GetBucketNotificationConfiguration', 'ListMultipartUploads'],
    ].map(name => [`s3.${name}`, 'theirs', 'success', 'administrator']),
  )
  const report = await ask('GET /api/v2/audit/report')
  assert.ok(report.json.administrative_reads >= looks.length)
  const before = report.json.administrative_reads
  await s3.send('GET /theirs?acl')
  const again = await ask('GET /api/v2/audit/report')
  assert.equal(again.json.administrative_reads, before + 2, 'the look and the report before')
})
