import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { signingKey } from '../auth/signing.ts'
import { amzDate } from '../auth/times.ts'
import { accessKey, region, type S3TestServer, secretKey, startS3 } from '../started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3({ env: { STORAGE_S3_DOMAINS: 's3.test' } })
  assert.equal((await s3.send('PUT /forms')).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

interface Form {
  readonly conditions?: unknown[]
  readonly fields?: Record<string, string>
  readonly content?: string
  readonly expiresMs?: number
  readonly secret?: string
  readonly bucket?: string
  readonly query?: string
  readonly headers?: Record<string, string>
}

const signedFields = ['x-amz-algorithm', 'x-amz-credential', 'x-amz-date'].map(name => {
  return ['starts-with', `$${name}`, '']
})

async function post(form: Form): Promise<{ status: number; text: string; location: string }> {
  const time = amzDate(Date.now())
  const scope = { day: time.slice(0, 8), region }
  const signed = {
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${accessKey}/${scope.day}/${region}/s3/aws4_request`,
    'x-amz-date': time,
  }
  const fields = { key: 'up/${' + 'filename}', ...signed, ...form.fields }
  const conditions = form.conditions ?? [
    { bucket: form.bucket ?? 'forms' },
    ['starts-with', '$key', 'up/'],
    ['content-length-range', 1, 20],
    ...Object.entries(signed).map(([name, value]) => ({ [name]: value })),
    ...Object.entries(form.fields ?? {}).map(([name, value]) => ['eq', `$${name}`, value]),
  ]
  const expiration = new Date(form.expiresMs ?? Date.now() + 60_000).toISOString()
  const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64')
  const key = signingKey(form.secret ?? secretKey, scope)
  const body = new FormData()
  for (const [name, value] of Object.entries(fields)) body.append(name, value)
  body.append('policy', policy)
  body.append('x-amz-signature', key.sign(policy))
  body.append('file', new Blob([form.content ?? 'content']), 'photo $& 1.jpg')
  const { bucket = 'forms', query = '', headers = {} } = form
  const sent = new Response(body)
  const type = { 'content-type': sent.headers.get('content-type') ?? '' }
  const bytes = new Uint8Array(await sent.arrayBuffer())
  const options = { auth: 'none', headers: { ...type, ...headers }, body: bytes } as const
  const { status, text, headers: answered } = await s3.send(`POST /${bucket}${query}`, options)
  return { status, text, location: answered.location ?? '' }
}

test('a form has no query, and little beside its file', async () => {
  const fields = { 'x-ignore-this': 'x'.repeat(20 * 1024 + 1) }
  const conditions = [{ bucket: 'forms' }]
  const long = await post({ fields, conditions })
  assert.equal(long.status, 400)
  assert.match(long.text, /<Code>MaxPostPreDataLengthExceededError</)
  const asked = await fetch(`${s3.url}/forms?some=thing`, { method: 'POST', body: new FormData() })
  assert.equal(asked.status, 400)
  assert.match(await asked.text(), /Query String Parameters not allowed on POST requests\./)
})

test('names count with the fields, and so does what stands before them', async () => {
  const type = { 'content-type': 'multipart/form-data; boundary=b' }
  const disposition = 'Content-Disposition: form-data'
  const part = (name: string) => `--b\r\n${disposition}; name="${name}"\r\n\r\nx\r\n`
  const codeOf = async (body: string) => {
    const { code } = await s3.send('POST /forms', { auth: 'none', headers: type, body })
    return code
  }
  const names = (count: number) =>
    Array.from({ length: count }, (_, at) => part(`${at}-${'n'.repeat(1000)}`)).join('')
  const tooLong = 'MaxPostPreDataLengthExceededError'
  assert.equal(await codeOf(`${names(20)}${part('key')}${part('file')}--b--`), tooLong)
  assert.notEqual(await codeOf(`${names(18)}${part('key')}${part('file')}--b--`), tooLong)
  const longFile = part(`file"; filename="${'f'.repeat(10_400)}`)
  assert.equal(await codeOf(part('k'.repeat(10_400)) + longFile), tooLong)
  const behind = (bytes: number) => `${'x'.repeat(bytes)}\r\n${part('key')}${part('file')}--b--`
  assert.equal(await codeOf(behind(4000)), 'AccessDenied')
  assert.equal(await codeOf(behind(5000)), 'InvalidRequest')
})

test('a signed form stores its file under the name of the file', async () => {
  assert.equal((await post({})).status, 204)
  assert.equal((await s3.send('GET /forms/up/photo%20$&%201.jpg')).text, 'content')
})

test('a form is held to the owner that its header, or a field of it, expects', async () => {
  const name = 'x-amz-expected-bucket-owner'
  const listed = await s3.send('GET /')
  const owner = /<Owner><ID>(.*?)</.exec(listed.text)?.[1] ?? ''
  for (const form of [{ headers: { [name]: 'other' } }, { fields: { [name]: 'other' } }]) {
    const refused = await post({ ...form, content: 'refused' })
    assert.equal(refused.status, 403)
    assert.match(refused.text, /<Code>AccessDenied</)
  }
  const both = { headers: { [name]: owner }, fields: { [name]: 'other' } }
  assert.equal((await post({ ...both, content: 'refused' })).status, 403)
  const kept = await s3.send('GET /forms/up/photo%20$&%201.jpg')
  assert.notEqual(kept.text, 'refused')
  for (const form of [{ headers: { [name]: owner } }, { fields: { [name]: owner } }]) {
    assert.equal((await post(form)).status, 204)
  }
})

test('a form is answered as it asks', async () => {
  const created = await post({ fields: { success_action_status: '201' } })
  assert.equal(created.status, 201)
  assert.match(created.text, /<PostResponse><Location>.*<Bucket>forms<\/Bucket>/)
  const target = 'https://example.org/done?a=1'
  const redirected = await post({ fields: { success_action_redirect: target } })
  assert.equal(redirected.status, 303)
  const { searchParams } = new URL(redirected.location)
  assert.deepEqual([searchParams.get('a'), searchParams.get('bucket')], ['1', 'forms'])
})

test('where a form has put its file, it says by the name that the form was sent to', async () => {
  const any = ['bucket', 'key', 'success_action_status'].map(name => [
    'starts-with',
    `$${name}`,
    '',
  ])
  const conditions = [...any, ...signedFields]
  const fields = { key: 'up/b c', success_action_status: '201' }
  const headers = { host: 'forms.s3.test' }
  const hosted = await post({ conditions, fields, headers, bucket: '' })
  assert.equal(hosted.location, 'http://forms.s3.test/up/b%20c')
  assert.match(hosted.text, /<Location>http:\/\/forms\.s3\.test\/up\/b%20c<\/Location>/)
  assert.equal((await post({ conditions, fields })).location, `${s3.url}/forms/up/b%20c`)
})

test('a form without a key is told so in the words of AWS', async () => {
  const empty = await post({ fields: { key: '' } })
  assert.match(empty.text, /InvalidArgument<.*key must have a length greater than 0\..*>key</)
  const body = new FormData()
  body.append('file', new Blob(['x']), 'name')
  const bare = await fetch(`${s3.url}/forms`, { method: 'POST', body })
  assert.equal(bare.status, 400)
  assert.match(await bare.text(), /InvalidArgument<.*must contain a field named 'key'/)
})

test('a form that its policy does not allow stores nothing', async () => {
  const everythingButBucket = [['starts-with', '$key', 'up/'], ...signedFields]
  const cases: [string, Form, number][] = [
    ['expired', { expiresMs: Date.now() - 1000 }, 403],
    ['another secret', { secret: 'x' }, 403],
    ['another key', { fields: { key: 'elsewhere' } }, 403],
    ['a field nobody named', { conditions: [['starts-with', '$key', '']] }, 403],
    ['no bucket', { conditions: everythingButBucket }, 403],
    ['too long', { content: 'x'.repeat(21) }, 400],
    ['too short', { content: '' }, 400],
    ['no key', { fields: { key: '' } }, 400],
  ]
  const before = await s3.send('GET /forms')
  for (const [name, form, status] of cases) {
    assert.equal((await post(form)).status, status, name)
  }
  const after = await s3.send('GET /forms')
  assert.equal(
    (after.text.match(/<Key>/g) ?? []).length,
    (before.text.match(/<Key>/g) ?? []).length,
  )
})

test('a form without a credential needs a bucket that is open', async () => {
  const body = new FormData()
  body.append('key', 'anonymous')
  body.append('file', new Blob(['x']), 'x')
  assert.equal((await fetch(`${s3.url}/forms`, { method: 'POST', body })).status, 403)
  assert.equal((await s3.send('HEAD /forms/anonymous')).status, 404)
})

test('what denies unsigned content denies forms, whatever a header beside them says', async () => {
  const Resource = 'arn:aws:s3:::hashed/*'
  const unsigned = { StringEquals: { 's3:x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }
  const put = { Principal: '*', Action: 's3:PutObject', Resource }
  const Statement = [
    { Effect: 'Allow', ...put },
    { Effect: 'Deny', ...put, Condition: unsigned },
  ]
  assert.equal((await s3.send('PUT /hashed')).status, 200)
  const body = JSON.stringify({ Version: '2012-10-17', Statement })
  assert.equal((await s3.send('PUT /hashed?policy', { body })).status, 204)
  const sha256 = createHash('sha256').update('content').digest('hex')
  for (const headers of [{}, { 'x-amz-content-sha256': sha256 }]) {
    assert.equal((await post({ bucket: 'hashed', headers })).status, 403)
    const bare = new FormData()
    bare.append('key', 'anonymous')
    bare.append('file', new Blob(['content']), 'x')
    const sent = { method: 'POST', body: bare, headers }
    assert.equal((await fetch(`${s3.url}/hashed`, sent)).status, 403)
  }
  assert.equal((await s3.send('PUT /hashed/signed', { body: 'x' })).status, 200)
})

test('a form with another credential beside its own, or with that alone, is refused', async () => {
  const claimed = { authorization: 'AWS4-HMAC-SHA256 Credential=x' }
  const bare = new FormData()
  bare.append('key', 'anonymous')
  bare.append('file', new Blob(['content']), 'x')
  const beside = async (query: string, headers: Record<string, string>) => {
    const signed = await post({ query, headers, fields: { key: 'up/beside' } })
    const sent = { method: 'POST', body: bare, headers }
    const alone = await (await fetch(`${s3.url}/forms${query}`, sent)).text()
    return [signed.text, alone].map(text => /<Code>(\w+)/.exec(text)?.[1])
  }
  const both = ['InvalidArgument', 'InvalidArgument']
  assert.deepEqual(await beside('', claimed), both)
  assert.deepEqual(await beside('', { authorization: '' }), both)
  assert.deepEqual(await beside(`?X-Amz-Signature=${'0'.repeat(64)}`, {}), both)
  assert.deepEqual(await beside('?X-Amz-Credential=x', {}), both)
  assert.deepEqual(await beside('?AWSAccessKeyId=x&Signature=y&Expires=1', {}), both)
  const token = await beside('', { 'x-amz-security-token': 'x' })
  assert.deepEqual(token, ['InvalidToken', 'InvalidToken'])
  assert.equal((await s3.send('HEAD /forms/up/beside')).status, 404)
  assert.equal((await post({ fields: { key: 'up/beside' } })).status, 204)
})

/** A form as libraries make it that sign with version 2, and forms with headers of their own. */
async function send(
  fields: Record<string, string>,
  { file = 'content', name = 'photo.jpg' }: { readonly file?: string; readonly name?: string } = {},
): Promise<{ status: number; code: string | undefined; headers: Headers }> {
  const body = new FormData()
  for (const [field, value] of Object.entries(fields)) body.append(field, value)
  body.append('file', new Blob([file]), name)
  const answer = await fetch(`${s3.url}/forms`, { method: 'POST', body })
  const code = /<Code>(\w+)/.exec(await answer.text())?.[1]
  return { status: answer.status, code, headers: answer.headers }
}

function oldForm(fields: Record<string, string>, secret = secretKey): Record<string, string> {
  const conditions = [
    { bucket: 'forms' },
    ...Object.entries(fields).map(([field, value]) => {
      return field === 'key' ? ['starts-with', '$key', value.split('$')[0]] : { [field]: value }
    }),
  ]
  const expiration = new Date(Date.now() + 60_000).toISOString()
  const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64')
  const signature = createHmac('sha1', secret).update(policy).digest('base64')
  return { ...fields, AWSAccessKeyId: accessKey, policy, signature }
}

test('a form may be signed with version 2', async () => {
  const good = oldForm({ key: 'old', acl: 'private', 'Content-Type': 'text/x' })
  assert.equal((await send(good)).status, 204)
  assert.equal((await s3.send('HEAD /forms/old')).headers['content-type'], 'text/x')
  const wrong = await send(oldForm({ key: 'wrong' }, 'x'))
  assert.deepEqual([wrong.status, wrong.code], [403, 'SignatureDoesNotMatch'])
  for (const field of ['AWSAccessKeyId', 'policy', 'signature']) {
    const { [field]: _, ...rest } = oldForm({ key: 'wrong' })
    const answer = await send(rest)
    assert.deepEqual([answer.status, answer.code], [400, 'InvalidArgument'], field)
  }
  const other = await send({ ...oldForm({ key: 'right' }), key: 'wrong' })
  assert.deepEqual([other.status, other.code], [403, 'AccessDenied'])
  const both = await send({ ...oldForm({ key: 'wrong' }), 'x-amz-signature': 'a'.repeat(64) })
  assert.deepEqual([both.status, both.code], [400, 'InvalidArgument'])
  assert.equal((await s3.send('HEAD /forms/wrong')).status, 404)
})

test('a form may say a checksum, and nothing where anything may be said', async () => {
  const free = oldForm({ key: 'free' })
  const policy = JSON.parse(Buffer.from(free.policy ?? '', 'base64').toString())
  policy.conditions.push(['starts-with', '$x-amz-server-side-encryption', ''])
  const text = Buffer.from(JSON.stringify(policy)).toString('base64')
  const signature = createHmac('sha1', secretKey).update(text).digest('base64')
  const form = { ...free, policy: text, signature }
  const sha256 = createHash('sha256').update('content').digest('base64')
  assert.equal((await send(form)).status, 204)
  assert.equal((await send({ ...form, 'x-amz-checksum-sha256': sha256 })).status, 204)
  const wrong = await send({ ...form, 'x-amz-checksum-sha256': sha256.replace(/^./, '?') })
  assert.equal(wrong.status, 400)
  const other = createHash('sha256').update('other').digest('base64')
  assert.equal((await send({ ...form, 'x-amz-checksum-sha256': other })).status, 400)
  // Whichever of two comes first, the other would not be looked at.
  const crc = 'AAAAAA=='
  const two = { 'x-amz-checksum-sha256': sha256, 'x-amz-checksum-crc32': crc }
  assert.equal((await send({ ...form, ...two })).status, 400)
})

test('where a form sends its browser, the bucket is listed', async () => {
  for (const query of ['bucket=forms&key=a&etag=%22e%22', 'key=a']) {
    assert.equal((await s3.send(`GET /forms?${query}`)).status, 200, query)
  }
  for (const line of ['GET /forms?key', 'PUT /forms?bucket=forms', 'DELETE /forms?key=a']) {
    assert.equal((await s3.send(line)).status, 501, line)
  }
})

test('of the name of a file only its end counts', async () => {
  const key = 'named/${' + 'filename}'
  for (const name of ['C:\\photos\\one.jpg', '../photos/one.jpg']) {
    assert.equal((await send(oldForm({ key }), { name })).status, 204)
  }
  const { text } = await s3.send('GET /forms?prefix=named')
  assert.deepEqual(text.match(/<Key>.*?<\/Key>/g), ['<Key>named/one.jpg</Key>'])
})

test('the digests of a form hold for its file', async () => {
  const md5 = (content: string) => createHash('md5').update(content).digest('base64')
  const wrong = await send(oldForm({ key: 'summed', 'Content-MD5': md5('other') }))
  assert.deepEqual([wrong.status, wrong.code], [400, 'BadDigest'])
  assert.equal((await send(oldForm({ key: 'summed', 'Content-MD5': md5('content') }))).status, 204)
  const unknown = await send(oldForm({ key: 'summed', 'x-amz-checksum-sha512': 'AAAA' }))
  assert.deepEqual([unknown.status, unknown.code], [400, 'InvalidRequest'])
  const sum = createHash('sha256').update('content').digest('base64')
  const told = await send(oldForm({ key: 'summed', 'x-amz-checksum-sha256': sum }))
  assert.equal(told.headers.get('x-amz-checksum-sha256'), sum)
})

test('a post that is no form is told what it must be', async () => {
  const headers = { 'content-type': 'text/plain' }
  const answer = await fetch(`${s3.url}/forms`, { method: 'POST', headers, body: 'x' })
  assert.equal(answer.status, 412)
  assert.match(await answer.text(), /<Code>PreconditionFailed<.*multipart\/form-data/s)
})

test('a part of a form without a name makes it no form', async () => {
  for (const content of ['', 'x'.repeat(33_000)]) {
    const body = new FormData()
    for (const [field, value] of Object.entries(oldForm({ key: 'nameless' }))) {
      body.append(field, value)
    }
    body.append('', new Blob([content]), 'x')
    const answer = await fetch(`${s3.url}/forms`, { method: 'POST', body })
    assert.equal(answer.status, 400)
    assert.match(await answer.text(), /<Code>MalformedPOSTRequest</)
  }
})

test('what the policy does not name is not taken from the head of the file', async () => {
  const typed = async (fields: Record<string, string>, type: string) => {
    const body = new FormData()
    for (const [field, value] of Object.entries(fields)) body.append(field, value)
    body.append('file', new Blob(['<b>'], { type }), 'x')
    return (await fetch(`${s3.url}/forms`, { method: 'POST', body })).status
  }
  assert.equal(await typed(oldForm({ key: 'page' }), 'text/html'), 204)
  const { headers } = await s3.send('HEAD /forms/page')
  assert.equal(headers['content-type'], 'binary/octet-stream')
})

test('a field cannot end a header of later answers', async () => {
  for (const field of ['x-amz-meta-a', 'Content-Type', 'Content-Disposition', 'Cache-Control']) {
    const key = `split-${field}`
    const { status } = await send(oldForm({ key, [field]: 'a\r\nset-cookie: b=1' }))
    assert.equal(status, 400, field)
    assert.equal((await s3.send(`HEAD /forms/${key}`)).status, 404, field)
  }
})

test('a form tells what is wrong with its credential and its policy as AWS does', async () => {
  const told = async (form: Form) => {
    const { text } = await post(form)
    const element = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`).exec(text)?.[1]
    const said = ['Code', 'Message', 'ArgumentName', 'ArgumentValue', 'Region'].map(element)
    return said.map(one => one?.replaceAll('&apos;', "'").replaceAll('&quot;', '"'))
  }
  const argument = (message: string, value: string, Region?: string) => {
    return ['InvalidArgument', message, 'x-amz-credential', value, Region]
  }
  const day = amzDate(Date.now()).slice(0, 8)
  const of = (credential: string) => told({ fields: { 'x-amz-credential': credential } })
  const elsewhere = `${accessKey}/${day}/us-west-2/s3/aws4_request`
  const wrong = `the region 'us-west-2' is wrong; expecting '${region}'`
  assert.deepEqual(await of(elsewhere), argument(wrong, elsewhere, region))
  const malformed =
    'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
  const [code, message, ...others] = await of('no-slashes')
  assert.deepEqual(
    [code, message?.replaceAll('&lt;', '<').replaceAll('&gt;', '>'), ...others],
    argument(malformed, 'no-slashes'),
  )
  const service = `${accessKey}/${day}/${region}/ec2/aws4_request`
  assert.deepEqual(
    await of(service),
    argument('incorrect service "ec2". This endpoint belongs to "s3".', service),
  )
  const failed = (shown: string) => {
    const sentence = `Invalid according to Policy: Policy Condition failed: ${shown}`
    return ['AccessDenied', sentence, undefined, undefined, undefined]
  }
  const usual = [{ bucket: 'forms' }, ['starts-with', '$key', 'up/'], ...signedFields]
  const conditions = (one: unknown) => told({ conditions: [...usual, one] })
  assert.deepEqual(await conditions(['eq', '$Acl', 'x']), failed('["eq","$Acl","x"]'))
  assert.deepEqual(await conditions({ acl: 'x' }), failed('["eq", "$acl", "x"]'))
})

test('a condition that nothing can meet is denied, one that is none is no policy', async () => {
  const denied = [
    ['content-length-range', 'one', 'two'],
    ['content-length-range', 0, 'two'],
    ['eq', 'key', 'up/x'],
    ['starts-with', 'key', ''],
  ]
  const wrong = [
    ['content-length-range', -1, 0],
    ['content-length-range', 0],
    ['content-length-range', 1.5, 3],
    ['eq', 'key'],
    ['eq', '$', 'x'],
    ['ends-with', 'key', 'x'],
  ]
  const usual = [{ bucket: 'forms' }, ['starts-with', '$key', 'up/'], ...signedFields]
  for (const condition of denied) {
    const { status, text } = await post({ conditions: [...usual, condition] })
    assert.equal(status, 403, text)
    const told = JSON.stringify(condition)
    assert.ok(text.includes(`Invalid according to Policy: Policy Condition failed: ${told}`), text)
  }
  for (const condition of wrong) {
    const { status, text } = await post({ conditions: [...usual, condition] })
    assert.equal(status, 400, `${JSON.stringify(condition)} ${text}`)
    assert.match(text, /<Code>InvalidPolicyDocument</)
  }
})

test('a form may say that its file has no tags', async () => {
  for (const tagging of ['<Tagging/>', '<Tagging></Tagging>', '<Tagging><TagSet/></Tagging>']) {
    assert.equal((await send(oldForm({ key: 'untagged', tagging }))).status, 204, tagging)
  }
  assert.match((await s3.send('GET /forms/untagged?tagging')).text, /<TagSet\/>|<TagSet><\/TagSet>/)
  const none = await send(oldForm({ key: 'wrong', tagging: '<Tagging><Set/></Tagging>' }))
  assert.deepEqual([none.status, none.code], [400, 'MalformedXML'])
})

test('a form has one checksum, and its conditions three words each', async () => {
  const sums = { 'x-amz-checksum-crc32': 'DUoRhQ==', 'x-amz-checksum-crc32c': 'yZRlqg==' }
  const twice = await post({ fields: sums })
  assert.equal(twice.status, 400)
  assert.match(twice.text, /Expecting a single x-amz-checksum- header/)
  const conditions = (...more: unknown[]) => ({
    conditions: [{ bucket: 'forms' }, ['starts-with', '$key', 'up/'], ...signedFields, ...more],
  })
  for (const [condition, sentence] of [
    [['eq', '$key', 'up/', 'more'], /Invalid eq: wrong number of arguments/],
    [['like', '$key', 'up/'], /Invalid Condition: unknown operation/],
    [[], /Invalid Condition: missing operation identifier/],
    [true, /Invalid condition test: must be a List or Object/],
  ] as const) {
    const { status, text } = await post(conditions(condition))
    assert.equal(status, 400)
    assert.match(text, /<Code>InvalidPolicyDocument</)
    assert.match(text, sentence)
  }
  assert.equal((await post(conditions(['starts-with', '$key', 'up']))).status, 204)
})
