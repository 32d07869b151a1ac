import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { refused, startServer, type TestServer } from '../../started-server.test.ts'

const sha = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex')
const base = '/api/v2/buckets/holdfast/assets'
let server: TestServer

before(async () => {
  server = await startServer()
})
after(async () => {
  await using closed = server
  assert.deepEqual(await closed.loose(), [], 'nothing is left behind')
})

test('put creates, equal content changes nothing, other content makes a version', async () => {
  const put = async (body: string) => await server.ask(`PUT ${base}/a/b.txt`, { body })
  const first = await put('one')
  assert.equal(first.status, 201)
  assert.equal(first.json.key, 'a/b.txt')
  assert.equal(first.json.name, 'b.txt')
  assert.equal(first.headers.etag, `"${sha('one')}"`)
  const same = await put('one')
  assert.deepEqual([same.status, same.json.current_version], [200, 1])
  const other = await put('two')
  assert.deepEqual([other.status, other.json.current_version], [200, 2])
  assert.equal((await server.ask(`GET ${base}/a/b.txt`)).text, 'two')
  assert.equal((await server.ask(`GET ${base}/a/b.txt?version=1`)).text, 'one')
  const info = await server.ask(`GET ${base}/a/b.txt?info=true`)
  assert.equal(info.json.id, first.json.id)
})

test('fields of a new asset come in the query and in X-Metadata', async () => {
  const query = `service=s%201&name=n%C3%A4me.bin&tags=a&tags=b&asset_type=archive&owner_id=${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}`
  const headers = {
    'content-type': 'application/x-thing',
    'x-metadata': Buffer.from('{"größe":1}').toString('latin1'),
  }
  // Bytes, because Node would send headers in the encoding of a text body.
  const body = Buffer.from('x')
  const { json, text } = await server.ask(`PUT ${base}/fields?${query}`, { body, headers })
  assert.equal(json.key, 'fields', text)
  assert.equal(json.service, 's 1')
  assert.equal(json.name, 'näme.bin')
  assert.deepEqual(json.tags, ['a', 'b'])
  assert.equal(json.asset_type, 'archive')
  assert.equal(json.content_type, 'application/x-thing')
  assert.deepEqual(json.metadata, { größe: 1 })
})

test('any key is kept exactly, in the path or in the query', async () => {
  const keys = [
    '../../etc/passwd',
    '..',
    'a/../b',
    './x',
    '/leading',
    'double//slash',
    'trailing/',
    'back\\slash',
    'C:\\windows\\x',
    '/etc/passwd',
    'per%cent%2fsign',
    'plus+and space',
    'q?u#e&s=t',
    'line\r\nbreak\ttab',
    'emoji 🚀',
    'nfc é',
    'nfd e\u0301',
    'rtl \u202e\u200f gpj.exe',
    'dot. ',
    'CON',
    '*',
    '__proto__',
    'x'.repeat(1024),
    'ü'.repeat(512),
  ]
  for (const key of keys) {
    const encoded = encodeURIComponent(key).replaceAll('.', '%2E')
    for (const path of [`${base}/${encoded}`, `/api/v2/buckets/holdfast/asset?key=${encoded}`]) {
      const body = `content of ${key}`
      const put = await server.ask(`PUT ${path}`, { body })
      assert.ok(put.status === 201 || put.status === 200, `${key}: ${put.text}`)
      assert.equal(put.json.key, key)
      assert.equal((await server.ask(`GET ${path}`)).text, body, key)
      assert.equal((await server.ask(`HEAD ${path}`)).headers['x-checksum'], sha(body))
    }
  }
  // Slashes may be written as they are: the path is taken as it came, not normalised.
  assert.equal(
    (await server.ask(`GET ${base}/../../etc/passwd`)).text,
    'content of ../../etc/passwd',
  )
  assert.equal((await server.ask(`GET ${base}/a/../b`)).text, 'content of a/../b')
  assert.equal((await server.ask(`GET ${base}/double//slash`)).text, 'content of double//slash')
  const list = (await server.ask(`GET ${base}?limit=1000`)).json
  const stored = new Set(list.items.map((item: { key: string }) => item.key))
  for (const key of keys) assert.ok(stored.has(key), key)
})

test('keys that cannot be are refused', async () => {
  for (const encoded of ['%00', 'a%00b', 'x'.repeat(1025), 'ü'.repeat(513)]) {
    const path = `${base}/${encoded.startsWith('ü') ? encodeURIComponent(encoded) : encoded}`
    const answer = await server.ask(`PUT ${path}`, { body: 'x' })
    refused(answer, 422, 'VALIDATION_ERROR')
    assert.equal(answer.json.details.errors[0].path, 'key')
  }
  refused(await server.ask(`PUT ${base}/`, { body: 'x' }), 422, 'VALIDATION_ERROR')
  for (const encoded of ['%', '%zz', '%ff', '%c0%ae', '%ed%a0%80']) {
    refused(await server.ask(`PUT ${base}/${encoded}`, { body: 'x' }), 400, 'MALFORMED_REQUEST')
    const query = `PUT /api/v2/buckets/holdfast/asset?key=${encoded}`
    refused(await server.ask(query, { body: 'x' }), 400, 'MALFORMED_REQUEST')
  }
})

test('a list by key is in the order of bytes, below a prefix, page by page', async () => {
  const keys = ['order/a', 'order/B', 'order/ä', 'order/a/b', 'order/\uffee', 'order/🚀']
  for (const key of keys) await server.ask(`PUT ${base}/${encodeURIComponent(key)}`, { body: key })
  const found: string[] = []
  let cursor = ''
  for (let page = 0; page < 10; page += 1) {
    const line = `GET ${base}?prefix=order/&limit=2${cursor}`
    const { json } = await server.ask(line)
    assert.equal(json.total, keys.length)
    found.push(...json.items.map((item: { key: string }) => item.key))
    if (json.next_cursor === null) break
    cursor = `&cursor=${encodeURIComponent(json.next_cursor)}`
  }
  const byBytes = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  assert.deepEqual(found, byBytes)
})

test('large bodies stream in and out, with and without a length', async () => {
  const bytes = randomBytes(9 * 1024 * 1024 + 17)
  const sized = await server.ask(`PUT ${base}/large/sized`, {
    body: Readable.from([bytes.subarray(0, 5_000_000), bytes.subarray(5_000_000)]),
    headers: { 'content-length': bytes.length },
  })
  assert.equal(sized.status, 201)
  const chunked = await server.ask(`PUT ${base}/large/chunked`, { body: Readable.from([bytes]) })
  assert.equal(chunked.status, 201)
  assert.equal(chunked.json.checksum, sha(bytes))
  const back = await server.ask(`GET ${base}/large/chunked`)
  assert.equal(back.headers['content-length'], String(bytes.length))
  assert.ok(back.bytes.equals(bytes))
  const middle = { range: 'bytes=4000000-8000000' }
  const part = await server.ask(`GET ${base}/large/sized`, { headers: middle })
  assert.equal(part.status, 206)
  assert.ok(part.bytes.equals(bytes.subarray(4_000_000, 8_000_001)))
})

test('only one of many creates wins, and exactly one of many swaps', async () => {
  const create = { 'if-none-match': '*' }
  const creates = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      server.ask(`PUT ${base}/race`, { body: `writer ${index}`, headers: create }),
    ),
  )
  assert.equal(creates.filter(answer => answer.status === 201).length, 1)
  for (const answer of creates)
    if (answer.status !== 201) refused(answer, 412, 'PRECONDITION_FAILED')
  const etag = (await server.ask(`HEAD ${base}/race`)).headers.etag ?? ''
  const swaps = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      server.ask(`PUT ${base}/race`, { body: `swap ${index}`, headers: { 'if-match': etag } }),
    ),
  )
  assert.equal(swaps.filter(answer => answer.status === 200).length, 1)
  const info = (await server.ask(`GET ${base}/race?info=true`)).json
  assert.equal(info.current_version, 2)
})

test('parallel puts of one key without conditions all count, each as its own version', async () => {
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) => server.ask(`PUT ${base}/busy`, { body: `b${index}` })),
  )
  assert.ok(answers.every(answer => answer.status === 200 || answer.status === 201))
  assert.equal(answers.filter(answer => answer.status === 201).length, 1)
  const numbers = new Set(answers.map(answer => answer.json.current_version))
  assert.equal(numbers.size, 30)
})

test('If-Match on what is not there is a failed precondition', async () => {
  const headers = { 'if-match': '*' }
  const answer = await server.ask(`PUT ${base}/nothing-here`, { body: 'x', headers })
  refused(answer, 412, 'PRECONDITION_FAILED')
  refused(await server.ask(`GET ${base}/nothing-here`), 404, 'ASSET_NOT_FOUND')
})

test('delete by key hides, twice is no error, and a put revives', async () => {
  await server.ask(`PUT ${base}/revived`, { body: 'first life' })
  assert.equal((await server.ask(`DELETE ${base}/revived`)).status, 204)
  assert.equal((await server.ask(`DELETE ${base}/revived`)).status, 204)
  refused(await server.ask(`GET ${base}/revived`), 404, 'ASSET_NOT_FOUND')
  refused(await server.ask(`DELETE ${base}/never-was`), 404, 'ASSET_NOT_FOUND')
  const again = await server.ask(`PUT ${base}/revived`, { body: 'second life' })
  assert.ok(again.status === 201 || again.status === 200)
  assert.equal((await server.ask(`GET ${base}/revived`)).text, 'second life')
})

test('buckets that are not there are told so', async () => {
  refused(
    await server.ask('PUT /api/v2/buckets/absent/assets/x', { body: 'x' }),
    404,
    'BUCKET_NOT_FOUND',
  )
  refused(await server.ask('GET /api/v2/buckets/absent/assets/x'), 404, 'BUCKET_NOT_FOUND')
  refused(await server.ask('GET /api/v2/buckets/absent/assets'), 404, 'BUCKET_NOT_FOUND')
})

test('checksums of every kind are enforced before anything is visible', async () => {
  const body = 'checked content'
  const of = (name: string) => createHash(name).update(body).digest('base64')
  const good: Record<string, string>[] = [
    { 'content-md5': of('md5') },
    { digest: `SHA-256=${of('sha256')}` },
    { 'repr-digest': `sha-512=:${of('sha512')}:` },
    { 'content-digest': `sha-256=:${of('sha256')}:` },
    { 'x-amz-checksum-sha1': of('sha1') },
    { 'x-amz-checksum-sha256': of('sha256') },
    { 'x-amz-checksum-crc32': 'XhUQrg==' },
  ]
  for (const [index, headers] of good.entries()) {
    const [name = ''] = Object.entries(headers)[0] ?? []
    const path = `${base}/checked/${index}`
    if (name !== 'x-amz-checksum-crc32') {
      const answer = await server.ask(`PUT ${path}`, { body, headers })
      assert.equal(answer.status, 201, `${name}: ${answer.text}`)
    }
    const other = await server.ask(`PUT ${path}-wrong`, { body: `${body}!`, headers })
    refused(other, 400, 'DIGEST_MISMATCH')
    refused(await server.ask(`GET ${path}-wrong`), 404, 'ASSET_NOT_FOUND')
  }
  const bad = { 'content-md5': 'nonsense' }
  refused(await server.ask(`PUT ${base}/bad`, { body, headers: bad }), 400, 'DIGEST_UNSUPPORTED')
})
