import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type S3TestServer, startS3, told } from '../started-s3.test.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /documents')).status, 200)
  assert.equal((await s3.send('PUT /documents/one', { body: 'x' })).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

async function put(sub: string, body: string): Promise<[number, string | undefined]> {
  return told(await s3.send(`PUT /documents?${sub}`, { body }))
}

test('CORS rules that no browser could be answered by have a code of their own', async () => {
  const rule = (origin: string, method: string, more = '') =>
    put(
      'cors',
      `<CORSConfiguration><CORSRule><AllowedOrigin>${origin}</AllowedOrigin>` +
        `<AllowedMethod>${method}</AllowedMethod>${more}</CORSRule></CORSConfiguration>`,
    )
  const invalid = [400, 'InvalidRequest']
  assert.deepEqual(await rule('*', 'FOO'), invalid)
  assert.deepEqual(await rule('https://*.a.*', 'GET'), invalid)
  assert.deepEqual(await rule('*', 'GET', '<AllowedHeader>*a*</AllowedHeader>'), invalid)
  assert.deepEqual(await rule('*', 'GET', '<ExposeHeader>*</ExposeHeader>'), invalid)
  for (const name of ['a b', 'X:Y', 'X(Y)', 'X/Y', 'X[Y]', 'X=Y']) {
    for (const element of ['AllowedHeader', 'ExposeHeader']) {
      assert.deepEqual(await rule('*', 'GET', `<${element}>${name}</${element}>`), invalid, name)
    }
  }
  const fine = '<AllowedHeader>x-amz-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>'
  assert.deepEqual(await rule('https://*.a', 'GET', fine), [200, undefined])
  const one =
    '<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>'
  const rules = (count: number) =>
    s3.send('PUT /documents?cors', {
      body: `<CORSConfiguration>${one.repeat(count)}</CORSConfiguration>`,
    })
  assert.equal((await rules(100)).status, 200)
  const refused = await rules(101)
  assert.deepEqual(told(refused), invalid)
  assert.match(refused.text, />The number of CORS rules should not exceed allowed limit of 100 /)
})

test('lifecycle rules have a name, a place and whole days', async () => {
  const rule = (inner: string) =>
    put(
      'lifecycle',
      `<LifecycleConfiguration><Rule><Status>Enabled</Status>${inner}</Rule></LifecycleConfiguration>`,
    )
  const days = '<Expiration><Days>1</Days></Expiration>'
  assert.deepEqual(await rule(`<Prefix>a/</Prefix>${days}`), [200, undefined])
  const { text } = await s3.send('GET /documents?lifecycle')
  assert.match(text, /<ID>[\w-]{10,255}<\/ID>/)
  assert.deepEqual(await rule(days), [400, 'MalformedXML'])
  const noon = '<Expiration><Date>2030-01-01T12:00:00Z</Date></Expiration>'
  assert.deepEqual(await rule(`<Prefix/>${noon}`), [400, 'InvalidArgument'])
  const midnight = '<Expiration><Date>2030-01-01T00:00:00.000Z</Date></Expiration>'
  assert.deepEqual(await rule(`<Prefix/>${midnight}`), [200, undefined])
})

test('what is too small to go to another class stands in a header', async () => {
  const name = 'x-amz-transition-default-minimum-object-size'
  const rule = '<Prefix/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>'
  const body = `<LifecycleConfiguration><Rule>${rule}</Rule></LifecycleConfiguration>`
  const set = async (...said: string[]) => {
    const headers = Object.fromEntries(said.map(one => [name, one]))
    const answer = await s3.send('PUT /documents?lifecycle', { body, headers })
    const got = await s3.send('GET /documents?lifecycle')
    assert.ok(!got.text.includes('varies'), got.text)
    return [answer.code, answer.headers[name], got.headers[name]]
  }
  const [all, varies] = ['all_storage_classes_128K', 'varies_by_storage_class']
  assert.deepEqual(await set(varies), [undefined, varies, varies])
  assert.deepEqual(await set('neither'), ['InvalidRequest', undefined, varies])
  assert.deepEqual(await set(), [undefined, all, all])
})

test('what is told of events has a name, a place and events', async () => {
  const queue = (arn: string, event: string, more = '') =>
    put(
      'notification',
      `<NotificationConfiguration><QueueConfiguration>${more}<Queue>${arn}</Queue>` +
        `<Event>${event}</Event></QueueConfiguration></NotificationConfiguration>`,
    )
  const arn = 'arn:aws:sqs:us-east-1:123456789012:q'
  const shown = async () => (await s3.send('GET /documents?notification')).text
  assert.deepEqual(await queue(arn, 's3:ObjectCreated:*'), [200, undefined])
  assert.match(await shown(), /<Id>[\w-]{10,255}<\/Id>/)
  assert.deepEqual(await queue(arn, 's3:ObjectCreated:Put', '<Id>mine</Id>'), [200, undefined])
  assert.match(await shown(), /<Id>mine<\/Id>/)
  const invalid = [400, 'InvalidArgument']
  assert.deepEqual(await queue(arn, 's3:ObjectFound:*'), invalid)
  for (const other of ['q', 'arn:aws:sns:us-east-1:123456789012:q', 'arn:aws:sqs:us-east-1:1:']) {
    assert.deepEqual(await queue(other, 's3:ObjectCreated:*'), invalid, other)
  }
  assert.match(await shown(), /<Id>mine<\/Id>/)
  const filtered = async (...names: string[]) => {
    const rules = names.map(name => `<FilterRule><Name>${name}</Name><Value>x</Value></FilterRule>`)
    const filter = `<Filter><S3Key>${rules.join('')}</S3Key></Filter>`
    return await queue(arn, 's3:ObjectCreated:*', filter)
  }
  assert.deepEqual(await filtered('prefix', 'Suffix'), [200, undefined])
  assert.deepEqual(await filtered('infix'), invalid)
  assert.deepEqual(await filtered('prefix', 'Prefix'), invalid)
})

test('tags are written in the characters that tags may have', async () => {
  const tag = async (key: string, value: string) => {
    const set = `<TagSet><Tag><Key>${key}</Key><Value>${value}</Value></Tag></TagSet>`
    const body = `<Tagging>${set}</Tagging>`
    return told(await s3.send('PUT /documents/one?tagging', { body }))
  }
  assert.deepEqual(await tag('größe', 'a b+c-d=e._:/@ 1'), [200, undefined])
  assert.deepEqual(await tag('{}', 'x'), [400, 'InvalidTag'])
  assert.deepEqual(await tag('x', 'a*b'), [400, 'InvalidTag'])
  assert.deepEqual(await tag('AWS:x', 'a'), [400, 'InvalidTag'])
})

test('access is granted to those who are there', async () => {
  const shown = (await s3.send('GET /documents?acl')).text
  const owner = /<Owner>(<ID>.*?<\/ID>)/.exec(shown)?.[1] ?? ''
  const body = (grantee: string, ruler = owner, type = 'CanonicalUser') =>
    `<AccessControlPolicy><Owner>${ruler}</Owner><AccessControlList><Grant>` +
    `<Grantee xsi:type="${type}">${grantee}</Grantee><Permission>READ</Permission>` +
    '</Grant></AccessControlList></AccessControlPolicy>'
  const malformed = [400, 'MalformedACLError']
  assert.deepEqual(await put('acl', body(owner, '')), malformed)
  assert.deepEqual(await put('acl', body(owner, '<ID/>')), malformed)
  assert.deepEqual(await put('acl', body(owner, owner, 'Anybody')), malformed)
  assert.deepEqual(await put('acl', body('')), malformed)
  const misspelt = body(owner).replaceAll(/(<\/?)Grant>/g, '$1grant>')
  assert.deepEqual(await put('acl', misspelt), malformed)
  const other = '<ID>somebody else</ID>'
  assert.deepEqual(await put('acl', body(owner, other)), [400, 'InvalidArgument'])
  assert.deepEqual(await put('acl', body('<ID>nobody</ID>')), [400, 'InvalidArgument'])
  const email = '<EmailAddress>a@example.org</EmailAddress>'
  const unresolved = [400, 'UnresolvableGrantByEmailAddress']
  assert.deepEqual(await put('acl', body(email)), unresolved)
  const headers = { 'x-amz-grant-read': 'emailAddress="a@example.org"' }
  assert.deepEqual(told(await s3.send('PUT /documents?acl', { headers })), unresolved)
  const key = await s3.server.ask('POST /api/v2/s3/keys', {
    json: { name: 'reader', permissions: ['buckets:read'] },
  })
  const known = body(`<ID>${key.json.principal_id}</ID>`)
  assert.deepEqual(await put('acl', known), [200, undefined])
})

test('policies may ask for the grants of a request', async () => {
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: '*' },
    Action: 's3:PutObject',
    Resource: 'arn:aws:s3:::documents/*',
    Condition: { StringEquals: { 's3:x-amz-grant-full-control': 'id=x' } },
  }
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  assert.deepEqual(await put('policy', policy), [204, undefined])
})

test('policies name actions that S3 has, of resources that they are about', async () => {
  const policy = (Action: string, Resource: string) => {
    const statement = { Effect: 'Deny', Principal: '*', Action, Resource }
    return put('policy', JSON.stringify({ Statement: [statement] }))
  }
  const bucket = 'arn:aws:s3:::documents'
  const malformed = [400, 'MalformedPolicy']
  assert.deepEqual(await policy('s3:DeleteObjct', `${bucket}/*`), malformed)
  assert.deepEqual(await policy('s3:DeleteObject', bucket), malformed)
  assert.deepEqual(await policy('s3:DeleteBucket', `${bucket}/*`), malformed)
  assert.deepEqual(await policy('s3:Delete*', `${bucket}/none`), [204, undefined])
  assert.equal((await s3.send('DELETE /documents?policy')).status, 204)
})

test('a policy that names a field twice is refused, not kept without one of them', async () => {
  const statement = (fields: string) =>
    `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",${fields}}]}`
  const resource = '"Resource":"arn:aws:s3:::documents/none"'
  const from = '"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}'
  const agent = String.raw`"Condition" : {"StringLike":{"aws:UserAgent":["\"a\": ","b:"]}}`
  assert.deepEqual(await put('policy', statement(`${resource},${agent}`)), [204, undefined])
  for (const twice of [`${from},${agent}`, `"\\u0043ondition":{},${agent}`]) {
    const refused = await put('policy', statement(`${resource},${twice}`))
    assert.deepEqual(refused, [400, 'MalformedPolicy'], twice)
  }
  assert.equal((await s3.send('DELETE /documents?policy')).status, 204)
})

test('a policy comes back as it was written', async () => {
  const statement =
    '{ "Effect": "Allow",\n"Principal": "*", "Action": "s3:GetObject", ' +
    '"Resource": "arn:aws:s3:::documents/*"}'
  for (const text of [
    `{"Version": "2012-10-17", "Statement": [${statement}] }\n`,
    `{"Statement":[${statement.replaceAll(/\s/g, '')}]}`,
  ]) {
    assert.equal((await s3.send('PUT /documents?policy', { body: text })).status, 204)
    assert.equal((await s3.send('GET /documents?policy')).text, text)
  }
  const foreign = `{"AsWritten": "x", "Statement": [${statement}]}`
  assert.deepEqual(await put('policy', foreign), [400, 'MalformedPolicy'])
  assert.equal((await s3.send('DELETE /documents?policy')).status, 204)
})

test('what a bucket encrypts by default is said of what is put into it', async () => {
  const header = 'x-amz-server-side-encryption'
  await s3.send('PUT /sealed')
  await s3.send('PUT /sealed/before', { body: 'x' })
  const body =
    '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>' +
    '<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>' +
    '</ServerSideEncryptionConfiguration>'
  assert.equal((await s3.send('PUT /sealed?encryption', { body })).status, 200)
  const said = async (line: string, options = {}) => (await s3.send(line, options)).headers[header]
  assert.equal(await said('PUT /sealed/one', { body: 'x' }), 'AES256')
  assert.equal(await said('HEAD /sealed/one'), 'AES256')
  const headers = { 'x-amz-copy-source': 'documents/one' }
  assert.equal(await said('PUT /sealed/copy', { headers }), 'AES256')
  const begun = await s3.send('POST /sealed/many?uploads')
  assert.equal(begun.headers[header], 'AES256')
  const upload = /<UploadId>(.*?)<\/UploadId>/.exec(begun.text)?.[1]
  const part = `PUT /sealed/many?uploadId=${upload}&partNumber=`
  assert.equal(await said(`${part}1`, { body: 'x' }), 'AES256')
  assert.equal(await said(`${part}2`, { headers }), 'AES256')
  assert.equal(await said('HEAD /sealed/before'), undefined)
  assert.equal(await said('POST /documents/many?uploads'), undefined)
  assert.equal((await s3.send('DELETE /sealed?encryption')).status, 204)
  assert.equal(await said('PUT /sealed/after', { body: 'x' }), undefined)
  assert.equal(await said('HEAD /sealed/one'), 'AES256')
})

test('a bucket is made with its tags, and as a bucket of this kind, or not at all', async () => {
  const make = async (name: string, inner: string) => {
    const body = `<CreateBucketConfiguration>${inner}</CreateBucketConfiguration>`
    return told(await s3.send(`PUT /${name}`, { body }))
  }
  const tags = (key: string) => `<Tags><Tag><Key>${key}</Key><Value>v</Value></Tag></Tags>`
  assert.deepEqual(await make('tagged', tags('k'.repeat(129))), [400, 'InvalidTag'])
  const directory = '<Bucket><Type>Directory</Type></Bucket>'
  assert.deepEqual(await make('tagged', directory), [501, 'NotImplemented'])
  assert.equal((await s3.send('HEAD /tagged')).status, 404)
  assert.deepEqual(await make('tagged', tags('team')), [200, undefined])
  const { text } = await s3.send('GET /tagged?tagging')
  assert.match(text, /<Tag><Key>team<\/Key><Value>v<\/Value><\/Tag>/)
  assert.deepEqual(await make('untagged', '<Tags/>'), [200, undefined])
  assert.deepEqual(told(await s3.send('GET /untagged?tagging')), [404, 'NoSuchTagSet'])
})

test('the index of a site is a name without a slash', async () => {
  const index = (suffix: string) => {
    const inner = `<IndexDocument><Suffix>${suffix}</Suffix></IndexDocument>`
    return put('website', `<WebsiteConfiguration>${inner}</WebsiteConfiguration>`)
  }
  assert.deepEqual(await index('a/index.html'), [400, 'InvalidArgument'])
  assert.deepEqual(await index(''), [400, 'InvalidArgument'])
  assert.deepEqual(await index('index.html'), [200, undefined])
  const rule = (error: string, redirect: string) =>
    put(
      'website',
      '<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument><RoutingRules>' +
        '<RoutingRule><Condition><HttpErrorCodeReturnedEquals>' +
        `${error}</HttpErrorCodeReturnedEquals></Condition><Redirect><HttpRedirectCode>${redirect}` +
        '</HttpRedirectCode></Redirect></RoutingRule></RoutingRules></WebsiteConfiguration>',
    )
  assert.deepEqual(await rule('404', '308'), [200, undefined])
  for (const [error, redirect] of [
    ['404', '300'],
    ['302', '301'],
  ] as const) {
    assert.deepEqual(await rule(error, redirect), [400, 'InvalidRequest'])
  }
  assert.deepEqual(await rule('lost', '301'), [400, 'MalformedXML'])
  assert.equal((await s3.send('DELETE /documents?website')).status, 204)
})

test('a rule of lifecycle has a filter that goes with what it does', async () => {
  const expire = '<Expiration><Days>1</Days></Expiration>'
  const rule = async (filter: string, action = expire) => {
    const inner = `<Filter>${filter}</Filter><Status>Enabled</Status>${action}`
    const body = `<LifecycleConfiguration><Rule>${inner}</Rule></LifecycleConfiguration>`
    const answer = await s3.send('PUT /documents?lifecycle', { body })
    return [answer.code, /<Message>(.*?)</.exec(answer.text)?.[1]?.replaceAll('&apos;', "'")]
  }
  const tag = '<Tag><Key>k</Key><Value>v</Value></Tag>'
  const above = '<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan>'
  const below = (size: number) => `<ObjectSizeLessThan>${size}</ObjectSizeLessThan>`
  const abort =
    '<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>' +
    '</AbortIncompleteMultipartUpload>'
  const marker =
    '<Expiration><ExpiredObjectDeleteMarker>false</ExpiredObjectDeleteMarker></Expiration>'
  const refused: [string, string, string][] = [
    [tag, abort, 'AbortIncompleteMultipartUpload cannot be specified with Tags.'],
    [tag, marker, 'ExpiredObjectDeleteMarker cannot be specified with Tags.'],
    [above, abort, 'AbortIncompleteMultipartUpload cannot be specified with Object Size.'],
    [above, marker, 'ExpiredObjectDeleteMarker cannot be specified with Object Size.'],
    [below(0), expire, "'ObjectSizeLessThan' should be between 1 and 1099511627776000."],
    [
      `<And>${above}${below(5)}</And>`,
      expire,
      "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
    ],
  ]
  for (const [filter, action, message] of refused) {
    assert.deepEqual(await rule(filter, action), ['InvalidRequest', message], filter)
  }
  const ice = '<StorageClass>GLACIER_IR</StorageClass>'
  const long = (count: number) => `<Prefix>${'é'.repeat(count)}</Prefix>`
  assert.deepEqual(await rule(long(512), expire), [undefined, undefined])
  assert.equal((await rule(long(513), expire))[1], 'The maximum size of a prefix is 1024')
  for (const [key, value] of [
    ['k'.repeat(129), ''],
    ['k', 'v'.repeat(257)],
  ]) {
    const named = `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`
    assert.match(String((await rule(named, expire))[1]), /^A Tag's (Key|Value) must be a length/)
  }
  const newer = '<NewerNoncurrentVersions>5</NewerNoncurrentVersions>'
  for (const [filter, action] of [
    ['<And><Prefix>a</Prefix></And>', expire],
    ['', `<NoncurrentVersionExpiration>${newer}</NoncurrentVersionExpiration>`],
    ['', `<NoncurrentVersionTransition>${ice}</NoncurrentVersionTransition>`],
  ] as const) {
    assert.equal((await rule(filter, action))[0], 'MalformedXML', filter + action)
  }
  const move = `<Transition><Days>0</Days>${ice}</Transition>`
  for (const [filter, action] of [
    [`<And><Prefix></Prefix>${above}</And>`, expire],
    [`<And>${tag}<Tag><Key>l</Key><Value>v</Value></Tag></And>`, expire],
    ['', move],
    ['<Prefix>a</Prefix>', abort],
  ] as const) {
    assert.deepEqual(await rule(filter, action), [undefined, undefined], filter + action)
  }
  assert.equal((await s3.send('DELETE /documents?lifecycle')).status, 204)
})

test('logs go to a bucket that is there, and of the same owner', async () => {
  const log = (bucket: string) =>
    put(
      'logging',
      `<BucketLoggingStatus><LoggingEnabled><TargetBucket>${bucket}</TargetBucket>` +
        '<TargetPrefix>log/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>',
    )
  const refused = [400, 'InvalidTargetBucketForLogging']
  assert.deepEqual(await log('nowhere'), refused)
  assert.deepEqual(await log(''), refused)
  const json = { name: 'logger', permissions: ['buckets:create'] }
  const made = await s3.server.ask('POST /api/v2/s3/keys', { json })
  const key = { id: String(made.json.id), secret: String(made.json.secret) }
  const theirs = await s3.send('PUT /theirs', { key })
  assert.equal(theirs.status, 200, theirs.text)
  assert.deepEqual(await log('theirs'), refused)
  assert.deepEqual(await log('documents'), [200, undefined])
  const kept = await s3.send('GET /documents?logging')
  assert.match(kept.text, /<TargetBucket>documents</)
  const named = (format: string) =>
    put(
      'logging',
      '<BucketLoggingStatus><LoggingEnabled><TargetBucket>documents</TargetBucket><TargetPrefix/>' +
        `<TargetObjectKeyFormat>${format}</TargetObjectKeyFormat>` +
        '</LoggingEnabled></BucketLoggingStatus>',
    )
  const byDay = (source: string) =>
    `<PartitionedPrefix><PartitionDateSource>${source}</PartitionDateSource></PartitionedPrefix>`
  assert.deepEqual(await named('<SimplePrefix/>'), [200, undefined])
  assert.deepEqual(await named(byDay('EventTime')), [200, undefined])
  assert.ok((await s3.send('GET /documents?logging')).text.includes(byDay('EventTime')))
  assert.deepEqual(await named(byDay('Yesterday')), [400, 'MalformedXML'])
  assert.deepEqual(await named(`${byDay('EventTime')}<SimplePrefix/>`), [400, 'MalformedXML'])
  const grantee = '<Grantee xmlns:xsi="x" xsi:type="Group"><URI>u</URI></Grantee>'
  const grant = `<Grant>${grantee}<Permission>READ</Permission></Grant>`
  const granting =
    '<BucketLoggingStatus><LoggingEnabled><TargetBucket>documents</TargetBucket><TargetPrefix/>' +
    `<TargetGrants>${grant}</TargetGrants></LoggingEnabled></BucketLoggingStatus>`
  assert.deepEqual(await put('logging', granting), [501, 'NotImplemented'])
  assert.deepEqual(await put('logging', '<BucketLoggingStatus/>'), [200, undefined])
})

test('names that S3 keeps for itself are not taken', async () => {
  for (const name of ['sthree-a', 'a--x-s3', 'a--ol-s3', 'a--table-s3', 'a.mrap']) {
    assert.deepEqual(told(await s3.send(`PUT /${name}`)), [400, 'InvalidBucketName'], name)
  }
})

test('parameters that no operation can have are marks of browsers and logs', async () => {
  for (const query of ['_=17', '_', 'x-trace=a', 'x-trace']) {
    assert.equal((await s3.send(`GET /documents?${query}`)).status, 200, query)
    assert.equal((await s3.send(`GET /documents?location&${query}`)).status, 200, query)
  }
  assert.equal((await s3.send('PUT /documents/logged?x-trace=a', { body: 'x' })).status, 200)
  for (const line of ['DELETE /documents?_=17', 'PUT /documents/one?_=17', 'GET /documents?t=1']) {
    assert.deepEqual(told(await s3.send(line)), [501, 'NotImplemented'], line)
  }
})

test('ACLs are switched off only where they grant nothing to others', async () => {
  const enforced =
    '<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>' +
    '</OwnershipControls>'
  const acl = (name: string, canned: string) =>
    s3.send(`PUT /${name}`, { headers: { 'x-amz-acl': canned } })
  const everybody = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'
  const headers = { 'x-amz-object-ownership': 'BucketOwnerEnforced', 'x-amz-grant-read': everybody }
  const refused = [400, 'InvalidBucketAclWithObjectOwnership']
  assert.deepEqual(told(await s3.send('PUT /enforced', { headers })), refused)
  assert.equal((await s3.send('PUT /enforced')).status, 200)
  assert.equal((await s3.send('PUT /enforced/one', { body: 'x' })).status, 200)
  assert.equal((await acl('enforced/one?acl', 'public-read')).status, 200)
  assert.equal((await acl('enforced?acl', 'public-read')).status, 200)
  const enforce = () => s3.send('PUT /enforced?ownershipControls', { body: enforced })
  assert.deepEqual(told(await enforce()), refused)
  assert.match((await s3.send('GET /enforced?acl')).text, /AllUsers/)
  assert.equal((await acl('enforced?acl', 'private')).status, 200)
  assert.equal((await enforce()).status, 200)
  // What the object had granted counts no more, so it is not shown.
  const { text } = await s3.send('GET /enforced/one?acl')
  assert.match(text, /FULL_CONTROL/)
  assert.doesNotMatch(text, /AllUsers/)
})
