import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type S3TestServer, type SendOptions, startS3, told } from '../started-s3.test.ts'

/** Users who are no administrators, each with buckets of their own, as accounts have at AWS. */

const password = 'Correct-Horse-7-Battery'
let s3: S3TestServer

interface Person {
  readonly id: string
  readonly key: SendOptions
  /** Their credential for REST. */
  readonly rest: { readonly key: null; readonly headers: Record<string, string> }
}

let ann: Person
let bob: Person

before(async () => {
  s3 = await startS3({ env: { STORAGE_BUCKETS_PER_OWNER: '20' } })
  ann = await person('ann', 'USER')
  bob = await person('bob', 'USER')
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

async function person(username: string, role: string): Promise<Person> {
  const { ask } = s3.server
  const json = { username, password, roles: [role], must_change_password: false }
  const made = await ask('POST /api/v2/users', { json })
  assert.equal(made.status, 201, made.text)
  const credentials = { json: { username, password }, key: null }
  const entered = await ask('POST /api/v2/auth/login', credentials)
  const headers = { authorization: `Bearer ${entered.json.access_token}` }
  const rest = { key: null, headers }
  const pair = await ask('POST /api/v2/s3/keys', { ...rest, json: { name: 'pair' } })
  assert.equal(pair.status, 201, pair.text)
  const key = { key: { id: String(pair.json.id), secret: String(pair.json.secret) } }
  return { id: String(made.json.id), key, rest }
}

async function ok(who: Person, line: string, options: SendOptions = {}) {
  const answer = await s3.send(line, { ...options, ...who.key })
  assert.ok(answer.status < 300, `${line}: ${answer.status} ${answer.text}`)
  return answer
}

async function closed(who: Person, line: string, options: SendOptions = {}) {
  const answer = await s3.send(line, { ...options, ...who.key })
  const [status, code] = told(answer)
  const isHead = line.startsWith('HEAD')
  assert.deepEqual([status, code], [403, isHead ? undefined : 'AccessDenied'], line)
}

test('a user makes a bucket, rules it, and nobody else gets in', async () => {
  await ok(ann, 'PUT /anns')
  await ok(ann, 'PUT /anns/foo', { body: 'foo' })
  const tags = '<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>'
  await ok(ann, 'PUT /anns?tagging', { body: tags })
  await ok(ann, 'PUT /anns?versioning', {
    body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
  })
  const acl = await ok(ann, 'GET /anns?acl')
  assert.match(acl.text, new RegExp(`<Owner><ID>${ann.id}</ID>`))
  assert.match(acl.text, /<Permission>FULL_CONTROL<\/Permission>/)
  for (const line of [
    ...['HEAD /anns', 'GET /anns', 'GET /anns?list-type=2', 'GET /anns?versions', 'GET /anns?acl'],
    ...['GET /anns?location', 'GET /anns?uploads', 'DELETE /anns', 'DELETE /anns?policy'],
    ...['GET /anns/foo', 'HEAD /anns/foo', 'GET /anns/foo?acl', 'DELETE /anns/foo'],
    ...['PUT /anns/foo', 'PUT /anns/new', 'POST /anns/new?uploads', 'PUT /anns?tagging'],
  ]) {
    await closed(bob, line)
  }
  await closed(bob, 'PUT /anns?acl', { headers: { 'x-amz-acl': 'public-read' } })
  const again = await s3.send('PUT /anns', bob.key)
  assert.deepEqual(told(again), [409, 'BucketAlreadyExists'])
  await ok(ann, 'PUT /anns')
  for (const [name, value] of [
    ['x-amz-acl', 'public-read'],
    ['x-amz-bucket-object-lock-enabled', 'true'],
    ['x-amz-object-ownership', 'ObjectWriter'],
  ] as const) {
    const own = await s3.send('PUT /anns', { ...ann.key, headers: { [name]: value } })
    assert.deepEqual(told(own), [409, 'BucketAlreadyOwnedByYou'], name)
  }
  assert.equal((await ok(ann, 'GET /anns?acl')).text, acl.text)
  const gone = await s3.send('GET /nobodys', bob.key)
  assert.deepEqual(told(gone), [404, 'NoSuchBucket'])
})

test('each lists the own buckets, through S3 as through REST', async () => {
  await ok(ann, 'PUT /list-anns')
  await ok(bob, 'PUT /list-bobs')
  const names = async (who: Person) => {
    const { text } = await ok(who, 'GET /?prefix=list-')
    const listed = [...text.matchAll(/<Name>([^<]+)<\/Name>/g)].map(([, name]) => name)
    const { json } = await s3.server.ask('GET /api/v2/buckets', who.rest)
    const items: { name: string; owner_id: string | null }[] = json.items
    const own = items.filter(({ owner_id: owner }) => owner === who.id)
    assert.deepEqual(
      own.map(({ name }) => name).filter(name => name.startsWith('list-')),
      listed,
    )
    assert.ok(items.every(({ owner_id: owner }) => owner === null || owner === who.id))
    return listed
  }
  assert.deepEqual(await names(ann), ['list-anns'])
  assert.deepEqual(await names(bob), ['list-bobs'])
  const all = await s3.send('GET /?prefix=list-')
  assert.match(all.text, /list-anns.*list-bobs/s)
})

test('canned lists open a bucket to others as far as they say', async () => {
  const make = async (name: string, acl: string) => {
    await ok(ann, `PUT /${name}`, { headers: { 'x-amz-acl': acl } })
    await ok(ann, `PUT /${name}/private`, { body: 'private' })
    const headers = { 'x-amz-acl': 'public-read' }
    await ok(ann, `PUT /${name}/public`, { body: 'public', headers })
  }
  await make('acl-private', 'private')
  await make('acl-read', 'public-read')
  await make('acl-write', 'public-read-write')
  await make('acl-known', 'authenticated-read')
  await closed(bob, 'GET /acl-private')
  for (const name of ['acl-read', 'acl-write', 'acl-known']) {
    const { text } = await ok(bob, `GET /${name}`)
    assert.match(text, /<Key>private<\/Key>.*<Key>public<\/Key>/s)
  }
  for (const name of ['acl-private', 'acl-read', 'acl-write', 'acl-known']) {
    await closed(bob, `GET /${name}/private`)
    assert.equal((await ok(bob, `GET /${name}/public`)).text, 'public')
    const write = name === 'acl-write' ? ok : closed
    await write(bob, `PUT /${name}/new`, { body: 'new' })
  }
  // Whose bucket it is may read and take away what others put there.
  assert.equal((await ok(ann, 'GET /acl-write/new')).text, 'new')
  await ok(bob, 'PUT /acl-write/full', {
    body: 'full',
    headers: { 'x-amz-acl': 'bucket-owner-full-control' },
  })
  const listed = (await ok(bob, 'GET /acl-write/full?acl')).text
  assert.match(listed, new RegExp(`<Owner><ID>${bob.id}</ID>`))
  assert.match(listed, new RegExp(`<ID>${ann.id}</ID>.*<Permission>FULL_CONTROL`, 's'))
  for (const key of ['new', 'full']) await ok(ann, `DELETE /acl-write/${key}`)
})

test('who writes by the list of a bucket says whom the own objects are open to', async () => {
  await ok(ann, 'PUT /taken', { headers: { 'x-amz-acl': 'public-read-write' } })
  const shown = { 'x-amz-acl': 'public-read', 'x-amz-tagging': 'k=v' }
  await ok(bob, 'PUT /taken/bobs', { body: 'bobs', headers: shown })
  await ok(bob, 'PUT /taken/bobs?acl', { headers: { 'x-amz-acl': 'private' } })
  const none = { auth: 'none' } as const
  const put = await s3.send('PUT /taken/anyones', { ...none, body: 'x', headers: shown })
  assert.equal(put.status, 200, put.text)
  assert.equal((await s3.send('GET /taken/anyones', none)).text, 'x')
  assert.deepEqual(told(await s3.send('GET /taken/bobs', none)), [403, 'AccessDenied'])
  // Not of what others put: to write over it is all that the list gives.
  await ok(ann, 'PUT /taken/anns', { body: 'anns' })
  for (const who of [bob.key, none]) {
    const over = await s3.send('PUT /taken/anns', { ...who, body: 'x', headers: shown })
    assert.deepEqual(told(over), [403, 'AccessDenied'])
  }
  assert.equal((await ok(ann, 'GET /taken/anns')).text, 'anns')
})

test('headers of encryption are refused where they mean nothing', async () => {
  await ok(ann, 'PUT /plain-anns')
  await ok(ann, 'PUT /plain-anns/k', { body: 'x' })
  const name = 'x-amz-server-side-encryption'
  const customer = { [`${name}-customer-algorithm`]: 'AES256' }
  const kms = { [`${name}-aws-kms-key-id`]: 'k' }
  for (const [line, headers, code] of [
    ['GET /plain-anns/k', { [name]: 'aws:kms', ...kms }, 'InvalidArgument'],
    ['GET /plain-anns/k', kms, 'InvalidArgument'],
    ['GET /plain-anns/k', customer, 'InvalidRequest'],
    ['PUT /plain-anns/k', { [name]: 'AES256', ...customer }, 'InvalidArgument'],
    ['PUT /plain-anns/k', { [name]: 'AES256', ...kms }, 'InvalidArgument'],
    ['PUT /plain-anns/k', kms, 'InvalidArgument'],
  ] as const) {
    const answer = await s3.send(line, { ...ann.key, headers })
    assert.deepEqual(told(answer), [400, code], `${line} ${Object.keys(headers)}`)
  }
  const key = Buffer.alloc(32)
  const md5 = createHash('md5').update(key).digest('base64')
  for (const headers of [
    { [`${name}-customer-key`]: key.toString('base64') },
    { ...customer, [`${name}-customer-key`]: 'AAAA', [`${name}-customer-key-md5`]: md5 },
  ]) {
    const answer = await s3.send('PUT /plain-anns/k', { ...ann.key, headers })
    assert.deepEqual(told(answer), [400, 'InvalidArgument'])
  }
  const served = await s3.send('PUT /plain-anns/k', { ...ann.key, headers: customer })
  assert.deepEqual(told(served), [501, 'NotImplemented'])
})

test('who began an upload in the bucket of another may abort it, but no other', async () => {
  const headers = { 'x-amz-acl': 'public-read-write' }
  await ok(ann, 'PUT /begun', { headers })
  await ok(ann, 'PUT /begun/k', { body: 'anns' })
  const begin = async (who: Person) => {
    return /<UploadId>([^<]+)/.exec((await ok(who, 'POST /begun/k?uploads')).text)?.[1] ?? ''
  }
  const [own, other, denied] = [await begin(bob), await begin(ann), await begin(bob)]
  await ok(bob, `GET /begun/k?uploadId=${own}`)
  for (const method of ['GET', 'DELETE']) await closed(bob, `${method} /begun/k?uploadId=${other}`)
  const statement = {
    ...{ Effect: 'Deny', Principal: '*', Action: 's3:AbortMultipartUpload' },
    Resource: 'arn:aws:s3:::begun/*',
  }
  const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await ok(ann, 'PUT /begun?policy', { body })
  await closed(bob, `DELETE /begun/k?uploadId=${denied}`)
  await ok(ann, 'DELETE /begun?policy')
  await ok(bob, `DELETE /begun/k?uploadId=${own}`)
  const gone = await s3.send(`GET /begun/k?uploadId=${own}`, ann.key)
  assert.deepEqual(told(gone), [404, 'NoSuchUpload'])
  assert.equal((await ok(ann, 'GET /begun/k')).text, 'anns')
})

test('a policy denies settings to the owner, too, but never its own removal', async () => {
  await ok(ann, 'PUT /shut')
  const status = async () =>
    /<IsPublic>(\w+)/.exec((await ok(ann, 'GET /shut?policyStatus')).text)?.[1]
  assert.equal(await status(), 'false')
  await ok(ann, 'PUT /shut?acl', { headers: { 'x-amz-acl': 'authenticated-read' } })
  assert.equal(await status(), 'true')
  const statement = {
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: 'arn:aws:s3:::shut',
  }
  const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await ok(ann, 'PUT /shut?policy', { body })
  for (const line of [
    ...['GET /shut?publicAccessBlock', 'GET /shut?tagging', 'PUT /shut?versioning', 'DELETE /shut'],
    ...['GET /shut?policyStatus', 'DELETE /shut?publicAccessBlock'],
  ]) {
    await closed(ann, line)
  }
  await ok(ann, 'GET /shut?policy')
  await ok(ann, 'DELETE /shut?policy')
  await ok(ann, 'DELETE /shut')
})

test('what is put while versions are suspended is told without a version', async () => {
  await ok(ann, 'PUT /suspended')
  const set = (status: string) => {
    const body = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`
    return ok(ann, 'PUT /suspended?versioning', { body })
  }
  await set('Enabled')
  assert.ok((await ok(ann, 'PUT /suspended/k', { body: 'x' })).headers['x-amz-version-id'])
  await set('Suspended')
  const copy = { headers: { 'x-amz-copy-source': 'suspended/k' } }
  for (const [line, options] of [
    ['PUT /suspended/k', { body: 'y' }],
    ['PUT /suspended/copy', copy],
  ] as const) {
    assert.equal((await ok(ann, line, options)).headers['x-amz-version-id'], undefined, line)
  }
  assert.equal((await ok(ann, 'GET /suspended/k')).headers['x-amz-version-id'], 'null')
})

test('what a policy denies is said before what is wrong with the headers', async () => {
  await ok(ann, 'PUT /sealed')
  const name = 's3:x-amz-server-side-encryption'
  const statement = {
    ...{ Effect: 'Deny', Principal: '*', Action: 's3:PutObject' },
    Resource: 'arn:aws:s3:::sealed/*',
    Condition: { StringNotEquals: { [name]: 'AES256' } },
  }
  const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await ok(ann, 'PUT /sealed?policy', { body })
  for (const value of ['AES192', 'aws:kms']) {
    const headers = { 'x-amz-server-side-encryption': value }
    await closed(ann, 'PUT /sealed/k', { headers })
    await closed(bob, 'PUT /sealed/k', { headers })
  }
  await ok(ann, 'PUT /sealed/k', { headers: { 'x-amz-server-side-encryption': 'AES256' } })
})

test('a copy out of the bucket of another takes its permission', async () => {
  await ok(ann, 'PUT /copy-anns')
  await ok(ann, 'PUT /copy-anns/foo', { body: 'foo' })
  await ok(bob, 'PUT /copy-bobs')
  await closed(bob, 'PUT /copy-bobs/bar', { headers: { 'x-amz-copy-source': 'copy-anns/foo' } })
  await closed(ann, 'PUT /copy-bobs/bar', { headers: { 'x-amz-copy-source': 'copy-anns/foo' } })
  const grants = { 'x-amz-grant-full-control': `id=${bob.id}` }
  await ok(ann, 'PUT /copy-anns/foo?acl', { headers: grants })
  await ok(bob, 'PUT /copy-bobs/bar', { headers: { 'x-amz-copy-source': 'copy-anns/foo' } })
  assert.equal((await ok(bob, 'GET /copy-bobs/bar')).text, 'foo')
})

test('policies open it; the owner alone takes back what denies everything', async () => {
  await ok(ann, 'PUT /policy-anns')
  await ok(ann, 'PUT /policy-anns/foo', { body: 'foo' })
  const both = ['arn:aws:s3:::policy-anns', 'arn:aws:s3:::policy-anns/*']
  const policy = (Effect: string, who: string, Action: string) => {
    const Statement = [{ Effect, Principal: { AWS: who }, Action, Resource: both }]
    return { body: JSON.stringify({ Version: '2012-10-17', Statement }) }
  }
  await ok(ann, 'PUT /policy-anns?policy', policy('Allow', bob.id, 's3:*'))
  await ok(bob, 'GET /policy-anns')
  assert.equal((await ok(bob, 'GET /policy-anns/foo')).text, 'foo')
  await ok(bob, 'PUT /policy-anns/bar', { body: 'bar' })
  await ok(ann, 'PUT /policy-anns?policy', policy('Deny', '*', 's3:*'))
  await closed(bob, 'GET /policy-anns/foo')
  await closed(bob, 'DELETE /policy-anns?policy')
  await closed(ann, 'GET /policy-anns/foo')
  await ok(ann, 'DELETE /policy-anns?policy')
  assert.equal((await ok(ann, 'GET /policy-anns/foo')).text, 'foo')
})

test('roles that only read make none, and the limit is told', async () => {
  const rita = await person('rita', 'READONLY')
  await closed(rita, 'PUT /ritas')
  const rest = await s3.server.ask('POST /api/v2/buckets', {
    ...rita.rest,
    json: { name: 'ritas' },
  })
  assert.equal(rest.status, 403)
  const carl = await person('carl', 'USER')
  for (let at = 0; at < 20; at += 1) await ok(carl, `PUT /carls-${at}`)
  assert.deepEqual(told(await s3.send('PUT /carls-x', carl.key)), [400, 'TooManyBuckets'])
  const json = { name: 'carls-y' }
  const more = await s3.server.ask('POST /api/v2/buckets', { ...carl.rest, json })
  assert.deepEqual([more.status, more.json.code], [409, 'TOO_MANY_BUCKETS'])
})

test('a bucket that was given away is made again by whose it is, not by who made it', async () => {
  await ok(ann, 'PUT /handed')
  const given = await s3.server.ask('PUT /api/v2/buckets/handed', { json: { owner_id: bob.id } })
  assert.equal(given.status, 200, given.text)
  assert.deepEqual(told(await s3.send('PUT /handed', ann.key)), [409, 'BucketAlreadyExists'])
  await ok(bob, 'PUT /handed')
})

test('a key was used by who signs with it, not by who names it', async () => {
  const made = await s3.server.ask('POST /api/v2/s3/keys', { ...ann.rest, json: { name: 'idle' } })
  const [id, secret] = [String(made.json.id), String(made.json.secret)]
  const isUsed = async () => {
    const { json } = await s3.server.ask('GET /api/v2/s3/keys', ann.rest)
    const found = (json.items as { id: string; last_used_at: string | null }[]).find(
      key => key.id === id,
    )
    return found?.last_used_at !== null
  }
  const wrong = await s3.send('GET /', { key: { id, secret: `${secret}x` } })
  assert.deepEqual(told(wrong), [403, 'SignatureDoesNotMatch'])
  assert.equal(await isUsed(), false)
  assert.equal((await s3.send('GET /', { key: { id, secret } })).status, 200)
  assert.equal(await isUsed(), true)
})

test('who comes without a credential hears what is gone, and what is closed', async () => {
  await ok(ann, 'PUT /anon-anns')
  const none = { auth: 'none' } as const
  for (const line of ['GET /anon-gone', 'GET /anon-gone/k', 'DELETE /anon-gone/k']) {
    assert.deepEqual(told(await s3.send(line, none)), [404, 'NoSuchBucket'], line)
  }
  for (const line of ['GET /anon-anns', 'GET /anon-anns/k', 'PUT /anon-gone', 'PUT /anon-anns/k']) {
    assert.deepEqual(told(await s3.send(line, none)), [403, 'AccessDenied'], line)
  }
})

test('who may put into the bucket of another locks nothing there by owning it', async () => {
  await ok(ann, 'PUT /bound', { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } })
  const allow = (...actions: string[]) => {
    const to = { Principal: { AWS: bob.id }, Resource: 'arn:aws:s3:::bound/*' }
    const statement = { Effect: 'Allow', ...to, Action: ['s3:PutObject', ...actions] }
    const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    return ok(ann, 'PUT /bound?policy', { body })
  }
  const until = new Date(Date.now() + 3_600_000).toISOString()
  const hold = { headers: { 'x-amz-object-lock-legal-hold': 'ON' } }
  const keep = {
    headers: {
      'x-amz-object-lock-mode': 'GOVERNANCE',
      'x-amz-object-lock-retain-until-date': until,
    },
  }
  const retention = `<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>${until}`
  const asked: [string, SendOptions][] = [
    ...([hold, keep].map(options => ['PUT /bound/new', options]) as [string, SendOptions][]),
    ['POST /bound/new?uploads', keep],
    ['PUT /bound/own?legal-hold', { body: '<LegalHold><Status>ON</Status></LegalHold>' }],
    ['PUT /bound/own?retention', { body: `${retention}</RetainUntilDate></Retention>` }],
  ]
  await allow()
  await ok(bob, 'PUT /bound/own', { body: 'bobs' })
  for (const [line, options] of asked) await closed(bob, line, options)
  await allow('s3:PutObjectRetention', 's3:PutObjectLegalHold')
  for (const [line, options] of asked) await ok(bob, line, options)
})
