import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  accessKey,
  type S3TestServer,
  type SendOptions,
  startS3,
  told,
} from '../started-s3.test.ts'

let s3: S3TestServer
const minute = 60_000

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /locked')).status, 200)
  assert.equal((await s3.send('PUT /locked/secret', { body: 'secret' })).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

test('signed requests of every mode are accepted', async () => {
  for (const auth of ['header', 'query'] as const) {
    const answer = await s3.send('GET /locked/secret', { auth })
    assert.deepEqual([answer.status, answer.text], [200, 'secret'], auth)
    const put = await s3.send(`PUT /locked/by-${auth}%20%2B`, { auth, body: 'x' })
    assert.equal(put.status, 200, put.text)
  }
  const unsigned = await s3.send('PUT /locked/unsigned', { payload: 'UNSIGNED-PAYLOAD', body: 'x' })
  assert.equal(unsigned.status, 200)
})

const wrong: [string, SendOptions, number, string][] = [
  ['no credential', { auth: 'none' }, 403, 'AccessDenied'],
  ['unknown key', { key: { id: 'NOBODY', secret: 'x' } }, 403, 'InvalidAccessKeyId'],
  [
    'wrong secret',
    { key: { id: 'HOLDFASTTESTKEY00001', secret: 'x' } },
    403,
    'SignatureDoesNotMatch',
  ],
  ['old', { timeMs: Date.now() - 16 * minute }, 403, 'RequestTimeTooSkewed'],
  ['from the future', { timeMs: Date.now() + 16 * minute }, 403, 'RequestTimeTooSkewed'],
  ['another region', { region: 'eu-west-1' }, 400, 'AuthorizationHeaderMalformed'],
  ['an unsigned x-amz header', { unsigned: { 'x-amz-acl': 'public-read' } }, 403, 'AccessDenied'],
  ['a security token', { headers: { 'x-amz-security-token': 'x' } }, 400, 'InvalidToken'],
  [
    'a changed header',
    { headers: { range: 'a' }, unsigned: { range: 'b' } },
    403,
    'SignatureDoesNotMatch',
  ],
  [
    'two mechanisms',
    { auth: 'query', unsigned: { authorization: 'AWS4-HMAC-SHA256 x' } },
    400,
    'InvalidArgument',
  ],
  ['expired', { auth: 'query', timeMs: Date.now() - 2 * minute }, 403, 'AccessDenied'],
  ['not yet valid', { auth: 'query', timeMs: Date.now() + 16 * minute }, 403, 'AccessDenied'],
  ['too long', { auth: 'query', expires: 604_801 }, 400, 'AuthorizationQueryParametersError'],
  ['no time at all', { auth: 'query', expires: 0 }, 403, 'AccessDenied'],
  ['less than that', { auth: 'query', expires: -7 }, 400, 'AuthorizationQueryParametersError'],
  [
    'a link turned into a copy',
    { auth: 'query', unsigned: { 'x-amz-copy-source': 'locked/secret' } },
    403,
    'AccessDenied',
  ],
  [
    'a link with another body mode',
    { auth: 'query', unsigned: { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' } },
    403,
    'SignatureDoesNotMatch',
  ],
  [
    'a link with no hash for one',
    { auth: 'query', unsigned: { 'x-amz-content-sha256': 'invalid-sha256' } },
    403,
    'SignatureDoesNotMatch',
  ],
]

for (const [name, options, status, code] of wrong) {
  test(`refused: ${name}`, async () => {
    assert.deepEqual(told(await s3.send('GET /locked/secret', options)), [status, code])
    const put = await s3.send('PUT /locked/planted', { body: 'x', ...options })
    assert.deepEqual(told(put), [status, code])
    assert.equal((await s3.send('HEAD /locked/planted')).status, 404)
  })
}

test('a link for one method, key or parameter is no link for another', async () => {
  const { signedRequest } = await import('../started-s3.test.ts')
  const link = signedRequest(s3.host, 'GET /locked/secret', { auth: 'query' })
  const ask = async (line: string) => await s3.send(line, { auth: 'none' })
  assert.equal((await ask(`GET ${link.path}`)).text, 'secret')
  const others = [
    `PUT ${link.path}`,
    `DELETE ${link.path}`,
    `GET ${link.path.replace('secret', 'secre%74x')}`,
    `GET ${link.path}&versionId=null`,
    `GET ${link.path}&tagging`,
    `GET ${link.path.replace('X-Amz-Expires=60', 'X-Amz-Expires=61')}`,
    `GET ${link.path}&X-Amz-Expires=604800`,
  ]
  for (const line of others) {
    const answer = await ask(line)
    assert.ok(answer.status === 403 || answer.status === 400, `${line} ${answer.status}`)
  }
})

test('a hash may ride unsigned on a link, and holds its body', async () => {
  const put = async (payload: string) =>
    told(
      await s3.send('PUT /locked/ridden', {
        ...{ auth: 'query', body: 'x', unsigned: { 'x-amz-content-sha256': payload } },
      }),
    )
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  assert.deepEqual(await put(hash('another')), [400, 'XAmzContentSHA256Mismatch'])
  assert.equal((await s3.send('HEAD /locked/ridden')).status, 404)
  for (const rider of [hash('x'), hash('x').toUpperCase(), 'UNSIGNED-PAYLOAD']) {
    assert.deepEqual(await put(rider), [200, undefined], rider)
  }
})

test('a body that is not the signed one leaves nothing', async () => {
  const hash = createHash('sha256').update('another').digest('hex')
  const answer = await s3.send('PUT /locked/forged', { body: 'forged', payload: hash })
  assert.deepEqual(told(answer), [400, 'XAmzContentSHA256Mismatch'])
  assert.equal((await s3.send('HEAD /locked/forged')).status, 404)
  const md5 = createHash('md5').update('another').digest('base64')
  const wrongMd5 = await s3.send('PUT /locked/forged', {
    body: 'forged',
    headers: { 'content-md5': md5 },
  })
  assert.deepEqual(told(wrongMd5), [400, 'BadDigest'])
  assert.match(wrongMd5.text, /The Content-MD5 you specified did not match what we received\./)
  const expected = createHash('md5').update('another').digest('hex')
  const calculated = createHash('md5').update('forged').digest('base64')
  assert.ok(wrongMd5.text.includes(`<ExpectedDigest>${expected}</ExpectedDigest>`), wrongMd5.text)
  assert.ok(wrongMd5.text.includes(`<CalculatedDigest>${calculated}</CalculatedDigest>`))
  const crc32 = { 'x-amz-checksum-crc32': 'AAAAAA==' }
  const wrongCrc = await s3.send('PUT /locked/forged', { body: 'forged', headers: crc32 })
  assert.match(wrongCrc.text, /The CRC32 you specified did not match the calculated checksum\./)
  const noMd5 = await s3.send('PUT /locked/forged', {
    body: 'forged',
    headers: { 'content-md5': 'x' },
  })
  assert.deepEqual(told(noMd5), [400, 'InvalidDigest'])
  assert.match(noMd5.text, /The Content-MD5 you specified was invalid\./)
})

test('a clock that is days off is told so, whatever its day of the credential', async () => {
  const { signedRequest } = await import('../started-s3.test.ts')
  const { headers } = signedRequest(s3.host, 'GET /locked', {})
  const sent = async (date: string) => {
    const other = { ...headers, 'x-amz-date': date }
    return told(await s3.send('GET /locked', { auth: 'none', headers: other }))
  }
  for (const date of ['20100707T215304Z', '99990707T215304Z', 'Tue, 07 Jul 2010 21:53:04 GMT']) {
    assert.deepEqual(await sent(date), [403, 'RequestTimeTooSkewed'], date)
  }
  const unknown = headers.authorization?.replace(accessKey, 'AKIDNOBODY') ?? ''
  const old = { ...headers, 'x-amz-date': '20100707T215304Z', authorization: unknown }
  const answer = await s3.send('GET /locked', { auth: 'none', headers: old })
  assert.deepEqual(told(answer), [403, 'RequestTimeTooSkewed'])
})

test('no mutation of a signed request is accepted', async () => {
  const { signedRequest } = await import('../started-s3.test.ts')
  const headers = { 'x-amz-meta-a': 'b', 'content-type': 'text/plain' }
  const good = signedRequest(s3.host, 'PUT /locked/mutant?x-id=PutObject', { body: 'x', headers })
  let seed = 7
  const next = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const accepted: string[] = []
  for (let run = 0; run < 150; run += 1) {
    const names = ['authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-meta-a', 'host']
    const name = names[run % names.length] ?? ''
    const value = good.headers[name] ?? ''
    const place = next(value.length)
    const char = 'abcdefghijklmnopqrstuvwxyz0123456789'.charAt(next(36))
    const changed = value.slice(0, place) + char + value.slice(place + 1)
    if (changed.toLowerCase() === value.toLowerCase()) continue
    const answer = await s3.send(`PUT ${good.path}`, {
      auth: 'none',
      body: 'x',
      headers: { ...good.headers, [name]: changed },
    })
    if (answer.status < 300) accepted.push(`${name}: ${changed}`)
  }
  assert.deepEqual(accepted, [])
  assert.equal((await s3.send('HEAD /locked/mutant')).status, 404)
})

test('headers that a link holds in its query count, and are signed with it', async () => {
  const query = 'x-amz-acl=public-read&x-amz-meta-color=red&x-amz-checksum-crc32=AAAAAA%3D%3D'
  const put = await s3.send(`PUT /locked/hoisted?${query}`, { auth: 'query', body: 'x' })
  assert.equal(put.status, 200, put.text)
  const open = await s3.send('GET /locked/hoisted', { auth: 'none' })
  assert.deepEqual([open.status, open.headers['x-amz-meta-color']], [200, 'red'])
})
