import assert from 'node:assert/strict'
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

async function rows(query: string): Promise<Tree[]> {
  await s3.server.running.context.audit.flush()
  const answer = await s3.server.ask(`GET /api/v2/audit?${query}`)
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
