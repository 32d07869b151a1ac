import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startS3 } from '../started-s3.test.ts'

const elsewhere = { region: 'eu-central-1' }
const located =
  '<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint>' +
  '</CreateBucketConfiguration>'

test('clients of any region are taken where it is set, and no wrong secrets', async () => {
  await using lab = await startS3({ env: { STORAGE_S3_ANY_REGION: 'on' } })
  const made = await lab.send('PUT /photos', { ...elsewhere, body: located })
  assert.equal(made.status, 200, made.text)
  for (const auth of ['header', 'query'] as const) {
    const put = await lab.send('PUT /photos/a', { ...elsewhere, auth, body: 'bytes' })
    assert.equal(put.status, 200, put.text)
    const get = await lab.send('GET /photos/a', { region: 'ap-southeast-2', auth })
    assert.equal(get.text, 'bytes')
  }
  // The library libcloud names none to MinIO.
  const nowhere = await lab.send('GET /photos/a', { region: '' })
  assert.equal(nowhere.text, 'bytes')
  const where = await lab.send('GET /photos?location', elsewhere)
  assert.match(where.text, /<LocationConstraint [^>]*\/>|<\/LocationConstraint>/)
  assert.doesNotMatch(where.text, /eu-central-1/)
  const key = { id: 'AKIDEXAMPLE', secret: 'x'.repeat(40) }
  const stranger = await lab.send('GET /photos/a', { ...elsewhere, key })
  assert.equal(stranger.status, 403)
})

test('without it another region is refused', async () => {
  await using lab = await startS3()
  const signed = await lab.send('PUT /photos', elsewhere)
  assert.equal(signed.code, 'AuthorizationHeaderMalformed')
  // As AWS writes it: quotes stand for themselves.
  assert.match(signed.text, /the region 'eu-central-1' is wrong; expecting 'us-east-1'</)
  const none = await lab.send('PUT /photos', { region: '' })
  assert.equal(none.code, 'AuthorizationHeaderMalformed')
  const named = await lab.send('PUT /photos', { body: located })
  assert.equal(named.code, 'InvalidLocationConstraint')
})

test('EU is the old name of eu-west-1, and of no other region', async () => {
  const body = located.replace('eu-central-1', 'EU')
  const region = 'eu-west-1'
  await using there = await startS3({ env: { STORAGE_S3_SIGNING_REGION: region } })
  const made = await there.send('PUT /photos', { region, body })
  assert.equal(made.status, 200, made.text)
  await using lab = await startS3()
  const named = await lab.send('PUT /photos', { body })
  assert.equal(named.code, 'InvalidLocationConstraint')
})

test('whoever is refused at a bucket hears its region, to sign for it', async () => {
  await using lab = await startS3({ env: { STORAGE_S3_SIGNING_REGION: 'eu-west-1' } })
  const region = 'eu-west-1'
  assert.equal((await lab.send('PUT /photos', { region })).status, 200)
  const told = async (line: string, options: object) => {
    const { status, headers } = await lab.send(line, options)
    return [status, headers['x-amz-bucket-region']]
  }
  assert.deepEqual(await told('HEAD /photos', { auth: 'none' }), [403, region])
  assert.deepEqual(await told('GET /photos', { auth: 'none' }), [403, region])
  assert.deepEqual(await told('HEAD /photos', { region: 'us-east-1' }), [400, region])
  assert.deepEqual(await told('HEAD /photos/a', { region: 'us-east-1' }), [400, region])
  assert.deepEqual(await told('HEAD /nowhere', { auth: 'none' }), [404, undefined])
})
