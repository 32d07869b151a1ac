import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type S3TestServer, type SendOptions, startS3, told } from '../started-s3.test.ts'

/** What a policy denies in one spelling must not pass in another. */

let s3: S3TestServer
/** Holds what everybody of the house holds; the bootstrap key would keep its settings. */
let key: NonNullable<SendOptions['key']>

before(async () => {
  s3 = await startS3()
  const json = { name: 'worker', permissions: ['assets:*', 'versions:*', 'metadata:*'] }
  const made = await s3.server.ask('POST /api/v2/s3/keys', { json })
  key = { id: String(made.json.id), secret: String(made.json.secret) }
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

async function bucketWith(name: string, ...statements: object[]): Promise<void> {
  assert.equal((await s3.send(`PUT /${name}`)).status, 200)
  const Statement = statements.map(one => ({ Principal: '*', Effect: 'Deny', ...one }))
  const body = JSON.stringify({ Version: '2012-10-17', Statement })
  const set = await s3.send(`PUT /${name}?policy`, { body })
  assert.equal(set.status, 204, set.text)
}

const md5Of = (body: string) => ({
  'content-md5': createHash('md5').update(body).digest('base64'),
})
const denied = [403, 'AccessDenied']
const of = (bucket: string) => `arn:aws:s3:::${bucket}/*`

test('what an operation ignores tells conditions nothing', async () => {
  const condition = (Action: string | string[], Condition: object, more = {}) => {
    return { Action, Resource: of('ignored'), Condition, ...more }
  }
  const arn = 'arn:aws:s3:::ignored'
  assert.equal((await s3.send('PUT /ignored')).status, 200)
  for (const name of ['home/secret', 'staging/bad']) {
    assert.equal((await s3.send(`PUT /ignored/${name}`, { body: 'x' })).status, 200)
  }
  await bucketWith(
    'ignored',
    condition('s3:PutObjectTagging', {
      StringNotEquals: { 's3:RequestObjectTag/project': 'blue' },
    }),
    condition('s3:PutObject', {
      StringNotLikeIfExists: { 's3:x-amz-copy-source': 'ignored/staging/good*' },
      StringNotEquals: { 's3:RequestObjectTag/owner': 'me' },
    }),
    condition('s3:DeleteObject', { Null: { 's3:if-match': 'true' } }),
    condition(
      ['s3:GetObject', 's3:ListBucket'],
      { StringLike: { 's3:prefix': 'public/*' } },
      { Effect: 'Allow', Resource: [arn, `${arn}/*`] },
    ),
  )
  const mine = { 'x-amz-tagging': 'owner=me&project=blue' }
  const tagging = (tag: string) => {
    return `<Tagging><TagSet><Tag><Key>${tag}</Key><Value>blue</Value></Tag></TagSet></Tagging>`
  }
  const send = async (line: string, headers: Record<string, string>, body?: string) => {
    return told(await s3.send(line, { key, headers, ...(body === undefined ? {} : { body }) }))
  }
  const blue = { 'x-amz-tagging': 'project=blue' }
  const line = 'PUT /ignored/home/secret?tagging'
  assert.deepEqual(await send(line, blue, tagging('other')), denied)
  assert.deepEqual(await send(line, {}, tagging('project')), [200, undefined])
  const from = { 'x-amz-copy-source': 'ignored/home/secret', ...mine }
  assert.deepEqual(await send('PUT /ignored/copy', from), denied)
  const replacing = { ...from, 'x-amz-tagging-directive': 'REPLACE' }
  assert.deepEqual(await send('PUT /ignored/copy', replacing), [200, undefined])
  const renaming = {
    'x-amz-rename-source': '/ignored/staging/bad',
    'x-amz-copy-source': 'ignored/staging/good',
    ...mine,
  }
  assert.deepEqual(await send('PUT /ignored/renamed?renameObject', renaming), denied)
  const entries = '<Delete><Object><Key>home/secret</Key></Object></Delete>'
  const headers = { ...md5Of(entries), 'if-match': '"no"' }
  const many = await s3.send('POST /ignored?delete', { key, body: entries, headers })
  assert.match(many.text, /AccessDenied/)
  for (const name of ['home/secret', 'home/none']) {
    const answer = await s3.send(`GET /ignored/${name}?prefix=public/`, { auth: 'none' })
    assert.deepEqual(told(answer), denied, name)
  }
  const heads = await s3.send('HEAD /ignored?prefix=public/', { auth: 'none' })
  assert.equal(heads.status, 403)
  const list = await s3.send('GET /ignored?prefix=public/', { auth: 'none' })
  assert.equal(list.status, 200)
})

test('a denied source of copies is denied in every spelling', async () => {
  const sources = { StringLike: { 's3:x-amz-copy-source': ['origin/secret*', 'origin/a b'] } }
  await bucketWith('copies', { Action: 's3:PutObject', Resource: of('copies'), Condition: sources })
  await s3.send('PUT /origin')
  const versioned = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
  await s3.send('PUT /origin?versioning', { body: versioned })
  for (const name of ['secret', 'a%20b', 'open']) {
    assert.equal((await s3.send(`PUT /origin/${name}`, { body: name })).status, 200)
  }
  const { headers: put } = await s3.send('PUT /origin/secret', { body: 'again' })
  const version = String(put['x-amz-version-id'])
  const copy = async (source: string) => {
    const headers = { 'x-amz-copy-source': source }
    return told(await s3.send('PUT /copies/k', { key, headers }))
  }
  for (const source of [
    'origin/secret',
    '/origin/secret',
    'origin/%73ecret',
    'origin%2Fsecret',
    '%2forigin/secret',
    `/origin/secret?versionId=${version}`,
    'origin/a%20b',
    'origin/a b',
  ]) {
    assert.deepEqual(await copy(source), denied, source)
  }
  assert.deepEqual(await copy('/origin/open'), [200, undefined])
  const started = await s3.send('POST /copies/parts?uploads', { key })
  const id = /<UploadId>(.+?)</.exec(started.text)?.[1]
  const part = await s3.send(`PUT /copies/parts?partNumber=1&uploadId=${id}`, {
    key,
    headers: { 'x-amz-copy-source': '/origin/%73ecret' },
  })
  assert.deepEqual(told(part), denied)
})

test('a denied version is denied in either case, as source of a copy and in a batch', async () => {
  await s3.send('PUT /kept')
  const versioned = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
  await s3.send('PUT /kept?versioning', { body: versioned })
  const { headers } = await s3.send('PUT /kept/k', { body: 'first' })
  const version = String(headers['x-amz-version-id'])
  await s3.send('PUT /kept/k', { body: 'second' })
  await s3.send('PUT /elsewhere')
  const about = { Effect: 'Deny', Principal: '*', Resource: of('kept') }
  const Condition = { StringEquals: { 's3:VersionId': version } }
  const Action = ['s3:GetObjectVersion', 's3:DeleteObjectVersion']
  const policy = { Version: '2012-10-17', Statement: [{ ...about, Action, Condition }] }
  const set = await s3.send('PUT /kept?policy', { body: JSON.stringify(policy) })
  assert.equal(set.status, 204, set.text)
  const got = await s3.send(`GET /kept/k?versionId=${version}`, { key })
  assert.deepEqual(told(got), denied)
  const source = { 'x-amz-copy-source': `kept/k?versionId=${version}` }
  const copied = await s3.send('PUT /elsewhere/k', { key, headers: source })
  assert.deepEqual(told(copied), denied)
  for (const id of [version, version.toUpperCase()]) {
    const one = await s3.send(`DELETE /kept/k?versionId=${id}`, { key })
    assert.deepEqual(told(one), denied, id)
    const body = `<Delete><Object><Key>k</Key><VersionId>${id}</VersionId></Object></Delete>`
    const removed = await s3.send('POST /kept?delete', { key, body, headers: md5Of(body) })
    assert.match(removed.text, /<Code>AccessDenied</, id)
  }
  const there = await s3.send(`GET /kept/k?versionId=${version}`)
  assert.deepEqual(told(there), denied)
  assert.equal((await s3.send('GET /kept/k', { key })).text, 'second')
})

test('of a version that nothing may be done to one answer is given in either case', async () => {
  await s3.send('PUT /shut')
  const versioned = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
  await s3.send('PUT /shut?versioning', { body: versioned })
  const { headers } = await s3.send('PUT /shut/k', { body: 'first' })
  const version = String(headers['x-amz-version-id'])
  const Condition = { StringEquals: { 's3:VersionId': version } }
  const about = { Effect: 'Deny', Principal: '*', Resource: of('shut') }
  const policy = { Version: '2012-10-17', Statement: [{ ...about, Action: 's3:*', Condition }] }
  const set = await s3.send('PUT /shut?policy', { body: JSON.stringify(policy) })
  assert.equal(set.status, 204, set.text)
  for (const id of [version, version.toUpperCase()]) {
    const got = await s3.send(`GET /shut/k?versionId=${id}`, { key })
    assert.deepEqual(told(got), denied, id)
  }
})

test('tags of a version keep it in whichever letters its id is written', async () => {
  const kept = { StringEquals: { 's3:ExistingObjectTag/class': 'keep' } }
  const about = { Action: 's3:DeleteObjectVersion', Resource: of('tagged'), Condition: kept }
  await bucketWith('tagged', about)
  const versioned = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
  await s3.send('PUT /tagged?versioning', { body: versioned })
  const headers = { 'x-amz-tagging': 'class=keep' }
  const put = await s3.send('PUT /tagged/k', { body: 'x', headers })
  const version = String(put.headers['x-amz-version-id'])
  for (const id of [version, version.toUpperCase()]) {
    const removed = await s3.send(`DELETE /tagged/k?versionId=${id}`, { key })
    assert.deepEqual(told(removed), denied, id)
  }
  assert.equal((await s3.send('GET /tagged/k')).text, 'x')
})

test('a link signs no content, so what denies unsigned content denies it', async () => {
  const unsigned = { StringEquals: { 's3:x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }
  const about = { Action: 's3:PutObject', Resource: of('signed-only'), Condition: unsigned }
  await bucketWith('signed-only', about)
  const put = (options: SendOptions) =>
    s3.send('PUT /signed-only/k', { key, body: 'x', ...options })
  assert.deepEqual(told(await put({ auth: 'query' })), denied)
  // Nor does what rides on it unsigned.
  const rider = { 'x-amz-content-sha256': createHash('sha256').update('x').digest('hex') }
  assert.deepEqual(told(await put({ auth: 'query', unsigned: rider })), denied)
  assert.deepEqual(told(await put({ payload: 'UNSIGNED-PAYLOAD' })), denied)
  assert.deepEqual(told(await put({})), [200, undefined])
})

test('attributes are for who may read the object', async () => {
  await bucketWith('unread', { Action: 's3:GetObject', Resource: of('unread') })
  assert.equal((await s3.send('PUT /unread/k', { key, body: 'x' })).status, 200)
  const headers = { 'x-amz-object-attributes': 'ETag,ObjectSize' }
  const got = await s3.send('GET /unread/k?attributes', { key, headers })
  assert.equal(got.status, 403, got.text)
})

test('a principal is one or all: a wildcard in its name is refused, not everybody', async () => {
  await s3.send('PUT /wild')
  for (const Principal of [
    { AWS: 'arn:aws:iam::123456789012:user/*' },
    { AWS: 'arn:aws:iam::123456789012:user/team-?' },
    { AWS: 'ann*' },
    { CanonicalUser: '*' },
  ]) {
    const statement = { Effect: 'Allow', Principal, Action: 's3:GetObject', Resource: of('wild') }
    const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    const set = await s3.send('PUT /wild?policy', { body })
    assert.deepEqual(told(set), [400, 'MalformedPolicy'], JSON.stringify(Principal))
  }
})

test('what is open for reading to everybody shows nobody its access list', async () => {
  const json = { name: 'shown', public_read: true }
  assert.equal((await s3.server.ask('POST /api/v2/buckets', { json })).status, 201)
  const put = await s3.send('PUT /shown/k', { body: 'x' })
  const { json: made } = await s3.server.ask('POST /api/v2/s3/keys', {
    json: { name: 'nobody', permissions: ['buckets:create'] },
  })
  const stranger = { id: String(made.id), secret: String(made.secret) }
  const version = String(put.headers['x-amz-version-id'])
  for (const options of [{ auth: 'none' }, { key: stranger }] as const) {
    assert.equal((await s3.send('GET /shown/k', options)).status, 200)
    assert.deepEqual(told(await s3.send('GET /shown/k?acl', options)), denied)
    const old = await s3.send(`GET /shown/k?acl&versionId=${version}`, options)
    assert.equal(old.status, 403, old.text)
  }
  const list = { 'x-amz-acl': 'public-read' }
  await s3.send('PUT /closed-but')
  await s3.send('PUT /closed-but/k', { body: 'x', headers: list })
  assert.equal((await s3.send('GET /closed-but/k', { auth: 'none' })).status, 200)
  assert.deepEqual(told(await s3.send('GET /closed-but/k?acl', { auth: 'none' })), denied)
})

test('the list of buckets is asked of no policy, so none may promise to close it', async () => {
  await bucketWith('listed', { Action: 's3:*', Resource: ['arn:aws:s3:::listed', of('listed')] })
  assert.match((await s3.send('GET /')).text, /<Name>listed</)
  const { json } = await s3.server.ask('POST /api/v2/s3/keys', {
    json: { name: 'no lister', permissions: ['assets:read'] },
  })
  const narrow = { id: String(json.id), secret: String(json.secret) }
  assert.deepEqual(told(await s3.send('GET /', { key: narrow })), denied)
  await s3.send('PUT /lister')
  for (const Resource of ['arn:aws:s3:::lister', of('lister'), 'arn:aws:s3:::*']) {
    const statement = { Effect: 'Deny', Principal: '*', Action: 's3:ListAllMyBuckets', Resource }
    const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    assert.deepEqual(told(await s3.send('PUT /lister?policy', { body })), [400, 'MalformedPolicy'])
  }
})

test('who has to say that nothing is there says it with a star', async () => {
  const put = { Principal: '*', Action: 's3:PutObject', Resource: of('unreplaced') }
  const silent = { Null: { 's3:if-none-match': 'true' } }
  await bucketWith('unreplaced', { Effect: 'Deny', ...put, Condition: silent })
  const send = async (match: string) =>
    told(await s3.send('PUT /unreplaced/a', { body: 'a', headers: { 'if-none-match': match } }))
  assert.deepEqual(await send('*'), [200, undefined])
  assert.deepEqual(await send('"0123456789abcdef0123456789abcdef"'), denied)
  assert.deepEqual(await send('*'), [412, 'PreconditionFailed'])
})
