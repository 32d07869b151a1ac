import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  accessKey,
  type S3TestServer,
  type SendOptions,
  signedRequest,
  startS3,
} from '../started-s3.test.ts'

let s3: S3TestServer
const wrongKey = { id: accessKey, secret: 'wrong' }

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /told')).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

const names: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>' }

async function toldOf(line: string, options: SendOptions): Promise<[string, string][]> {
  const answer = await s3.send(line, options)
  assert.deepEqual([answer.status, answer.code], [403, 'SignatureDoesNotMatch'])
  assert.doesNotMatch(answer.text, /&#xA;/)
  const nodes = answer.text.matchAll(/<(\w+)>([^<]*)<\/\1>/g)
  return [...nodes].map(([, name = '', text = '']) => {
    const plain = text.replaceAll(/&#x(\w+);|&(\w+);/g, (_, code, entity) => {
      return code ? String.fromCharCode(Number.parseInt(code, 16)) : (names[entity] ?? '?')
    })
    return [name, plain]
  })
}

const bytesOf = (text = '') => Buffer.from(text).toString('hex').match(/../g)?.join(' ')

test('who signs wrongly is told what there was to sign, in the order of AWS', async () => {
  const headers = { 'x-amz-meta-name': Buffer.from('Zoë').toString('latin1') }
  for (const line of ['GET /told?list-type=2&prefix=run%20b', 'GET /told/plain', 'PUT /told/put']) {
    const nodes = await toldOf(line, { key: wrongKey, headers })
    const { Code: _, Message: __, ...facts } = Object.fromEntries(nodes)
    assert.deepEqual(Object.keys(facts), [
      'AWSAccessKeyId',
      'StringToSign',
      'SignatureProvided',
      'StringToSignBytes',
      'CanonicalRequest',
      'CanonicalRequestBytes',
      'Resource',
      'RequestId',
      'HostId',
    ])
    const { StringToSign: toSign = '', CanonicalRequest: canonical = '' } = facts
    const [method = '', target = ''] = line.split(' ')
    assert.ok(canonical.startsWith(`${method}\n${target.replace('?', '\n')}\n`), canonical)
    assert.match(canonical, /\nx-amz-meta-name:Zoë\n/)
    assert.equal(createHash('sha256').update(canonical).digest('hex'), toSign.split('\n').at(-1))
    assert.match(toSign, /^AWS4-HMAC-SHA256\n\d{8}T\d{6}Z\n\d{8}\/us-east-1\/s3\/aws4_request\n/)
    assert.equal(facts.AWSAccessKeyId, accessKey)
    assert.equal(facts.StringToSignBytes, bytesOf(toSign))
    assert.equal(facts.CanonicalRequestBytes, bytesOf(canonical))
  }
})

test('so is who follows a wrong link, of either version', async () => {
  const link = Object.fromEntries(await toldOf('GET /told/a', { auth: 'query', key: wrongKey }))
  assert.match(link.CanonicalRequest ?? '', /^GET\n\/told\/a\nX-Amz-Algorithm=/)
  assert.doesNotMatch(link.CanonicalRequest ?? '', /X-Amz-Signature/)
  const expires = Math.floor(Date.now() / 1000) + 60
  const query = `AWSAccessKeyId=${accessKey}&Signature=abc&Expires=${expires}`
  const old = Object.fromEntries(await toldOf(`GET /told/a?${query}`, { auth: 'none' }))
  assert.equal(old.StringToSign, `GET\n\n\n${expires}\n/told/a`)
  assert.deepEqual([old.SignatureProvided, old.CanonicalRequest], ['abc', undefined])
})

test('a request that others may have added to is not told, nor secrets and long ones', async () => {
  const secret = 'c2VjcmV0'
  const hidden = [
    { 'x-internal': secret },
    { cookie: secret },
    { 'x-amz-server-side-encryption-customer-key': secret },
    { 'x-amz-meta-long': secret.repeat(600) },
  ]
  for (const headers of hidden) {
    const nodes = await toldOf('GET /told/a', { key: wrongKey, headers })
    const facts = Object.fromEntries(nodes)
    assert.ok(facts.StringToSign)
    assert.equal(facts.CanonicalRequest, undefined, Object.keys(headers)[0])
    assert.ok(!JSON.stringify(nodes).includes(secret))
  }
})

test('a signature that can be none hides neither key, region nor time that are wrong', async () => {
  const send = async (options: SendOptions) => {
    const { headers } = signedRequest(s3.host, 'GET /told', options)
    const authorization = headers.authorization?.replace(/Signature=.*/, 'Signature=00')
    const answer = await s3.send('GET /told', {
      auth: 'none',
      headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
    })
    return answer.code
  }
  const unknown = { id: 'NOBODY', secret: 'x' }
  const old = Date.now() - 3_600_000
  assert.equal(await send({}), 'SignatureDoesNotMatch')
  assert.equal(await send({ key: unknown }), 'InvalidAccessKeyId')
  assert.equal(await send({ key: unknown, region: 'x' }), 'AuthorizationHeaderMalformed')
  assert.equal(await send({ key: unknown, region: 'x', timeMs: old }), 'RequestTimeTooSkewed')
})
