import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestHeaders } from '../wire/headers.ts'
import { Query } from '../wire/query.ts'
import { canonicalRequest } from './canonical.ts'
import { ChunkedBody, type ChunkSigning } from './chunks.ts'
import { claimOf, requireDay } from './claim.ts'
import { payloadOf } from './payload.ts'
import { requestSignature, signingKey } from './signing.ts'

// The examples of AWS's documents, with the signatures that they print:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const scope = { day: '20130524', region: 'us-east-1' }
const time = '20130524T000000Z'
const key = signingKey(secret, scope)
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const host = 'examplebucket.s3.amazonaws.com'

interface Example {
  readonly method: string
  readonly path: string
  readonly query?: string
  readonly headers: Record<string, string>
  readonly hash: string
  readonly without?: string
  readonly signature: string
}

function signatureOf({ method, path, query, headers, hash, without }: Example): string {
  const signedHeaders = Object.keys(headers).sort()
  const parts = {
    method,
    path,
    query: new Query(query ?? ''),
    headers: new RequestHeaders(Object.entries(headers).flat()),
  }
  const choice = { signedHeaders, payloadHash: hash, ...(without === undefined ? {} : { without }) }
  return requestSignature(key, { time, scope }, canonicalRequest(parts, choice))
}

const examples: Record<string, Example> = {
  'a GET with a range': {
    method: 'GET',
    path: '/test.txt',
    headers: {
      host,
      range: 'bytes=0-9',
      'x-amz-content-sha256': emptyHash,
      'x-amz-date': time,
    },
    hash: emptyHash,
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  'a PUT with a key that is encoded': {
    method: 'PUT',
    path: '/test$file.text',
    headers: {
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      host,
      'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      'x-amz-date': time,
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    },
    hash: '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  'a sub-resource without a value': {
    method: 'GET',
    path: '/',
    query: 'lifecycle',
    headers: { host, 'x-amz-content-sha256': emptyHash, 'x-amz-date': time },
    hash: emptyHash,
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  'a listing with parameters': {
    method: 'GET',
    path: '/',
    query: 'prefix=J&max-keys=2',
    headers: { host, 'x-amz-content-sha256': emptyHash, 'x-amz-date': time },
    hash: emptyHash,
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
  'a presigned GET': {
    method: 'GET',
    path: '/test.txt',
    query:
      'X-Amz-Algorithm=AWS4-HMAC-SHA256' +
      '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
      '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
      '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    headers: { host },
    hash: 'UNSIGNED-PAYLOAD',
    without: 'X-Amz-Signature',
    signature: 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  },
}

for (const [name, example] of Object.entries(examples)) {
  test(`the signature of AWS's example: ${name}`, () => {
    assert.equal(signatureOf(example), example.signature)
  })
}

const chunkSignatures = [
  'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
  '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
  'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
]
const signing: ChunkSigning = {
  key,
  time,
  scope,
  seed: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
}

function chunkedExample(): Buffer {
  const [first, second, last] = chunkSignatures
  return Buffer.concat([
    Buffer.from(`10000;chunk-signature=${first}\r\n`),
    Buffer.alloc(65_536, 'a'),
    Buffer.from(`\r\n400;chunk-signature=${second}\r\n`),
    Buffer.alloc(1024, 'a'),
    Buffer.from(`\r\n0;chunk-signature=${last}\r\n\r\n`),
  ])
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function decode(bytes: Uint8Array, size: number, length = 66_560): Promise<Buffer> {
  const body = new ChunkedBody(pieces(bytes, size), { signing, trailers: null, length })
  const chunks: Uint8Array[] = []
  for await (const chunk of body.bytes()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test("AWS's example of a chunked body is accepted, however it is cut", async () => {
  for (const size of [1, 7, 1000, 65_536, 1_000_000]) {
    assert.deepEqual(await decode(chunkedExample(), size), Buffer.alloc(66_560, 'a'))
  }
})

test('a chunked body with any byte changed, missing or added is refused', async () => {
  const good = chunkedExample()
  const places = [0, 5, 30, 85, 87, 90, 40_000, 65_620, 65_625, 65_720, 66_000, good.length - 60]
  for (const place of places) {
    const bad = Buffer.from(good)
    bad[place] = (bad[place] ?? 0) ^ 1
    await assert.rejects(decode(bad, 4096), { name: 'S3Error' }, `byte ${place}`)
  }
  for (const end of [0, 50, 65_600, good.length - 3]) {
    await assert.rejects(decode(good.subarray(0, end), 4096), { name: 'S3Error' }, `cut at ${end}`)
  }
  await assert.rejects(decode(Buffer.concat([good, Buffer.from('x')]), 4096), { name: 'S3Error' })
  await assert.rejects(decode(good, 4096, 66_561), { code: 'IncompleteBody' })
  await assert.rejects(decode(good, 4096, 66_559), { code: 'IncompleteBody' })
})

test('unsigned chunks with a trailer are read, and foreign trailers refused', async () => {
  const read = async (text: string, trailers: string[]) => {
    const body = new ChunkedBody(pieces(Buffer.from(text), 3), {
      signing: null,
      trailers,
      length: 5,
    })
    let bytes = ''
    for await (const chunk of body.bytes()) bytes += Buffer.from(chunk).toString()
    return { bytes, trailers: Object.fromEntries(body.trailers) }
  }
  const name = 'x-amz-checksum-crc32'
  const good = await read(`5\r\nhello\r\n0\r\n${name}:NhCmhg==\r\n\r\n`, [name])
  assert.deepEqual(good, { bytes: 'hello', trailers: { [name]: 'NhCmhg==' } })
  const bad = [
    [`5\r\nhello\r\n0\r\nx-amz-meta-a:1\r\n\r\n`, [name]],
    [`5\r\nhello\r\n0\r\n\r\n`, [name]],
    [`5\r\nhello\r\n0\r\n${name}:a\r\n${name}:b\r\n\r\n`, [name]],
    [`5\r\nhello\r\n0\r\n${name}:a\r\n\r\n`, []],
    [`5;chunk-signature=${'0'.repeat(64)}\r\nhello\r\n0\r\n\r\n`, []],
    [`5\r\nhelloX\r\n0\r\n\r\n`, []],
    [`-5\r\nhello\r\n0\r\n\r\n`, []],
    [`5 \r\nhello\r\n0\r\n\r\n`, []],
    [`ffffffffff\r\nhello\r\n0\r\n\r\n`, []],
  ] as const
  for (const [text, trailers] of bad) {
    await assert.rejects(read(text, [...trailers]), { name: 'S3Error' }, JSON.stringify(text))
  }
})

test('a trailer may end before its line does, as minio-go sends it', async () => {
  const [name, value] = ['x-amz-checksum-crc32c', 'sOO8/Q==']
  const seed = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e'
  const chunks = [
    'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
    '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
    '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
  ]
  const last = 'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435'
  const head = (size: string, at: number, signed: boolean) =>
    signed ? `${size};chunk-signature=${chunks[at]}` : size
  const read = async (signed: boolean, end: string) => {
    const text =
      `${head('10000', 0, signed)}\r\n${'a'.repeat(65_536)}\r\n` +
      `${head('400', 1, signed)}\r\n${'a'.repeat(1024)}\r\n${head('0', 2, signed)}\r\n${end}`
    const body = new ChunkedBody(pieces(Buffer.from(text), 4096), {
      signing: signed ? { ...signing, seed } : null,
      trailers: [name],
      length: 66_560,
    })
    for await (const _ of body.bytes());
    return body.trailers.get(name)
  }
  const signature = `x-amz-trailer-signature:${last}`
  for (const lineEnd of ['\r\n', '\n\r\n', '\n']) {
    assert.equal(await read(true, `${name}:${value}${lineEnd}${signature}\r\n\r\n`), value)
    assert.equal(await read(false, `${name}:${value}${lineEnd}\r\n`), value)
  }
  await assert.rejects(read(true, `${name}:sOO8/A==\n\r\n${signature}\r\n\r\n`), {
    code: 'SignatureDoesNotMatch',
  })
  await assert.rejects(read(true, `${name}:${value}\n\r\n\r\n`), { code: 'SignatureDoesNotMatch' })
  for (const end of ['\n\r\n\r\n\r\n', '\r\n\r\n\r\n', '\n\r\n\r\nx', '\n\n\r\n']) {
    await assert.rejects(read(false, `${name}:${value}${end}`), { code: 'IncompleteBody' })
  }
})

test('a body in thousands of tiny chunks is refused, in a few or in larger ones not', async () => {
  const read = async (chunks: number, chunk: string) => {
    const framed = `${chunk.length.toString(16)}\r\n${chunk}\r\n`.repeat(chunks)
    const framing = { signing: null, trailers: null, length: chunks * chunk.length }
    const body = new ChunkedBody(pieces(Buffer.from(`${framed}0\r\n\r\n`), 64 * 1024), framing)
    let bytes = 0
    for await (const piece of body.bytes()) bytes += piece.length
    return bytes
  }
  assert.equal(await read(1024, 'x'), 1024)
  await assert.rejects(read(1025, 'x'), { code: 'InvalidChunkSizeError' })
  assert.equal(await read(1100, 'x'.repeat(1024)), 1100 * 1024)
})

test('what claims to be signed is either understood or refused', () => {
  const authorization =
    'AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1/s3/aws4_request, ' +
    `SignedHeaders=host;x-amz-date, Signature=${'a'.repeat(64)}`
  const claim = (value: string, date = time) =>
    claimOf(
      new RequestHeaders(['Authorization', value, 'X-Amz-Date', date, 'Host', 'x']),
      new Query(''),
    )
  assert.equal(claim(authorization)?.accessKeyId, 'AKID')
  assert.deepEqual(claim(authorization)?.signedHeaders, ['host', 'x-amz-date'])
  assert.equal(claim(authorization.replaceAll(', ', ','))?.kind, 'header')
  const bad: [string, string, string?][] = [
    ['AWS AKID:signature', 'InvalidRequest'],
    ['AWS HAHAHA', 'InvalidArgument'],
    ['Bearer token', 'InvalidArgument'],
    ['AWS4-HMAC-SHA256', 'AuthorizationHeaderMalformed'],
    [authorization.replace('s3/', 'ec2/'), 'AuthorizationHeaderMalformed'],
    [authorization.replace('aws4_request', 'aws4'), 'AuthorizationHeaderMalformed'],
    [authorization.replace('host;', 'host;host;'), 'AuthorizationHeaderMalformed'],
    [authorization.replace('host;x', 'HOST;x'), 'AuthorizationHeaderMalformed'],
    [`${authorization}, Signature=${'b'.repeat(64)}`, 'AuthorizationHeaderMalformed'],
    [authorization, 'AccessDenied', '2013-05-24'],
    [authorization, 'AccessDenied', '20131324T000000Z'],
  ]
  for (const [value, code, date] of bad) {
    assert.throws(() => claim(value, date), { code }, value)
  }
})

test('the mode of a payload is one of those that AWS has', () => {
  assert.equal(payloadOf(undefined, true).mode.kind, 'plain')
  assert.equal(payloadOf(emptyHash, true).mode.kind, 'hash')
  assert.deepEqual(payloadOf('STREAMING-UNSIGNED-PAYLOAD-TRAILER', false).mode, {
    kind: 'chunks',
    signed: false,
    trailer: true,
  })
  const chunked = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
  assert.throws(() => payloadOf(chunked, false), { code: 'AccessDenied' })
  const ecdsa = 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD'
  assert.throws(() => payloadOf(ecdsa, true), { code: 'NotImplemented' })
  assert.throws(() => payloadOf('nothing', true), { code: 'InvalidArgument' })
})

test('a header that is known so far is read to its end', () => {
  const credential = 'Credential=KEY/20130524/us-east-1/s3/aws4_request'
  const head = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host`
  const claim = (authorization: string, date = time) =>
    claimOf(new RequestHeaders(['Authorization', authorization, 'X-Amz-Date', date]), new Query(''))
  for (const digit of ['a', 'b', 'a']) {
    const signature = digit.repeat(64)
    const found = claim(`${head}, Signature=${signature}`)
    assert.deepEqual([found?.accessKeyId, found?.signature], ['KEY', signature])
    assert.deepEqual(found?.signedHeaders, ['host'])
  }
  const known = `${head}, Signature=${'a'.repeat(64)}`
  const later = claim(known, '20130524T000001Z')
  assert.deepEqual(
    [later?.time, later?.timeMs],
    ['20130524T000001Z', Date.UTC(2013, 4, 24, 0, 0, 1)],
  )
  const other = { code: 'AuthorizationHeaderMalformed' }
  const nextDay = claim(known, '20130525T000000Z')
  assert.ok(nextDay)
  assert.throws(() => requireDay(nextDay), other)
  assert.throws(() => claim(`${known}, Signature=${'a'.repeat(64)}`), other)
  assert.throws(() => claim(`${head}, X=1, Signature=${'a'.repeat(64)}`), other)
  // Those of a length or letters that no signature has are compared, and are none.
  for (const other of [`${'a'.repeat(64)}0`, 'A'.repeat(64), 'zz']) {
    assert.equal(claim(`${head}, Signature=${other}`)?.signature, other)
  }
  assert.throws(() => claim(known, '20130532T000000Z'), { code: 'AccessDenied' })
})
