import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type S3TestServer, startS3, told } from '../started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /things')).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

const md5 = (text: string) => createHash('md5').update(text).digest('hex')

test('what S3 puts in, REST shows, and the other way round', async () => {
  const put = await s3.send('PUT /things/shared', { body: 'from s3' })
  assert.deepEqual([put.status, put.headers.etag], [200, `"${md5('from s3')}"`])
  const rest = await s3.server.ask('GET /api/v2/buckets/things/assets/shared')
  assert.equal(rest.text, 'from s3')
  await s3.server.ask('PUT /api/v2/buckets/things/assets/by-rest', { body: 'from rest' })
  const got = await s3.send('GET /things/by-rest')
  assert.deepEqual([got.status, got.text], [200, 'from rest'])
})

test('headers and metadata come back as they were sent', async () => {
  const headers = {
    'content-type': 'text/x-test',
    'cache-control': 'max-age=5',
    'content-encoding': 'aws-chunked, gzip',
    'content-disposition': 'attachment; filename="a"',
    'x-amz-meta-color': 'red',
    'x-amz-tagging': 'a=1&b=2',
  }
  await s3.send('PUT /things/described', { body: 'x', headers })
  const head = await s3.send('HEAD /things/described')
  assert.equal(head.headers['content-type'], 'text/x-test')
  assert.equal(head.headers['content-encoding'], 'gzip')
  assert.equal(head.headers['x-amz-meta-color'], 'red')
  assert.equal(head.headers['x-amz-tagging-count'], '2')
  assert.equal(head.headers['x-content-type-options'], 'nosniff')
  assert.equal(head.headers['x-amz-version-id'], undefined)
  assert.equal(head.bytes.length, 0)
  for (const [sent, kept] of [
    ['deflate, gzip', 'deflate, gzip'],
    ['aws-chunked, gzip, AWS-chunked', 'gzip'],
    ['aws-chunked', undefined],
  ] as const) {
    await s3.send('PUT /things/coded', { body: 'x', headers: { 'content-encoding': sent } })
    assert.equal((await s3.send('HEAD /things/coded')).headers['content-encoding'], kept, sent)
  }
})

test('who has nothing to show, and keys longer than a key, are refused as such', async () => {
  const unsigned = { authorization: '' }
  for (const line of ['PUT /things/unsigned', 'PUT /unsigned', 'GET /things/shared']) {
    const answer = await s3.send(line, { auth: 'none', unsigned })
    assert.deepEqual(told(answer), [403, 'AccessDenied'], line)
  }
  const long = 'k'.repeat(1025)
  for (const method of ['PUT', 'GET', 'DELETE']) {
    assert.deepEqual(told(await s3.send(`${method} /things/${long}`)), [400, 'KeyTooLongError'])
  }
})

test('conditions of reads and writes hold by ETag', async () => {
  await s3.send('PUT /things/conditional', { body: 'one' })
  const etag = `"${md5('one')}"`
  const get = async (headers: Record<string, string>) =>
    (await s3.send('GET /things/conditional', { headers })).status
  assert.equal(await get({ 'if-none-match': etag }), 304)
  assert.equal(await get({ 'if-match': '"other"' }), 412)
  assert.equal(await get({ 'if-match': '"other", *' }), 200)
  assert.equal(await get({ 'if-unmodified-since': 'Sat, 29 Oct 1994 19:43:31 GMT' }), 412)
  const put = async (key: string, headers: Record<string, string>) =>
    told(await s3.send(`PUT /things/${key}`, { headers, body: 'two' }))
  assert.deepEqual(await put('conditional', { 'if-none-match': '*' }), [412, 'PreconditionFailed'])
  assert.deepEqual(await put('conditional', { 'if-match': '"other"' }), [412, 'PreconditionFailed'])
  assert.deepEqual(await put('no-such', { 'if-match': '*' }), [404, 'NoSuchKey'])
  assert.deepEqual(await put('conditional', { 'if-none-match': etag }), [412, 'PreconditionFailed'])
  assert.deepEqual(await put('conditional', { 'if-match': etag }), [200, undefined])
})

test('ranges are single, and those beyond the end are refused with the size', async () => {
  await s3.send('PUT /things/ranged', { body: 'testcontent' })
  const range = async (value: string) =>
    await s3.send('GET /things/ranged', { headers: { range: value } })
  const middle = await range('bytes=4-7')
  assert.deepEqual([middle.status, middle.text], [206, 'cont'])
  assert.equal(middle.headers['content-range'], 'bytes 4-7/11')
  assert.equal((await range('bytes=-7')).text, 'content')
  assert.equal((await range('bytes=0-1,3-4')).status, 200)
  for (const ignored of ['nonsense', 'bytes=5-2', 'bytes= -1', 'bytes=0--1', 'bytes=2-x']) {
    const { status, text, headers } = await range(ignored)
    assert.deepEqual([status, text], [200, 'testcontent'], ignored)
    assert.equal(headers['content-range'], undefined, ignored)
  }
  const beyond = await range('bytes=40-50')
  assert.deepEqual(told(beyond), [416, 'InvalidRange'])
  assert.match(beyond.text, /<ActualObjectSize>11<\/ActualObjectSize>/)
})

test('keys of every shape are kept, listed and encoded', async () => {
  await s3.send('PUT /keyed')
  const keys = ['//', '../a', './b', 'a%2Fb', 'a+b', 'a b', 'ä', '\u0001', '😀', '￮']
  for (const key of keys) {
    const put = await s3.send(`PUT /keyed/${encodeURIComponent(key)}`, { body: key })
    assert.equal(put.status, 200, key)
  }
  const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const listed = await s3.send('GET /keyed?list-type=2&encoding-type=url')
  const found = [...listed.text.matchAll(/<Key>(.*?)<\/Key>/g)].map(match => match[1] ?? '')
  assert.deepEqual(found.map(decodeURIComponent), sorted)
  const paged: string[] = []
  let token = ''
  for (let page = 0; page < 20; page += 1) {
    const more = token === '' ? '' : `&continuation-token=${token}`
    const line = `GET /keyed?encoding-type=url&list-type=2&max-keys=3${more}`
    const { text } = await s3.send(line)
    paged.push(...[...text.matchAll(/<Key>(.*?)<\/Key>/g)].map(match => match[1] ?? ''))
    token = /<NextContinuationToken>(.*?)</.exec(text)?.[1] ?? ''
    if (token === '') break
  }
  assert.deepEqual(paged, found)
  for (const query of ['max-keys=-1', 'max-keys=x', 'encoding-type=x']) {
    assert.deepEqual(told(await s3.send(`GET /keyed?${query}`)), [400, 'InvalidArgument'], query)
  }
})

test('a copy onto itself must change something, and a source is checked like a path', async () => {
  await s3.send('PUT /things/source', { body: 'copied', headers: { 'x-amz-meta-a': '1' } })
  const copy = async (key: string, headers: Record<string, string>) =>
    await s3.send(`PUT /things/${key}`, { headers })
  const itself = await copy('source', { 'x-amz-copy-source': 'things/source' })
  assert.deepEqual(told(itself), [400, 'InvalidRequest'])
  const absent = await copy('absent', { 'x-amz-copy-source': 'things/absent' })
  assert.deepEqual(told(absent), [404, 'NoSuchKey'])
  const copied = await copy('copied', { 'x-amz-copy-source': '/things/source' })
  assert.match(copied.text, /<CopyObjectResult/)
  assert.equal((await s3.send('HEAD /things/copied')).headers['x-amz-meta-a'], '1')
  const bad = await copy('bad', { 'x-amz-copy-source': 'things' })
  assert.deepEqual(told(bad), [400, 'InvalidArgument'])
  const missing = await copy('bad', { 'x-amz-copy-source': 'no-such-bucket/x' })
  assert.deepEqual(told(missing), [404, 'NoSuchBucket'])
})

test('a copy onto itself takes on the encryption that its bucket prescribes', async () => {
  await s3.send('PUT /sealed')
  await s3.send('PUT /sealed/one', { body: 'kept', headers: { 'x-amz-meta-a': '1' } })
  const rule =
    '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>' +
    '<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>' +
    '</ServerSideEncryptionConfiguration>'
  const itself = () =>
    s3.send('PUT /sealed/one', { headers: { 'x-amz-copy-source': 'sealed/one' } })
  assert.deepEqual(told(await itself()), [400, 'InvalidRequest'])
  assert.equal((await s3.send('PUT /sealed?encryption', { body: rule })).status, 200)
  assert.equal((await itself()).status, 200)
  const { headers, status } = await s3.send('HEAD /sealed/one')
  assert.equal(status, 200)
  assert.equal(headers['x-amz-server-side-encryption'], 'AES256')
  assert.equal(headers['x-amz-meta-a'], '1')
})

test('documents tell times in whole seconds, as headers do', async () => {
  await s3.send('PUT /times')
  await s3.send('PUT /times/one', { body: 'x' })
  const made = await s3.send('POST /times/parts?uploads')
  const id = /<UploadId>(.*?)</.exec(made.text)?.[1] ?? ''
  await s3.send(`PUT /times/parts?partNumber=1&uploadId=${id}`, { body: 'x' })
  const source = { headers: { 'x-amz-copy-source': 'times/one' } }
  const told = Date.parse((await s3.send('HEAD /times/one')).headers['last-modified'] ?? '')
  const listed = await s3.send('GET /times?list-type=2')
  assert.match(listed.text, new RegExp(`<LastModified>${new Date(told).toISOString()}<`))
  for (const [line, options] of [
    ['GET /', {}],
    ['GET /times', {}],
    ['GET /times?versions', {}],
    ['GET /times?uploads', {}],
    [`GET /times/parts?uploadId=${id}`, {}],
    ['PUT /times/two', source],
    [`PUT /times/parts?partNumber=2&uploadId=${id}`, source],
  ] as const) {
    const { text } = await s3.send(line, options)
    const times = text.match(/<(LastModified|CreationDate|Initiated)>.*?</g) ?? []
    assert.ok(times.length > 0, line)
    for (const time of times) assert.match(time, /T\d\d:\d\d:\d\d\.000Z<$/, line)
  }
})

test('a document of tags without a set of them has none', async () => {
  const tags = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'
  await s3.send('PUT /things/tagged', { body: 'x' })
  for (const place of ['/things/tagged', '/things']) {
    assert.ok((await s3.send(`PUT ${place}?tagging`, { body: tags })).status < 300)
    assert.ok((await s3.send(`PUT ${place}?tagging`, { body: '<Tagging/>' })).status < 300, place)
    assert.doesNotMatch((await s3.send(`GET ${place}?tagging`)).text, /<Key>a</)
  }
})

test('DeleteObjects deletes exactly what it names', async () => {
  for (const key of ['007', '7', '1e5']) await s3.send(`PUT /things/${key}`, { body: key })
  const body = '<Delete><Object><Key>007</Key></Object><Object><Key>none</Key></Object></Delete>'
  const answer = await s3.send('POST /things?delete', { body })
  assert.equal((answer.text.match(/<Deleted>/g) ?? []).length, 2)
  assert.equal((await s3.send('HEAD /things/007')).status, 404)
  assert.equal((await s3.send('HEAD /things/7')).status, 200)
  const entity =
    '<!DOCTYPE Delete [<!ENTITY x "7">]><Delete><Object><Key>&x;</Key></Object></Delete>'
  assert.deepEqual(told(await s3.send('POST /things?delete', { body: entity })), [
    400,
    'MalformedXML',
  ])
  assert.equal((await s3.send('HEAD /things/7')).status, 200)
})

test('what has no body is held to the hash of nothing', async () => {
  await s3.send('PUT /things/hashed', { body: 'x' })
  for (const line of ['GET /things/hashed', 'GET /things?list-type=2', 'DELETE /things/hashed']) {
    const refused = told(await s3.send(line, { payload: 'ab'.repeat(32) }))
    assert.deepEqual(refused, [400, 'XAmzContentSHA256Mismatch'], line)
  }
  const unsigned = await s3.send('GET /things/hashed', { payload: 'UNSIGNED-PAYLOAD' })
  assert.equal(unsigned.text, 'x')
})

test('elements that S3 does not know are refused, not taken for absent ones', async () => {
  assert.equal((await s3.send('PUT /things/kept', { body: 'kept' })).status, 200)
  const tags = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'
  assert.equal((await s3.send('PUT /things/kept?tagging', { body: tags })).status, 200)
  const object = '<Object><Key>kept</Key>'
  for (const body of [
    `<Delete>${object}<VersionID>old</VersionID></Object></Delete>`,
    `<Delete>${object}<Etag>other</Etag></Object></Delete>`,
    `<Delete><quiet>true</quiet>${object}</Object></Delete>`,
  ]) {
    const answer = await s3.send('POST /things?delete', { body })
    assert.deepEqual(told(answer), [400, 'MalformedXML'], body)
  }
  for (const body of [
    tags.replaceAll('Tag>', 'tag>'),
    tags.replace('<TagSet>', '<tagSet/><TagSet>'),
    tags.replace('</Tag>', '<value/></Tag>'),
  ]) {
    const answer = await s3.send('PUT /things/kept?tagging', { body })
    assert.deepEqual(told(answer), [400, 'MalformedXML'], body)
  }
  assert.equal((await s3.send('GET /things/kept')).text, 'kept')
  assert.match((await s3.send('GET /things/kept?tagging')).text, /<Key>a</)
})

test('DeleteObjects reads keys of control characters as listings write them', async () => {
  const key = 'c\u0007\u001f\t'
  assert.equal((await s3.send(`PUT /things/${encodeURIComponent(key)}`, { body: 'x' })).status, 200)
  const { text } = await s3.send('GET /things?list-type=2&prefix=c%07')
  const listed = /<Key>(.*?)<\/Key>/.exec(text)?.[1] ?? ''
  assert.equal(listed, 'c&#x7;&#x1F;&#x9;')
  const body = `<Delete><Object><Key>${listed}</Key></Object></Delete>`
  const answer = await s3.send('POST /things?delete', { body })
  assert.match(answer.text, new RegExp(`<Deleted><Key>${listed}</Key></Deleted>`))
  assert.equal((await s3.send(`HEAD /things/${encodeURIComponent(key)}`)).status, 404)
})

test('DeleteObjects of a bucket that is not there fails as a whole, for who may know', async () => {
  const body = '<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>'
  const missing = await s3.send('POST /not-there?delete', { body })
  assert.deepEqual(told(missing), [404, 'NoSuchBucket'])
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  const anyone = { body, headers, auth: 'none' } as const
  assert.deepEqual(told(await s3.send('POST /not-there?delete', anyone)), [404, 'NoSuchBucket'])
  const closed = await s3.send('POST /things?delete', anyone)
  assert.equal(closed.status, 200)
  assert.equal((closed.text.match(/<Code>AccessDenied</g) ?? []).length, 2)
  const made = await s3.server.ask('POST /api/v2/s3/keys', {
    json: { name: 'confined', permissions: ['assets:write'], buckets: ['elsewhere'] },
  })
  const key = { id: made.json.id, secret: made.json.secret }
  for (const bucket of ['not-there', 'things']) {
    const answer = await s3.send(`POST /${bucket}?delete`, { body, key })
    assert.deepEqual(told(answer), [404, 'NoSuchBucket'], bucket)
  }
})

test('an error document has code, resource and ids, and a HEAD has none', async () => {
  const answer = await s3.send('GET /things/not%20there')
  assert.deepEqual(told(answer), [404, 'NoSuchKey'])
  assert.match(answer.text, /<Resource>\/things\/not%20there<\/Resource>/)
  assert.match(answer.text, new RegExp(`<RequestId>${answer.headers['x-amz-request-id']}<`))
  assert.match(answer.text, /<HostId>[\w+/=]+<\/HostId>/)
  assert.equal(answer.headers['content-type'], 'application/xml')
  const head = await s3.send('HEAD /things/none')
  assert.deepEqual([head.status, head.bytes.length], [404, 0])
})

test('an owner that is another one is told off', async () => {
  const headers = { 'x-amz-expected-bucket-owner': '123456789012' }
  assert.deepEqual(told(await s3.send('GET /things/shared', { headers })), [403, 'AccessDenied'])
  const listed = await s3.send('GET /')
  const owner = /<Owner><ID>(.*?)</.exec(listed.text)?.[1] ?? ''
  const own = { 'x-amz-expected-bucket-owner': owner }
  assert.equal((await s3.send('GET /things/shared', { headers: own })).status, 200)
})
