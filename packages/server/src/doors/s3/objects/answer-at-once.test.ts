import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type S3Answer, startS3 } from '../started-s3.test.ts'

/** A header that nobody reads and nobody knows to be harmless: the way of all requests. */
const LONG = { 'x-nobody-knows': '1' }

function comparable({ status, headers, text }: S3Answer) {
  const { 'x-amz-request-id': _, 'x-amz-id-2': __, date: ___, ...same } = headers
  return { status, headers: same, text }
}

test('plain GETs and HEADs are answered at once, as the long way answers them', async () => {
  await using s3 = await startS3()
  await s3.send('PUT /plain')
  await s3.send('PUT /versioned')
  const versioning = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
  await s3.send('PUT /versioned?versioning', { body: versioning })
  const headers = {
    'content-type': 'text/x-note; charset=utf-8',
    'cache-control': 'max-age=60',
    'x-amz-meta-colour': 'blue',
    'x-amz-checksum-crc32': 'DUoRhQ==',
    'x-amz-tagging': 'a=b',
  }
  for (const bucket of ['plain', 'versioned']) {
    const put = await s3.send(`PUT /${bucket}/a%20b`, { body: 'hello world', headers })
    assert.equal(put.status, 200, put.text)
    assert.equal((await s3.send(`PUT /${bucket}/empty`)).status, 200)
    for (const key of ['a%20b', 'empty']) {
      for (const method of ['GET', 'HEAD']) {
        for (const more of [{}, { 'x-amz-checksum-mode': 'ENABLED' }]) {
          const line = `${method} /${bucket}/${key}`
          const long = await s3.send(line, { headers: { ...more, ...LONG } })
          // The first one brings the bytes into memory.
          await s3.send(line, { headers: more })
          const short = await s3.send(line, { headers: more })
          assert.equal(short.status, 200)
          assert.deepEqual(comparable(short), comparable(long), line)
        }
      }
    }
  }
  const log = await s3.server.ask('GET /metrics')
  assert.match(log.text, /operation="s3\.HeadObject"/)
})

test('what is refused is refused the moment it is', async () => {
  await using s3 = await startS3()
  await s3.send('PUT /plain')
  await s3.send('PUT /plain/a', { body: 'hello' })
  for (let round = 0; round < 2; round += 1) {
    assert.equal((await s3.send('GET /plain/a')).text, 'hello')
  }
  const key = { id: 'HOLDFASTTESTKEY00001', secret: 'another secret' }
  assert.equal((await s3.send('GET /plain/a', { key })).code, 'SignatureDoesNotMatch')
  const late = { timeMs: Date.now() - 16 * 60_000 }
  assert.equal((await s3.send('GET /plain/a', late)).code, 'RequestTimeTooSkewed')
  const unsigned = { unsigned: { 'x-amz-checksum-mode': 'ENABLED' } }
  assert.equal((await s3.send('GET /plain/a', unsigned)).code, 'AccessDenied')
  assert.equal((await s3.send('GET /plain/a', { region: 'mars' })).status, 400)
  assert.equal((await s3.send('GET /plain/a', { auth: 'none' })).status, 403)
  const made = await s3.server.ask('POST /api/v2/s3/keys', {
    json: { name: 'brief', permissions: ['assets:read'] },
  })
  const brief = { key: { id: String(made.json.id), secret: String(made.json.secret) } }
  assert.equal((await s3.send('GET /plain/a', brief)).text, 'hello')
  await s3.server.ask(`DELETE /api/v2/s3/keys/${made.json.id}`)
  assert.equal((await s3.send('GET /plain/a', brief)).code, 'InvalidAccessKeyId')
  const Deny = { Effect: 'Deny', Principal: '*', Action: 's3:GetObject' }
  const policy = {
    Version: '2012-10-17',
    Statement: [{ ...Deny, Resource: 'arn:aws:s3:::plain/*' }],
  }
  const set = await s3.send('PUT /plain?policy', { body: JSON.stringify(policy) })
  assert.equal(set.status, 204, set.text)
  assert.equal((await s3.send('GET /plain/a')).code, 'AccessDenied')
  await s3.send('DELETE /plain?policy')
  assert.equal((await s3.send('GET /plain/a')).text, 'hello')
  await s3.send('PUT /plain/a', { body: 'changed' })
  assert.equal((await s3.send('GET /plain/a')).text, 'changed')
  await s3.send('DELETE /plain/a')
  assert.equal((await s3.send('GET /plain/a')).code, 'NoSuchKey')
})

test('limits on callers count what is answered at once', async () => {
  for (const subject of ['ADDRESS', 'PRINCIPAL', 'BUCKET']) {
    await using s3 = await startS3({ env: { [`STORAGE_RATE_LIMIT_${subject}`]: '7/1h' } })
    await s3.send('PUT /plain')
    await s3.send('PUT /plain/a', { body: 'hello' })
    const answers = await inTurn(6, () => s3.send('GET /plain/a'))
    // The bucket was not there yet when it was made, so nobody counted that.
    const good = subject === 'BUCKET' ? 6 : 5
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array.from({ length: 6 }, (_, n) => (n < good ? 200 : 503)),
    )
    const left = answers.slice(0, good).map(({ headers }) => String(headers.ratelimit))
    assert.ok(
      left.every((text, n) => text.includes(`;r=${good - 1 - n};`)),
      left.join(),
    )
  }
})

test('wrong signatures count once, and block keys that were not good before', async () => {
  await using s3 = await startS3({ env: { STORAGE_RATE_LIMIT_CREDENTIALS: '5/1h' } })
  await s3.send('PUT /plain')
  await s3.send('PUT /plain/a', { body: 'hello' })
  for (let round = 0; round < 2; round += 1) await s3.send('GET /plain/a')
  const made = await s3.server.ask('POST /api/v2/s3/keys', {
    json: { name: 'unused', permissions: ['assets:read'] },
  })
  const { id, secret } = made.json
  const key = { id: String(id), secret: String(secret) }
  const wrong = { id: key.id, secret: 'another secret' }
  const answers = await inTurn(6, () => s3.send('GET /plain/a', { key: wrong }))
  const codes = answers.map(({ code }) => code)
  assert.deepEqual(codes, [...Array.from({ length: 5 }, () => 'SignatureDoesNotMatch'), 'SlowDown'])
  assert.equal((await s3.send('GET /plain/a', { key })).code, 'SlowDown')
  assert.equal((await s3.send('GET /plain/a')).text, 'hello')
})

async function inTurn<T>(times: number, run: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let n = 0; n < times; n += 1) results.push(await run())
  return results
}
