import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { addressOf } from '../requests/address.ts'
import { accessKey, type S3TestServer, secretKey, startS3 } from '../started-s3.test.ts'
import { RequestHeaders } from '../wire/headers.ts'
import { Query } from '../wire/query.ts'
import { sign, textOf } from './version-two.ts'

let s3: S3TestServer

before(async () => {
  s3 = await startS3({ env: { STORAGE_S3_DOMAINS: 's3.example.org' } })
  assert.equal((await s3.send('PUT /links')).status, 200)
  assert.equal((await s3.send('PUT /links/a%20b', { body: 'content' })).status, 200)
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

interface Link {
  readonly line: string
  /** What is signed behind the time, where it is not just the path. */
  readonly resource?: string
  readonly type?: string
  readonly secret?: string
  readonly key?: string
  readonly expires?: number
}

const inOneMinute = () => Math.floor(Date.now() / 1000) + 60

/** As the document of AWS says, from nothing of ours. */
function linkOf({ line, resource, type = '', secret = secretKey, key, expires }: Link): string {
  const [method = '', target = ''] = line.split(' ')
  const seconds = expires ?? inOneMinute()
  const text = `${method}\n\n${type}\n${seconds}\n${resource ?? target}`
  const signature = createHmac('sha1', secret).update(text).digest('base64')
  const search = new URLSearchParams({
    AWSAccessKeyId: key ?? accessKey,
    Signature: signature,
    Expires: String(seconds),
  })
  return `${line}${target.includes('?') ? '&' : '?'}${search}`
}

const follow = (line: string, options: object = {}) => s3.send(line, { auth: 'none', ...options })

test('the example of AWS has the signature of AWS', () => {
  const path = '/photos/puppy.jpg'
  const host = 'johnsmith.s3.amazonaws.com'
  const wire = new RequestHeaders(['Host', host])
  const parts = {
    method: 'GET',
    path,
    wire,
    query: new Query('AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620'),
    address: addressOf(path, host, ['s3.amazonaws.com']),
  }
  const text = textOf(parts, { expires: '1175139620' })
  const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
  assert.equal(sign(secret, text), 'NpgCjnDzrM+WFzoENXmpNDUsSn8=')
})

test('links of version 2 read and write, and are good for what they were signed for', async () => {
  assert.equal((await follow(linkOf({ line: 'GET /links/a%20b' }))).text, 'content')
  const named = linkOf({
    line: 'GET /links/a%20b?response-content-type=text%2Fx',
    resource: '/links/a%20b?response-content-type=text/x',
  })
  assert.equal((await follow(named)).headers['content-type'], 'text/x')
  const put = linkOf({ line: 'PUT /links/new', type: 'text/x' })
  const typed = { headers: { 'content-type': 'text/x' }, body: 'new' }
  assert.equal((await follow(put, typed)).status, 200)
  assert.equal((await s3.send('GET /links/new')).text, 'new')
  const hosted = linkOf({ line: 'GET /a%20b', resource: '/links/a%20b' })
  const headers = { host: 'links.s3.example.org' }
  assert.equal((await follow(hosted, { headers })).text, 'content')
  const list = `${linkOf({ line: 'GET /links' })}&encoding-type=url`
  assert.match((await follow(list)).text, /<Key>a%20b<\/Key>/)
})

test('links of version 2 that were changed, are old, or ask for more are refused', async () => {
  const get = linkOf({ line: 'GET /links/a%20b' })
  const put = linkOf({ line: 'PUT /links/other' })
  const nowS = Math.floor(Date.now() / 1000)
  const cases: [string, string, object?][] = [
    ['another method', get.replace('GET', 'DELETE')],
    ['another key', get.replace('a%20b', 'new')],
    ['an override that nobody signed', `${get}&response-content-type=text%2Fhtml`],
    ['a version that nobody signed', `${get}&versionId=null`],
    ['another operation', `${put}&tagging`],
    ['an operation that such links cannot sign', `${put}&renameObject`],
    ['a prefix that nobody signed', `${linkOf({ line: 'GET /links' })}&prefix=a`],
    ['a header that nobody signed', put, { headers: { 'x-amz-acl': 'public-read' } }],
    ['a copy', put, { headers: { 'x-amz-copy-source': '/links/a%20b' } }],
    ['another type', put, { headers: { 'content-type': 'text/html' } }],
    ['another secret', linkOf({ line: 'GET /links/a%20b', secret: 'x' })],
    ['an unknown key pair', linkOf({ line: 'GET /links/a%20b', key: 'NOBODY' })],
    ['expired', linkOf({ line: 'GET /links/a%20b', expires: nowS - 1 })],
    ['good for ever', linkOf({ line: 'GET /links/a%20b', expires: nowS + 700_000 })],
    ['no time', get.replace(/&Expires=\d+/, '')],
    [
      'chunks that nobody signed',
      put,
      {
        headers: {
          'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
          'x-amz-decoded-content-length': '0',
        },
        body: '0\r\n\r\n',
      },
    ],
  ]
  for (const [name, line, options] of cases) {
    assert.equal((await follow(line, options)).status, 403, name)
  }
  const both = await s3.send(get)
  assert.deepEqual([both.status, both.code], [400, 'InvalidArgument'])
  assert.equal((await s3.send('HEAD /links/other')).status, 404)
})

test('a header whose last letter ends like a blank is signed with all of it', async () => {
  const line = 'PUT /links/letters'
  const link = linkOf({ line, resource: 'x-amz-meta-a:voilà\n/links/letters' })
  const headers = { 'x-amz-meta-a': Buffer.from('voilà').toString('latin1') }
  assert.equal((await follow(link, { headers, body: 'x' })).status, 200)
})

test('what a link of version 2 says about the body holds', async () => {
  const sha256 = createHash('sha256').update('meant').digest()
  const lines: [string, string][] = [
    ['x-amz-checksum-sha256', sha256.toString('base64')],
    ['x-amz-content-sha256', sha256.toString('hex')],
  ]
  for (const [name, value] of lines) {
    const path = `/links/${name}`
    const link = linkOf({
      line: `PUT ${path}?${new URLSearchParams({ [name]: value })}`,
      resource: `${name}:${value}\n${path}`,
    })
    assert.equal((await follow(link, { body: 'other' })).status, 400, name)
    assert.equal((await s3.send(`HEAD ${path}`)).status, 404, name)
    assert.equal((await follow(link, { body: 'meant' })).status, 200, name)
  }
  const unknown = linkOf({
    line: 'PUT /links/unknown?x-amz-checksum-md4=AAAA',
    resource: 'x-amz-checksum-md4:AAAA\n/links/unknown',
  })
  assert.equal((await follow(unknown, { body: 'meant' })).status, 400)
  const token = linkOf({
    line: 'GET /links/a%20b?X-Amz-Security-Token=x',
    resource: 'x-amz-security-token:x\n/links/a%20b',
  })
  assert.equal((await follow(token)).code, 'InvalidToken')
})

test('a policy can refuse version 2', async () => {
  const statement = {
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::links/*',
    Condition: { StringEquals: { 's3:signatureversion': 'AWS' } },
  }
  const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  assert.equal((await s3.send('PUT /links?policy', { body })).status, 204)
  assert.equal((await follow(linkOf({ line: 'GET /links/a%20b' }))).status, 403)
  assert.equal((await s3.send('GET /links/a%20b', { auth: 'query' })).status, 200)
  assert.equal((await s3.send('DELETE /links?policy')).status, 204)
})

test('a link of version 2 opens no other key of the host of its bucket', async () => {
  assert.equal((await s3.send('PUT /links/links/inner', { body: 'other' })).status, 200)
  assert.equal((await s3.send('PUT /links/inner', { body: 'meant' })).status, 200)
  const link = linkOf({ line: 'GET /links/inner' })
  assert.equal((await follow(link)).text, 'meant')
  const headers = { host: 'links.s3.example.org' }
  const answer = await follow(link, { headers })
  assert.deepEqual([answer.status, answer.code], [403, 'SignatureDoesNotMatch'])
  const full = linkOf({ line: 'GET /links/inner', resource: '/links/links/inner' })
  assert.equal((await follow(full, { headers })).text, 'other')
})

test('no two requests have the text of one link of version 2', async () => {
  const resource = '/links/pinned'
  const amz = (lines: string) => ({ resource: `${lines}${resource}` })
  const line = `PUT ${resource}`
  const target = (query: string) => `${line}?${query}`
  const named = 'x-amz-acl:private\nx-amz-meta-a:1\n'
  const cases: [string, Link][] = [
    // Signed: x-amz-acl=private alone.
    [
      'a name in two spellings',
      { line: target('x-amz-acl=public-read&X-Amz-Acl=private'), ...amz('x-amz-acl:private\n') },
    ],
    // Signed: two headers, of which one is hidden in the name or the value of the other.
    [
      'a header within a name',
      { line: target('x-amz-acl%3Aprivate%0Ax-amz-meta-a=1'), ...amz(named) },
    ],
    [
      'a header within a value',
      {
        line: target('x-amz-meta-a=1%0Ax-amz-meta-b%3A2'),
        ...amz('x-amz-meta-a:1\nx-amz-meta-b:2\n'),
      },
    ],
  ]
  for (const [name, link] of cases) {
    const answer = await follow(linkOf(link), { body: 'x' })
    assert.deepEqual([answer.status, answer.code], [400, 'InvalidArgument'], name)
  }
  // Signed: one version, which would no longer be asked for.
  const get = '/links/a%20b?response-content-type=x'
  const pinned = { line: `GET ${get}%26versionId%3Dnull`, resource: `${get}&versionId=null` }
  assert.equal((await follow(linkOf(pinned))).status, 403)
  assert.equal((await s3.send(`HEAD ${resource}`)).status, 404)
})
