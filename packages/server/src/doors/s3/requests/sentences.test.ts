import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type S3TestServer, startS3 } from '../started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /said')).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

type Options = NonNullable<Parameters<S3TestServer['send']>[1]>

/** Status, code and sentence: suites of tests compare all three. */
async function said(line: string, options: Options = {}): Promise<(string | number | undefined)[]> {
  const { status, code, text } = await s3.send(line, options)
  const sentence = /<Message>(.*?)<\/Message>/.exec(text)?.[1]
  return [status, code, sentence?.replaceAll('&apos;', "'")]
}

test('lists of buckets and sources of copies are refused where they mean nothing', async () => {
  const request = [400, 'InvalidRequest']
  const uploads = 'Key is not expected for the GET method ?uploads subresource'
  assert.deepEqual(await said('GET /said/key?uploads'), [...request, uploads])
  const versions = 'There is no such thing as the ?versions sub-resource for a key'
  assert.deepEqual(await said('GET /said/key?versions'), [...request, versions])
  const options = { headers: { 'x-amz-copy-source': 'said/key' } }
  const only = 'You can only specify a copy source header for copy requests.'
  for (const line of ['GET /said', 'DELETE /said/key', 'POST /said/key?uploadId=1']) {
    const [method = '', path = ''] = line.split(' ')
    const answer = await fetch(`${s3.url}${path}`, { method, ...options })
    const text = await answer.text()
    assert.equal(answer.status, 400)
    assert.ok(text.includes('<Code>InvalidArgument<') && text.includes(only), text)
  }
  assert.equal((await s3.send('POST /said/begun?uploads', options)).status, 200)
})

test('a token is told to be invalid in the words of AWS', async () => {
  const sentence = 'The provided token is malformed or otherwise invalid.'
  const told = await said('GET /said', { headers: { 'x-amz-security-token': 'my_token' } })
  assert.deepEqual(told, [400, 'InvalidToken', sentence])
})

test('a bucket tells its ARN when it is made and when it is looked at', async () => {
  const header = 'x-amz-bucket-arn'
  assert.equal((await s3.send('PUT /named')).headers[header], 'arn:aws:s3:::named')
  assert.equal((await s3.send('HEAD /named')).headers[header], 'arn:aws:s3:::named')
})

test('of a policy that is not understood AWS says what, and the reason stands beside', async () => {
  const fine = {
    Effect: 'Allow',
    Principal: '*',
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::said/*',
  }
  const put = (body: string) => said('PUT /said?policy', { body })
  const malformed = (sentence: string) => [400, 'MalformedPolicy', sentence]
  assert.deepEqual(await put('{true}'), malformed('This policy contains invalid Json'))
  const first = "Policies must be valid JSON and the first byte must be '{'"
  assert.deepEqual(await put('false'), malformed(first))
  const empty = 'Could not parse the policy: Statement is empty!'
  assert.deepEqual(await put('{"Statement":[]}'), malformed(empty))
  const cases: [object, string][] = [
    [{ Effect: 'allow' }, 'Invalid effect: allow'],
    [{ Action: [] }, 'Policy has invalid action'],
    [{ Action: 's3:GetObjct' }, 'Policy has invalid action'],
    [{ Action: 's4:GetObject' }, 'Policy has invalid action'],
    [{ Action: 's3:ListBucket' }, 'Action does not apply to any resource(s) in statement'],
    [{ Principal: { AWS: [] } }, 'Invalid principal in policy'],
    [{ Principal: ['*', 'a'] }, 'Invalid principal in policy'],
    [{ Resource: '' }, 'Policy has invalid resource'],
    [{ Resource: 'arn:aws:s3:::other/*' }, 'Policy has invalid resource'],
    [{ Condition: { Like: { 'aws:UserAgent': 'a' } } }, 'Invalid Condition type : Like'],
    [{ Condition: { StringEquals: { 's3:none': 'a' } } }, 'Policy has an invalid condition key'],
    [{ Condition: { IpAddress: { 'aws:SourceIp': 'a' } } }, 'Invalid IP address in Conditions'],
  ]
  for (const [change, sentence] of cases) {
    const body = JSON.stringify({ Statement: [{ ...fine, ...change }] })
    assert.deepEqual(await put(body), malformed(sentence))
  }
  const body = JSON.stringify({ Version: '2012', Statement: [fine] })
  assert.deepEqual(await put(body), malformed('The policy must contain a valid version string'))
  const { text } = await s3.send('PUT /said?policy', { body })
  assert.match(text, /<Detail>Version must be 2012-10-17</)
})

test('a list of removals that cannot be taken is refused as by AWS', async () => {
  const remove = (body: string, headers: Record<string, string>) =>
    s3.send('POST /said?delete', { body, headers })
  const empty = await remove('', {})
  assert.equal(empty.code, 'MissingRequestBodyError')
  const wrong = await remove('<Delete/>', { 'content-md5': 'rL0Y20zC+Fzt72VPzMSk2A==' })
  assert.equal(wrong.code, 'BadDigest')
  assert.match(wrong.text, />The Content-MD5 you specified did not match what we received\.</)
  assert.match(wrong.text, /<ExpectedDigest>acbd18db4cc2f85cedef654fccc4a4d8</)
  assert.match(wrong.text, /<CalculatedDigest>[\w+/]{22}==</)
})

test('a named delete marker tells when it was made, and that it can be removed', async () => {
  const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
  assert.equal((await s3.send('PUT /marked')).status, 200)
  assert.equal((await s3.send('PUT /marked?versioning', { body })).status, 200)
  const { headers } = await s3.send('DELETE /marked/gone')
  const id = headers['x-amz-version-id']
  for (const line of ['GET /marked/gone?', 'HEAD /marked/gone?', 'GET /marked/gone?acl&']) {
    const named = await s3.send(`${line}versionId=${id}`)
    assert.equal(named.status, 405)
    assert.equal(named.headers.allow, 'DELETE')
    assert.ok(Date.parse(String(named.headers['last-modified'])) > 0)
  }
  const hidden = await s3.send('GET /marked/gone')
  assert.deepEqual([hidden.status, hidden.headers.allow], [404, undefined])
  const copy = { 'x-amz-copy-source': 'marked/gone?versionId=' }
  const empty = await said('PUT /marked/copy', { headers: copy })
  assert.deepEqual(empty, [400, 'InvalidArgument', 'Version id cannot be the empty string'])
})

test('of two operations at once the first by name is told', async () => {
  const both = await said('GET /said?versioning&acl')
  assert.equal(both[2], 'Conflicting query string parameters: acl, versioning')
  const { text } = await s3.send('GET /said?delete')
  assert.match(text, /<ResourceType>MULTI_OBJECT_DELETE</)
})

test('a declared checksum is the one that is sent', async () => {
  const put = (declared: string, sent: Record<string, string>) =>
    said('PUT /said/declared', {
      body: 'content',
      headers: { 'x-amz-sdk-checksum-algorithm': declared, ...sent },
    })
  const crc32 = { 'x-amz-checksum-crc32': '/sUwqQ==' }
  const wrong = 'Value for x-amz-sdk-checksum-algorithm header is invalid.'
  for (const declared of ['sha256', 'CRC32C', 'unknown', '']) {
    assert.deepEqual(await put(declared, crc32), [400, 'InvalidRequest', wrong], declared)
  }
  assert.deepEqual(await put('unknown', {}), [400, 'InvalidRequest', wrong])
  const alone = await put('CRC32', {})
  assert.match(String(alone[2]), /^x-amz-sdk-checksum-algorithm specified, but no corresponding /)
  assert.deepEqual(await put('crc32', crc32), [200, undefined, undefined])
})

test('locks and directives that are none are told as by AWS', async () => {
  const lock = 'x-amz-object-lock'
  const put = (headers: Record<string, string>) => said('PUT /said/lock', { headers })
  const hold = { [`${lock}-legal-hold`]: 'ON' }
  const missing = 'Bucket is missing ObjectLockConfiguration'
  assert.deepEqual(await put(hold), [400, 'InvalidRequest', missing])
  const body = '<LegalHold><Status>ON</Status></LegalHold>'
  assert.equal((await s3.send('PUT /said/lock')).status, 200)
  const spaced = 'Bucket is missing Object Lock Configuration'
  const there = await said('PUT /said/lock?legal-hold', { body })
  assert.deepEqual(there, [400, 'InvalidRequest', spaced])
  assert.deepEqual(await put({ [`${lock}-legal-hold`]: 'on' }), [
    400,
    'InvalidArgument',
    "Legal Hold must be either of 'ON' or 'OFF'",
  ])
  const copy = { 'x-amz-copy-source': '/said/lock', 'x-amz-metadata-directive': 'KEEP' }
  assert.deepEqual(await put(copy), [400, 'InvalidArgument', 'Unknown metadata directive.'])
})

test('a part without a checksum, or copied, tells the one that its upload asks for', async () => {
  const begun = await s3.send('POST /said/parts?uploads', {
    headers: { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' },
  })
  const upload = `/said/parts?uploadId=${/<UploadId>(.*?)</.exec(begun.text)?.[1]}`
  const put = await s3.send(`PUT ${upload}&partNumber=1`, { body: '123456789' })
  assert.equal(put.headers['x-amz-checksum-crc32'], 'y/Q5Jg==')
  assert.equal((await s3.send('PUT /said/source', { body: '123456789' })).status, 200)
  const headers = { 'x-amz-copy-source': '/said/source' }
  const copied = await s3.send(`PUT ${upload}&partNumber=2`, { headers })
  assert.match(copied.text, /<ChecksumCRC32>y\/Q5Jg==</)
  const complete = (part: string, more: Record<string, string> = {}) => {
    const named = `<Part><PartNumber>1</PartNumber><ETag>${put.headers.etag}</ETag>${part}</Part>`
    const body = `<CompleteMultipartUpload>${named}</CompleteMultipartUpload>`
    return said(`POST ${upload}`, { body, headers: more })
  }
  const wrong = 'Invalid Base64 or multiple checksums present in request'
  const invalid = [400, 'InvalidArgument', wrong]
  assert.deepEqual(await complete('<ChecksumCRC32>none</ChecksumCRC32>'), invalid)
  const right = '<ChecksumCRC32>y/Q5Jg==</ChecksumCRC32>'
  assert.deepEqual(await complete(`${right}<ChecksumCRC32C>4waSgw==</ChecksumCRC32C>`), invalid)
  const size =
    "The provided 'x-amz-mp-object-size' header value 8 does not match what was computed: 9"
  const sized = await complete(right, { 'x-amz-mp-object-size': '8' })
  assert.deepEqual(sized, [400, 'InvalidRequest', size])
})

test('a credential that is none is told what is wrong with it', async () => {
  const now = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const day = now.slice(0, 8)
  const asked = async (answer: Promise<Response>) => {
    const text = await (await answer).text()
    return ['Code', 'Message'].map(name => new RegExp(`<${name}>(.*?)</`).exec(text)?.[1])
  }
  const problems: [string, string][] = [
    ['key/hello', 'the Credential is mal-formed; expecting '],
    [`key/${day}/us-east-1/s3/aws5`, 'incorrect terminal &quot;aws5&quot;.'],
    [`key/${day}/us-east-1/sns/aws4_request`, 'incorrect service &quot;sns&quot;.'],
    ['key/2026Z/us-east-1/s3/aws4_request', 'incorrect date format &quot;2026Z&quot;.'],
  ]
  const signature = '0'.repeat(64)
  for (const [credential, problem] of problems) {
    const authorization =
      `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;x-amz-date, ` +
      `Signature=${signature}`
    const headers = { authorization, 'x-amz-date': now }
    const [code, message = ''] = await asked(fetch(`${s3.url}/said`, { headers }))
    assert.equal(code, 'AuthorizationHeaderMalformed')
    const begin = `The authorization header is malformed; ${problem}`
    assert.equal(message.replaceAll('"', '&quot;').slice(0, begin.length), begin)
    const query = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': credential,
      'X-Amz-Date': now,
      'X-Amz-Expires': '60',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': signature,
    })
    const [linked, told = ''] = await asked(fetch(`${s3.url}/said/key?${query}`))
    assert.equal(linked, 'AuthorizationQueryParametersError')
    const start = `Error parsing the X-Amz-Credential parameter; ${problem}`
    assert.equal(told.replaceAll('"', '&quot;').slice(0, start.length), start)
  }
})

test('of streamed bodies that are not what they say is told what AWS tells', async () => {
  const length = 'x-amz-decoded-content-length'
  const crc64 = 'x-amz-checksum-crc64nvme'
  const put = (body: string, headers: Record<string, string> = {}) => {
    const payload = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
    return said('PUT /said/streamed', { body, payload, headers: { [length]: '5', ...headers } })
  }
  const trailer = { 'x-amz-trailer': crc64 }
  const whole = `5\r\nhello\r\n0\r\n${crc64}:M3eFcAZSQlc=\r\n\r\n`
  assert.deepEqual(await put(whole, trailer), [200, undefined, undefined])
  const ended = [400, 'IncompleteBody', 'The request body terminated unexpectedly']
  assert.deepEqual(await put('5\r\nhel', trailer), ended)
  const untold = [411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.']
  assert.deepEqual(await put(whole, { ...trailer, [length]: '5x' }), untold)
  const malformed =
    'The request contained trailing data that was not well-formed or did not conform to our ' +
    'published schema.'
  const named = `5\r\nhello\r\n0\r\nother:M3eFcAZSQlc=\r\n\r\n`
  assert.deepEqual(await put(named, trailer), [400, 'MalformedTrailerError', malformed])
  const declared = { ...trailer, 'x-amz-sdk-checksum-algorithm': 'SHA1' }
  const wrong = 'Value for x-amz-sdk-checksum-algorithm header is invalid.'
  assert.deepEqual(await put(whole, declared), [400, 'InvalidRequest', wrong])
  const tag = (at: number) => `<Tag><Key>k${at}</Key><Value>v</Value></Tag>`
  const tags = Array.from({ length: 51 }, (_, at) => tag(at)).join('')
  const tagging = { body: `<Tagging><TagSet>${tags}</TagSet></Tagging>` }
  const many = 'Bucket tag count cannot be greater than 50'
  assert.deepEqual(await said('PUT /said?tagging', tagging), [400, 'InvalidTag', many])
})

test('what a method cannot do is named as AWS names it, and so is a key that is none', async () => {
  const typeOf = async (line: string) =>
    /<ResourceType>(.*?)</.exec((await s3.send(line)).text)?.[1]
  assert.equal(await typeOf('POST /said/key?tagging'), 'OBJECT_TAGGING')
  assert.equal(await typeOf('GET /said/key?encryption'), 'OBJECT_ENCRYPTION')
  assert.equal(await typeOf('POST /said?tagging'), 'TAGGING')
  const body = '<Delete><Object><Key>x</Key></Object><Object><Key></Key></Object></Delete>'
  const empty = [400, 'UserKeyMustBeSpecified', 'User key must be specified.']
  assert.deepEqual(await said('POST /said?delete', { body }), empty)
})

test('a region that is none is told so', async () => {
  const { signedRequest } = await import('../started-s3.test.ts')
  const { headers } = signedRequest(s3.host, 'GET /said', { region: '' })
  const told = await said('GET /said', { auth: 'none', headers })
  const sentence =
    'The authorization header is malformed; a non-empty region must be provided in the credential.'
  assert.deepEqual(told, [400, 'AuthorizationHeaderMalformed', sentence])
})
