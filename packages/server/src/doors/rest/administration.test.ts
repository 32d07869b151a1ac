import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  owner,
  refused,
  startServer,
  type TestServer,
  type Tree,
  upload,
  uploadForm,
} from '../../started-server.test.ts'

let server: TestServer

before(async () => {
  server = await startServer({ env: { STORAGE_GARBAGE_GRACE: '0' } })
})
after(async () => {
  await using closed = server
  assert.deepEqual(await closed.loose(), [], 'nothing is left behind')
})

async function bucket(name: string, settings: object = {}): Promise<Tree> {
  const answer = await server.ask('POST /api/v2/buckets', { json: { name, ...settings } })
  assert.equal(answer.status, 201, answer.text)
  return answer.json
}

async function key(permissions: string[], more: object = {}): Promise<Tree> {
  const json = { name: 'made by a test', permissions, ...more }
  const answer = await server.ask('POST /api/v2/keys', { json })
  assert.equal(answer.status, 201, answer.text)
  return answer.json
}

test('buckets are made, changed, listed and removed', async () => {
  const made = await bucket('first-bucket', { public_read: true, content_types: ['image/*'] })
  assert.equal(made.versioning, 'enabled')
  assert.deepEqual(made.usage, { assets: 0, bytes: 0 })
  const path = '/api/v2/buckets/first-bucket'
  const changed = await server.ask(`PUT ${path}`, {
    json: { versioning: 'disabled', content_types: [], asset_bytes_max: 5 },
  })
  assert.equal(changed.status, 200)
  assert.deepEqual(
    [changed.json.versioning, changed.json.public_read, changed.json.asset_bytes_max],
    ['disabled', true, 5],
  )
  assert.deepEqual((await server.ask(`GET ${path}`)).json, changed.json)
  refused(
    await server.ask('POST /api/v2/buckets', { json: { name: 'first-bucket' } }),
    409,
    'BUCKET_EXISTS',
  )
  await server.ask(`PUT ${path}/assets/x`, { body: '12345' })
  refused(await server.ask(`PUT ${path}/assets/y`, { body: '123456' }), 413, 'BODY_TOO_LARGE')
  refused(await server.ask(`DELETE ${path}`), 409, 'BUCKET_NOT_EMPTY')
  assert.deepEqual((await server.ask(`GET ${path}`)).json.usage, { assets: 1, bytes: 5 })
  await server.ask(`DELETE ${path}/assets/x?hard_delete=true`)
  assert.equal((await server.ask(`DELETE ${path}`)).status, 204)
  refused(await server.ask(`GET ${path}`), 404, 'BUCKET_NOT_FOUND')
})

test('bucket names and settings that cannot be are refused', async () => {
  for (const name of ['ab', 'Upper', 'under_score', '-x-', 'a..b', '1.2.3.4', 'x'.repeat(64)]) {
    const answer = await server.ask('POST /api/v2/buckets', { json: { name } })
    assert.ok(['VALIDATION_ERROR', 'INVALID_NAME'].includes(answer.json.code), answer.text)
    assert.equal(answer.status, 422)
  }
  for (const settings of [
    { versioning: 'maybe' },
    { asset_bytes_max: -1 },
    { versions_max: 0 },
    { content_types: ['no type'] },
    { cors_origins: [1] },
    { unknown: 1 },
  ]) {
    const json = { name: 'never-made', ...settings }
    refused(await server.ask('POST /api/v2/buckets', { json }), 422, 'VALIDATION_ERROR')
  }
})

test('buckets are listed page by page', async () => {
  for (const name of ['page-c', 'page-a', 'page-b']) await bucket(name)
  const names: string[] = []
  let cursor = ''
  for (;;) {
    const { json } = await server.ask(`GET /api/v2/buckets?limit=2${cursor}`)
    names.push(...json.items.map((item: Tree) => item.name))
    if (json.next_cursor === null) {
      assert.equal(json.total, names.length)
      break
    }
    cursor = `&cursor=${json.next_cursor}`
  }
  assert.deepEqual(names, [...names].sort())
})

test('a bucket takes only the types it names', async () => {
  await bucket('pictures', { content_types: ['image/*'] })
  const headers = { 'content-type': 'text/plain' }
  const answer = await server.ask('PUT /api/v2/buckets/pictures/assets/x', { body: 'x', headers })
  refused(answer, 422, 'CONTENT_TYPE_REFUSED')
})

test('anyone may read a public bucket, and do nothing else', async () => {
  await bucket('open-bucket', { public_read: true })
  const path = '/api/v2/buckets/open-bucket/assets/hello.txt'
  const put = await server.ask(`PUT ${path}`, { body: 'hello' })
  const nobody = { key: null }
  assert.equal((await server.ask(`GET ${path}`, nobody)).text, 'hello')
  assert.equal((await server.ask(`GET /api/v2/assets/${put.json.id}`, nobody)).status, 200)
  const list = await server.ask('GET /api/v2/buckets/open-bucket/assets', nobody)
  assert.equal(list.json.total, 1)
  refused(await server.ask(`PUT ${path}`, { ...nobody, body: 'x' }), 401, 'UNAUTHENTICATED')
  refused(await server.ask(`DELETE ${path}`, nobody), 401, 'UNAUTHENTICATED')
  const other = await server.ask('PUT /api/v2/buckets/holdfast/assets/private', { body: 'secret' })
  for (const line of [
    'GET /api/v2/buckets/holdfast/assets/private',
    'GET /api/v2/buckets/holdfast/assets',
    `GET /api/v2/assets/${other.json.id}`,
    `GET /api/v2/assets/${other.json.id}/download`,
    'GET /api/v2/buckets/holdfast/assets/absent',
  ]) {
    refused(await server.ask(line, nobody), 401, 'UNAUTHENTICATED')
  }
  const listed = await server.ask('GET /api/v2/assets', nobody)
  assert.deepEqual([listed.status, listed.json.total], [200, 1], 'lists show public assets only')
  const wrong = { key: 'hf_wrong-key-0123456789' }
  refused(await server.ask(`GET ${path}`, wrong), 401, 'UNAUTHENTICATED')
})

test('what was replaced in a public bucket is not public', async () => {
  await bucket('corrected', { public_read: true })
  const path = '/api/v2/buckets/corrected/assets/letter'
  const { id } = (await server.ask(`PUT ${path}`, { body: 'with a secret' })).json
  await server.ask(`PUT ${path}`, { body: 'corrected' })
  const nobody = { key: null }
  const elsewhere = { key: (await key(['assets:read'], { buckets: ['holdfast'] })).key }
  const old = [`GET ${path}?version=1`, `GET /api/v2/assets/${id}/download?version=1`]
  for (const line of [...old, `GET /api/v2/assets/${id}/download?version=9`]) {
    refused(await server.ask(line, nobody), 401, 'UNAUTHENTICATED')
    refused(await server.ask(line, elsewhere), 404, 'ASSET_NOT_FOUND')
  }
  for (const caller of [nobody, elsewhere]) {
    assert.equal((await server.ask(`GET ${path}`, caller)).text, 'corrected')
    assert.equal((await server.ask(`GET ${path}?version=2`, caller)).text, 'corrected')
  }
  const reader = { key: (await key(['assets:read'])).key }
  for (const line of old) assert.equal((await server.ask(line, reader)).text, 'with a secret')
  await server.ask(`PUT /api/v2/assets/${id}`, {
    json: { acl: { read: ['anonymous'], write: [] } },
  })
  assert.equal((await server.ask(`GET ${path}`, nobody)).text, 'corrected')
  for (const line of old) refused(await server.ask(line, nobody), 401, 'UNAUTHENTICATED')
})

test('keys open what they name, in the buckets they name, until they end', async () => {
  await bucket('confined')
  const reader = await key(['assets:read'], { buckets: ['confined'] })
  assert.match(reader.key, /^hf_[\w-]{43}$/)
  const path = '/api/v2/buckets/confined/assets/x'
  await server.ask(`PUT ${path}`, { body: 'x' })
  assert.equal((await server.ask(`GET ${path}`, { key: reader.key })).status, 200)
  const bearer = { authorization: `Bearer ${reader.key}` }
  assert.equal((await server.ask(`GET ${path}`, { key: null, headers: bearer })).status, 200)
  refused(await server.ask(`PUT ${path}`, { key: reader.key, body: 'y' }), 403, 'FORBIDDEN')
  const foreign = '/api/v2/buckets/holdfast/assets/foreign'
  await server.ask(`PUT ${foreign}`, { body: 'x' })
  const hidden = await server.ask(`GET ${foreign}`, { key: reader.key })
  assert.equal(hidden.status, 404)
  const absent = await server.ask('GET /api/v2/buckets/holdfast/assets/absent', { key: reader.key })
  assert.equal(absent.status, 404, 'a bucket that is not ours tells nothing')
  const list = await server.ask('GET /api/v2/assets', { key: reader.key })
  assert.equal(list.json.total, 1)
  const keys = (await server.ask('GET /api/v2/keys')).json
  assert.ok(!JSON.stringify(keys).includes(reader.key))
  assert.ok(keys.items.some((item: Tree) => item.id === reader.id))
  assert.equal((await server.ask(`DELETE /api/v2/keys/${reader.id}`)).status, 204)
  refused(await server.ask(`GET ${path}`, { key: reader.key }), 401, 'UNAUTHENTICATED')
  refused(await server.ask(`DELETE /api/v2/keys/${owner}`), 404, 'KEY_NOT_FOUND')
})

test('nobody hands out more than they hold', async () => {
  const limited = await key(['keys:admin', 'assets:read'])
  const ask = async (json: object) =>
    await server.ask('POST /api/v2/keys', { key: limited.key, json: { name: 'n', ...json } })
  refused(await ask({ permissions: ['assets:write'] }), 403, 'FORBIDDEN')
  refused(await ask({ permissions: ['*'] }), 403, 'FORBIDDEN')
  assert.equal((await ask({ permissions: ['assets:read'] })).status, 201)
  for (const json of [
    { permissions: [] },
    { permissions: ['assets:fly'] },
    { permissions: ['assets:read'], expires_at: '2001-01-01T00:00:00Z' },
    { permissions: ['assets:read'], expires_at: 'tomorrow' },
    { permissions: ['assets:read'], buckets: ['No'] },
  ]) {
    refused(await ask(json), 422, 'VALIDATION_ERROR')
  }
})

test('credentials are read from one place, and no other scheme counts', async () => {
  const headers = { authorization: 'Basic YWRtaW46YWRtaW4=' }
  refused(await server.ask('GET /api/v2/assets', { key: null, headers }), 401, 'UNAUTHENTICATED')
  const both = { authorization: 'Bearer hf_other-key-0123456789' }
  const answer = await server.ask('GET /api/v2/assets', { headers: both })
  refused(answer, 401, 'UNAUTHENTICATED')
  assert.equal(answer.headers['www-authenticate'], 'Bearer realm="holdfast"')
})

test('an access list opens an asset to those it names, and to nobody else', async () => {
  const guest = await key(['metadata:read'])
  const stranger = await key(['assets:*'])
  const acl = JSON.stringify({ read: [guest.id], write: [] })
  const asset = await upload(server, 'listed', { acl })
  const path = `/api/v2/assets/${asset.id}`
  assert.equal((await server.ask(`GET ${path}`, { key: guest.key })).status, 200)
  assert.equal((await server.ask(`GET ${path}/download`, { key: guest.key })).text, 'listed')
  refused(await server.ask(`DELETE ${path}`, { key: guest.key }), 403, 'FORBIDDEN')
  refused(await server.ask(`GET ${path}`, { key: stranger.key }), 404, 'ASSET_NOT_FOUND')
})

test('quotas refuse what would exceed them, before and after the body', async () => {
  const path = '/api/v2/quotas/service/metered'
  const set = await server.ask(`PUT ${path}`, { json: { bytes_max: 100, assets_max: 2 } })
  assert.equal(set.status, 200)
  await upload(server, 'x'.repeat(60), { service: 'metered' })
  const over = await server.ask('POST /api/v2/assets/upload', {
    body: uploadForm('x'.repeat(61), { service: 'metered' }),
  })
  refused(over, 413, 'QUOTA_EXCEEDED')
  assert.equal(over.json.details.current_usage, 60)
  assert.equal(over.json.details.limit, 100)
  assert.equal(over.json.details.service, 'metered')
  const got = (await server.ask(`GET ${path}`)).json
  assert.deepEqual([got.bytes_max, got.usage], [100, { assets: 1, bytes: 60 }])
  const list = (await server.ask('GET /api/v2/quotas')).json
  assert.equal(list.total, 1)
  assert.equal((await server.ask(`DELETE ${path}`)).status, 204)
  const lifted = (await server.ask(`GET ${path}`)).json
  assert.deepEqual(
    [lifted.bytes_max, lifted.assets_max, lifted.usage],
    [null, null, { assets: 1, bytes: 60 }],
  )
  await upload(server, 'x'.repeat(61), { service: 'metered' })
  for (const [name, json] of [
    ['service/x', { bytes_max: -1 }],
    ['service/x', {}],
    ['owner/nobody', { bytes_max: 1 }],
    ['planet/x', { bytes_max: 1 }],
  ] as const) {
    refused(await server.ask(`PUT /api/v2/quotas/${name}`, { json }), 422, 'VALIDATION_ERROR')
  }
})

test('garbage goes, and everything that is kept can be verified', async () => {
  const asset = await upload(server, 'g'.repeat(300_000))
  await server.ask(`DELETE /api/v2/assets/${asset.id}?hard_delete=true`)
  const collected = await server.ask('POST /api/v2/admin/collect-garbage')
  assert.equal(collected.status, 200)
  assert.equal(collected.json.stopped, null)
  assert.ok(collected.json.removed_bytes >= 300_000)
  const report = await server.ask('POST /api/v2/admin/verify')
  assert.equal(report.status, 200)
  assert.equal(report.json.ok, true)
  assert.ok(report.json.checked_blobs > 0)
  assert.deepEqual(report.json.orphaned, [])
})

test('care of the store is not for a key confined to buckets', async () => {
  const json = { name: 'confined', permissions: ['*'], buckets: ['holdfast'] }
  const { key } = (await server.ask('POST /api/v2/keys', { json })).json
  for (const path of ['verify', 'collect-garbage']) {
    refused(await server.ask(`POST /api/v2/admin/${path}`, { key }), 403, 'FORBIDDEN')
  }
})

test('a key without a scope is refused before its body, unless a list names it', async () => {
  const asset = await upload(server, 'guarded')
  const weak = await key(['lifecycle:admin'])
  const path = `/api/v2/assets/${asset.id}`
  const lines = [
    `PUT ${path}/metadata`,
    `POST ${path}/move`,
    `POST ${path}/versions/prune`,
    `POST ${path}/links`,
  ]
  for (const line of lines) {
    const answer = await server.ask(line, {
      key: weak.key,
      body: '{"never": read',
      headers: { 'content-type': 'application/json' },
    })
    refused(answer, 403, 'FORBIDDEN')
  }
  const acl = { read: [weak.id], write: [weak.id] }
  assert.equal((await server.ask(`PUT ${path}`, { json: { acl } })).status, 200)
  const named = { key: weak.key, json: { a: 1 } }
  assert.equal((await server.ask(`PUT ${path}/metadata`, named)).status, 200)
})

test('parameters that a route does not have are refused, not ignored', async () => {
  const asset = await upload(server, 'asked')
  const { url } = (await server.ask(`GET /api/v2/assets/${asset.id}/presigned-url`)).json
  const { pathname } = new URL(url)
  const lines = [
    `GET /api/v2/assets/${asset.id}/metadata?versoin=1`,
    `PUT /api/v2/assets/${asset.id}/restore?force=true`,
    `GET ${pathname}?response-content-type=text/html`,
    `HEAD ${pathname}?x=1`,
  ]
  for (const line of lines) {
    const answer = await server.ask(line)
    assert.equal(answer.status, 422, line)
    if (!line.startsWith('HEAD')) refused(answer, 422, 'VALIDATION_ERROR')
  }
  assert.equal(
    (await server.ask('GET /health/live?probe=7')).status,
    200,
    'probes may say anything',
  )
})
