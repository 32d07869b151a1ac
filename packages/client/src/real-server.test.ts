import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { parseSettings } from '@holdfast/server/config/parse-settings.ts'
import { type RunningServer, serve } from '@holdfast/server/serve.ts'
import { type Client, type ClientError, isClientError, openClient } from './client.ts'

const key = 'hf_client-tests-administrator-0123456789'
const owner = '0199a7e2-7a55-7c54-b6f4-0d5f7c1d1f3a'
const dir = mkdtempSync(join(tmpdir(), 'holdfast-client-'))
let server: RunningServer
let client: Client

before(async () => {
  const { settings } = parseSettings({
    env: {
      STORAGE_PORT: '0',
      STORAGE_METRICS_PORT: '0',
      STORAGE_DATA_DIR: dir,
      STORAGE_BOOTSTRAP_API_KEY: key,
      STORAGE_RESERVED_SPACE: '0',
    },
  })
  server = await serve({ settings, logTo: { write: () => {} } })
  client = openClient({ url: server.url, key })
})

after(async () => {
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
})

async function failure(call: Promise<unknown>): Promise<ClientError> {
  const error = await call.then(
    () => assert.fail('the call did not fail'),
    reason => reason,
  )
  assert.ok(isClientError(error), String(error))
  return error
}

const bucket = 'holdfast'
const fields = { filename: 'a.txt', content_type: 'text/plain', service: 'tests', owner_id: owner }
const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('what is put by key is got back, whatever the key and the kind of body', async () => {
  const keys = [
    'plain',
    'a/../b',
    '..',
    '/',
    'ü/ключ/🦭',
    ' \t\r\n',
    '%2F?#&',
    'a+b',
    'x'.repeat(1024),
  ]
  for (const [index, name] of keys.entries()) {
    const bytes = randomBytes(index * 50_000)
    const target = { bucket, key: `keys/${name}`.slice(0, 1024) }
    const { asset, created } = await client.assets.put(target, bytes)
    assert.equal(created, true)
    assert.equal(asset.key, target.key)
    assert.equal(asset.checksum, sha256(bytes))
    assert.ok(bytes.equals(await (await client.assets.get(target)).bytes()), name)
    assert.ok(bytes.equals(await (await client.assets.get(asset.id)).bytes()), name)
  }
})

test('a stream goes up and down with bounded chunks and proven bytes', async () => {
  const total = 24 * 1024 * 1024
  const open = async function* () {
    for (let sent = 0; sent < total; sent += 65_536) yield Buffer.alloc(65_536, (sent >> 16) & 255)
  }
  const target = { bucket, key: 'streams/large' }
  const hash = createHash('sha256')
  for await (const chunk of open()) hash.update(chunk)
  const expected = hash.digest('hex')
  for (const body of [open, open()]) {
    const { asset } = await client.assets.put(target, body, { size: total })
    assert.equal(asset.checksum, expected)
  }
  let size = 0
  for await (const chunk of await client.assets.get(target)) size += chunk.length
  assert.equal(size, total)
  const part = await client.assets.get(target, { range: { first: 65_530, last: 65_541 } })
  assert.deepEqual([...(await part.bytes())], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
  const end = await client.assets.get(target, { range: { suffix: 3 } })
  assert.equal(end.offset, total - 3)
  assert.equal((await end.bytes()).length, 3)
})

test('a download is taken up again through a connection that breaks and breaks', async t => {
  const bytes = randomBytes(3_000_000)
  const target = { bucket, key: 'streams/broken' }
  await client.assets.put(target, bytes)
  const upstream = Number(new URL(server.url).port)
  let connections = 0
  const proxy = createTcpServer(socket => {
    connections += 1
    const through = connect(upstream, '127.0.0.1')
    let passed = 0
    through.on('data', chunk => {
      passed += chunk.length
      socket.write(chunk)
      if (passed > 500_000) setTimeout(() => socket.destroy(), 5)
    })
    socket.pipe(through)
    for (const end of [socket, through]) end.on('error', () => {})
    socket.on('close', () => through.destroy())
    through.on('close', () => socket.destroy())
    t.after(() => socket.destroy())
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    proxy.close()
  })
  const { port } = proxy.address() as AddressInfo
  const shaky = openClient({ url: `http://127.0.0.1:${port}`, key, retry: { waitMs: 1 } })
  assert.ok(bytes.equals(await (await shaky.assets.get(target)).bytes()))
  assert.ok(connections > 1, `${connections} connections`)
})

test('wrong digests are refused before anything is visible', async () => {
  const target = { bucket, key: 'digests/wrong' }
  const error = await failure(client.assets.put(target, 'hello', { sha256: sha256('other') }))
  assert.equal(error.code, 'DIGEST_MISMATCH')
  assert.equal((await failure(client.assets.stat(target))).code, 'ASSET_NOT_FOUND')
})

test('create only, compare and swap, and 304 are exact', async () => {
  const target = { bucket, key: 'conditions' }
  const { asset } = await client.assets.put(target, 'one', { ifNoneMatch: '*' })
  const taken = await failure(client.assets.put(target, 'two', { ifNoneMatch: '*' }))
  assert.equal(taken.code, 'PRECONDITION_FAILED')
  assert.equal(taken.status, 412)
  await client.assets.put(target, 'two', { ifMatch: asset.etag })
  assert.equal((await failure(client.assets.put(target, 'x', { ifMatch: asset.etag }))).status, 412)
  const now = await client.assets.head(target)
  assert.equal((await failure(client.assets.get(target, { ifNoneMatch: now.etag! }))).status, 304)
  assert.equal((await failure(client.assets.get(target, { ifMatch: asset.etag }))).status, 412)
})

test('forms create, update and batch', async () => {
  const asset = await client.assets.upload('hello', { ...fields, key: 'forms/a', tags: ['t1'] })
  assert.equal(asset.checksum, sha256('hello'))
  const again = await failure(client.assets.upload('hello', { ...fields, key: 'forms/a' }))
  assert.equal(again.code, 'ASSET_EXISTS')
  const updated = await client.assets.update(
    asset.id,
    { tags: ['t2'], metadata: { a: 1 } },
    { file: 'changed', ifMatch: asset.etag },
  )
  assert.equal(updated.current_version, 2)
  assert.deepEqual(updated.tags, ['t2'])
  assert.equal((await client.assets.update(asset.id, { name: 'b.txt' })).name, 'b.txt')
  const files = ['forms/b', 'forms/c'].map(name => {
    return { file: name, filename: 'f.txt', content_type: 'text/plain', key: name }
  })
  const request = { service: 'tests', owner_id: owner }
  const all = await client.assets.uploadMany(files, request)
  assert.deepEqual([all.succeeded, all.failed], [2, 0])
  const mixed = await client.assets.uploadMany(
    [...files, { ...files[0]!, key: 'forms/d' }],
    request,
  )
  assert.deepEqual([mixed.succeeded, mixed.failed], [1, 2])
  assert.equal(mixed.results[0]?.error?.code, 'ASSET_EXISTS')
  const atomic = client.assets.uploadMany(files, { ...request, atomic: true })
  assert.equal((await failure(atomic)).code, 'ASSET_EXISTS')
  const archive = await client.assets.getMany({ ids: all.results.map(({ asset }) => asset!.id) })
  assert.equal((await archive.bytes()).subarray(0, 2).toString(), '80,75')
  const gone = await client.assets.removeMany([asset.id, owner])
  assert.deepEqual([gone.succeeded, gone.failed], [1, 1])
})

test('listings, search and statistics', async () => {
  for (const name of ['lists/c', 'lists/a', 'lists/b']) {
    await client.assets.put({ bucket, key: name }, name, { fields: { tags: ['zebra'] } })
  }
  const keys: string[] = []
  const query = { prefix: 'lists/', limit: 2 }
  for await (const asset of client.assets.listAllKeys(bucket, query)) keys.push(asset.key)
  assert.deepEqual(keys, ['lists/a', 'lists/b', 'lists/c'])
  const newest = await client.assets.list({ search: 'zebra', limit: 1 })
  assert.equal(newest.total, 3)
  assert.equal(newest.items[0]?.key, 'lists/b')
  const found = await Array.fromAsync(client.assets.listAll({ tags: ['zebra'], limit: 2 }))
  assert.equal(found.length, 3)
  assert.ok((await client.assets.stats()).total_assets >= 3)
})

test('metadata, move, copy, delete and restore', async () => {
  const target = { bucket, key: 'life/a' }
  const metadata = { größe: '🦭', n: 1 }
  const { asset } = await client.assets.put(target, 'hello', { metadata })
  assert.deepEqual(await client.assets.getMetadata(asset.id), metadata)
  await client.assets.mergeMetadata(asset.id, { n: null, m: true })
  assert.deepEqual(await client.assets.getMetadata(asset.id), { größe: '🦭', m: true })
  const copy = await client.assets.copy(asset.id, { key: 'life/copy' })
  assert.equal(copy.checksum, asset.checksum)
  assert.equal((await client.assets.move(asset.id, { key: 'life/b' })).id, asset.id)
  assert.equal((await failure(client.assets.stat(target))).status, 404)
  await client.assets.remove({ bucket, key: 'life/b' })
  assert.equal((await failure(client.assets.stat(asset.id))).status, 404)
  assert.equal((await client.assets.stat(asset.id, { includeDeleted: true })).is_deleted, true)
  assert.equal((await client.assets.restore(asset.id)).is_deleted, false)
  await client.assets.remove(asset.id, { hard: true })
  const gone = client.assets.stat(asset.id, { includeDeleted: true })
  assert.equal((await failure(gone)).code, 'ASSET_NOT_FOUND')
})

test('versions come, are compared, tagged, rolled back, pruned and told', async () => {
  const target = { bucket, key: 'versions/a' }
  const { asset } = await client.assets.put(target, 'one')
  const { id } = asset
  await client.assets.putContent(id, 'two!', { fields: { description: 'second' } })
  const third = await client.versions.put(id, 'three', { fields: { change_description: 'third' } })
  assert.equal(third.version_number, 3)
  assert.equal((await client.versions.put(id, 'three')).version_number, 3)
  assert.equal((await client.versions.get({ id, version: 2 })).change_description, 'second')
  const difference = await client.versions.compare(id, { from: 1, to: 3 })
  assert.equal(difference.size_diff, 2)
  await client.versions.tag({ id, version: 1 }, { name: 'first' })
  await client.versions.update({ id, version: 2 }, { change_description: 'other' })
  assert.equal((await client.versions.rollback({ id, version: 1 })).version_number, 4)
  assert.equal(await (await client.assets.get(target)).text(), 'one')
  assert.equal(await (await client.assets.get(target, { version: 2 })).text(), 'two!')
  assert.equal(await (await client.versions.download({ id, version: 3 })).text(), 'three')
  const current = client.versions.remove({ id, version: 4 })
  assert.equal((await failure(current)).code, 'VERSION_CURRENT')
  await client.versions.remove({ id, version: 3 })
  const pruned = await client.versions.prune(id, { keep: 1 })
  assert.deepEqual(
    pruned.pruned.map(version => version.version_number),
    [2],
  )
  const all = await Array.fromAsync(client.versions.listAll(id, { limit: 1 }))
  assert.deepEqual(
    all.map(version => version.version_number),
    [4, 1],
  )
  const history = await Array.fromAsync(client.versions.historyAll(id))
  assert.equal(history.at(-1)?.what, 'asset.created')
})

test('links between assets', async () => {
  const { asset: one } = await client.assets.put({ bucket, key: 'links/1' }, '1')
  const { asset: two } = await client.assets.put({ bucket, key: 'links/2' }, '2')
  const link = await client.links.add(one.id, { type: 'of', asset_id: two.id })
  await client.links.add(two.id, { type: 'of', asset_id: one.id })
  assert.equal((await Array.fromAsync(client.links.listAll(one.id, { limit: 1 }))).length, 2)
  await client.links.remove(one.id, link.id)
  await client.links.remove(two.id, { type: 'of', asset_id: one.id })
  assert.equal((await client.links.list(one.id)).total, 0)
})

test('presigned links work without the key and pin what they are for', async () => {
  const { asset } = await client.assets.put({ bucket, key: 'presigned/a' }, 'hello')
  const stranger = openClient({ url: server.url })
  const download = await client.presigned.forDownload(asset.id, { expiration: 60 })
  assert.equal(await (await stranger.presigned.get(download.url)).text(), 'hello')
  const upload = await client.presigned.forUpload({
    bucket,
    key: 'presigned/b',
    size_max: 5,
    content_type: 'text/plain',
  })
  assert.equal((await stranger.presigned.put(upload, 'five!')).asset.key, 'presigned/b')
  assert.equal((await failure(stranger.presigned.put(upload, 'sixsix'))).status, 413)
  assert.equal((await failure(stranger.assets.stat(asset.id))).code, 'UNAUTHENTICATED')
})

test('share links are made, read without a key, counted and revoked', async () => {
  const { asset } = await client.assets.put({ bucket, key: 'shared/a.txt' }, 'hello')
  const stranger = openClient({ url: server.url })
  const password = 'pässwörd'
  const made = await client.shares.create({ asset_id: asset.id, uses_max: 1, password })
  assert.equal((await failure(stranger.shares.download(made.url))).code, 'SHARE_PASSWORD_NEEDED')
  const told = await stranger.shares.describe(made.url, {}, { password })
  assert.deepEqual([told.kind, told.uses_left, told.files[0]?.size], ['asset', 1, 5])
  const download = await stranger.shares.download(made.url, { password })
  assert.equal(await download.text(), 'hello')
  const again = stranger.shares.download(made.url, { password })
  assert.equal((await failure(again)).code, 'SHARE_NOT_FOUND')
  const part = await client.shares.create({ bucket, prefix: 'shared/' })
  const [file] = (await stranger.shares.describe(part.url, { limit: 1 })).files
  assert.equal(file?.key, 'a.txt')
  assert.equal(await (await stranger.shares.download(file?.url ?? '')).text(), 'hello')
  const { items } = await client.shares.list({ state: 'live' })
  assert.deepEqual(
    items.map(({ id, uses }) => [id, uses]),
    [[part.id, 1]],
  )
  await client.shares.revoke(part.id)
  assert.equal((await client.shares.get(part.id)).state, 'revoked')
  assert.equal((await failure(stranger.shares.describe(part.url))).status, 404)
})

test('buckets, quotas and keys', async () => {
  await client.buckets.create({ name: 'client-bucket', versioning: 'disabled' })
  assert.equal(
    (await failure(client.buckets.create({ name: 'client-bucket' }))).code,
    'BUCKET_EXISTS',
  )
  const changed = await client.buckets.update('client-bucket', { content_types: ['text/*'] })
  assert.deepEqual(changed.content_types, ['text/*'])
  const names = (await Array.fromAsync(client.buckets.listAll())).map(({ name }) => name)
  assert.deepEqual(names, ['client-bucket', 'holdfast'])
  const scope = { scope: 'bucket', name: 'client-bucket' } as const
  await client.quotas.set(scope, { bytes_max: 3 })
  assert.equal((await client.quotas.get(scope)).bytes_max, 3)
  assert.equal((await client.quotas.list()).total, 1)
  const over = client.assets.put({ bucket: 'client-bucket', key: 'a.txt' }, 'four', {
    contentType: 'text/plain',
  })
  assert.equal((await failure(over)).code, 'QUOTA_EXCEEDED')
  await client.quotas.remove(scope)
  const reader = await client.keys.create({ name: 'reader', permissions: ['assets:read'] })
  const limited = openClient({ url: server.url, key: reader.key })
  assert.equal((await failure(limited.buckets.remove('client-bucket'))).status, 403)
  await client.keys.revoke(reader.id)
  assert.equal((await failure(limited.assets.list())).status, 401)
  assert.ok((await client.keys.list()).items.some(({ id }) => id === reader.id))
  const pair = await client.s3Keys.create({ name: 'reader', permissions: ['assets:read'] })
  assert.ok(pair.secret.length > 30)
  await client.s3Keys.revoke(pair.id)
  assert.ok((await client.s3Keys.list()).items.some(({ id }) => id === pair.id))
  await client.buckets.remove('client-bucket')
  assert.equal((await failure(client.buckets.get('client-bucket'))).code, 'BUCKET_NOT_FOUND')
})

test('the service tells of itself and cares for its store', async () => {
  assert.equal((await client.service.info()).status, 'running')
  assert.equal((await client.service.health()).status, 'ready')
  assert.equal((await client.service.readiness()).status, 'ready')
  assert.equal((await client.service.liveness()).status, 'alive')
  assert.equal((await client.service.startup()).status, 'started')
  assert.match(await client.service.metrics(), /storage_operations_total/)
  assert.ok((await client.service.errors()).errors.length > 40)
  assert.equal((await client.service.collectGarbage()).removed_blobs, 0)
  assert.equal((await client.service.verify()).ok, true)
})

test('a refusal that comes before the body was read is understood', async () => {
  const huge = async function* () {
    for (let i = 0; i < 4000; i += 1) yield Buffer.alloc(65_536)
  }
  const missing = { bucket: 'no-such-bucket', key: 'x' }
  for (const size of [undefined, 4000 * 65_536]) {
    const error = await failure(client.assets.put(missing, huge, { size }))
    assert.equal(error.code, 'BUCKET_NOT_FOUND')
  }
})

test('uploads and downloads that are given up leave the server well', async () => {
  const controller = new AbortController()
  const endless = async function* () {
    for (;;) {
      await new Promise(resolve => setTimeout(resolve, 5))
      yield Buffer.alloc(1024)
    }
  }
  const reason = new Error('enough')
  const target = { bucket, key: 'aborted' }
  const call = client.assets.put(target, endless, { signal: controller.signal })
  setTimeout(() => controller.abort(reason), 100)
  await assert.rejects(call, error => error === reason)
  assert.equal((await failure(client.assets.stat(target))).code, 'ASSET_NOT_FOUND')
})

test('every operation of the route table is called by the client', async t => {
  const seen = new Set<string>()
  const spy = createServer((request, response) => {
    seen.add(`${request.method} ${request.url?.split('?')[0]}`)
    request.resume()
    response.writeHead(418).end()
  })
  await new Promise<void>(resolve => spy.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    spy.closeAllConnections()
    spy.close()
  })
  const { port } = spy.address() as AddressInfo
  const probe = openClient({ url: `http://127.0.0.1:${port}`, key })
  await callEverything(probe)
  const { routes } = await import('@holdfast/contract/routes.ts')
  // Second addresses of an operation, and pages for browsers.
  const left = new Set(['bulkUpload', 'putByKey', 'getByKey', 'headByKey', 'removeByKey'])
  for (const id of [
    'getHealthMetrics',
    'getDocs',
    'getDocsFile',
    'beginOpenId',
    'finishOpenId',
    'headAsset',
    'headVersion',
    'headLink',
    'headShare',
    'headSharedFile',
  ]) {
    left.add(id)
  }
  const missing = Object.entries(routes).filter(([id, { method, path }]) => {
    const pattern = new RegExp(`^${method} ${path.replaceAll(/\{\w+\+?\}/g, '[^/]+')}$`)
    return !left.has(id) && ![...seen].some(line => pattern.test(line))
  })
  assert.deepEqual(
    missing.map(([id]) => id),
    [],
  )
})

/** One call of everything, with arguments that only have to reach the wire. */
async function callEverything({ assets, versions, buckets, ...rest }: Client): Promise<void> {
  const { quotas, keys, links, presigned, service, auth, users, audit, groups, access } = rest
  const { secondFactor, s3Keys, shares, sessions, accounts } = rest
  const proof = { username: 'a', password: 'b', code: '123456' }
  const ref = { bucket, key: 'k' }
  const version = { id: owner, version: 1 }
  const scope = { scope: 'owner', name: owner } as const
  const link = { url: '/api/v2/presigned/t', headers: {} }
  const file = { file: 'x', filename: 'x', content_type: 'text/plain' }
  const calls: Promise<unknown>[] = [
    ...[assets.put(ref, 'x'), assets.putContent(owner, 'x'), assets.upload('x', fields)],
    ...[assets.get(owner), assets.get(ref), assets.head(owner), assets.head(ref)],
    ...[assets.list(), assets.listKeys(bucket), assets.stats(), assets.stat(owner)],
    ...[assets.getMetadata(owner), assets.mergeMetadata(owner, {}), assets.update(owner, {})],
    ...[assets.move(owner, { key: 'x' }), assets.copy(owner, {}), assets.remove(owner)],
    ...[assets.remove(ref), assets.restore(owner), assets.removeMany([owner])],
    assets.uploadMany([file], { service: 's', owner_id: owner }),
    assets.getMany({ ids: [owner] }),
    ...[versions.list(owner), versions.history(owner), versions.get(version)],
    ...[versions.put(owner, 'x'), versions.update(version, {}), versions.remove(version)],
    ...[versions.download(version), versions.rollback(version), versions.prune(owner)],
    ...[versions.tag(version, { name: 'x' }), versions.compare(owner, { from: 1, to: 2 })],
    ...[buckets.list(), buckets.get('b'), buckets.create({ name: 'b' })],
    ...[buckets.update('b', {}), buckets.remove('b')],
    ...[quotas.list(), quotas.get(scope), quotas.set(scope, {}), quotas.remove(scope)],
    ...[keys.list(), keys.create({ name: 'x', permissions: [] }), keys.revoke(owner)],
    ...[s3Keys.list(), s3Keys.create({ name: 'x' }), s3Keys.revoke('x')],
    ...[links.list(owner), links.add(owner, { type: 'x', asset_id: owner })],
    ...[links.remove(owner, owner), links.remove(owner, { type: 'x', asset_id: owner })],
    ...[presigned.forDownload(owner), presigned.forUpload(ref)],
    ...[presigned.get(link.url), presigned.put(link, 'x')],
    ...[service.info(), service.health(), service.readiness(), service.liveness()],
    ...[service.startup(), service.metrics(), service.errors(), service.openApi()],
    ...[service.collectGarbage(), service.verify()],
    ...[auth.login({ username: 'a', password: 'b' }), auth.refresh('t'), auth.logout()],
    ...[auth.whoAmI(), auth.jwks(), auth.signingKeys(), auth.rotateSigningKey()],
    ...[auth.ways(), auth.validate('t'), users.statistics()],
    users.actOn('unlock', [owner]),
    auth.redeemOpenId({ code: 'c', verifier: 'v' }),
    auth.changePassword({ username: 'a', password: 'b', new_password: 'c' }),
    ...[users.list(), users.create({ username: 'ann', password: 'p' }), users.get(owner)],
    ...[users.update(owner, {}), users.remove(owner), users.unlock(owner)],
    ...[groups.list(), groups.create({ name: 'g' }), groups.get(owner), groups.remove(owner)],
    ...[groups.update(owner, {}), access.listGrants(), access.revokeGrant(owner)],
    access.grant({ principal_id: owner, bucket, permissions: ['assets:read'] }),
    access.explain({ permission: 'assets:read' }),
    ...[audit.list(), audit.export(), audit.report(), audit.verify()],
    audit.acknowledge({ reason: 'r' }),
    users.resetPassword(owner, { password: 'p' }),
    ...[auth.loginWithCode({ challenge: 'x', code: '123456' }), secondFactor.begin(proof)],
    ...[secondFactor.confirm(proof), secondFactor.disable(proof)],
    ...[secondFactor.renewRecoveryCodes(proof), users.removeSecondFactor(owner)],
    ...[auth.forgotPassword('a'), auth.resetPassword({ token: 't', new_password: 'p' })],
    ...[sessions.list(), sessions.end(owner), sessions.endAll({ keepCurrent: true })],
    ...[sessions.list({ userId: owner }), sessions.end(owner, { userId: owner })],
    sessions.confirm({ password: 'x' }),
    ...[sessions.endAll({ userId: owner }), shares.list(), shares.create({ asset_id: owner })],
    ...[shares.get(owner), shares.revoke(owner), shares.describe('/s/t')],
    ...[shares.download('/s/t'), shares.download('/s/t/k')],
    ...[accounts.list(), accounts.create({ name: 'a1' }), accounts.get(owner)],
    ...[accounts.update(owner, {}), accounts.remove(owner), accounts.rotateSecret(owner)],
    accounts.removeSecret(owner, owner),
    accounts.token({ clientId: 'sa_a_b_c', secret: 's' }),
    accounts.refresh({ clientId: 'sa_a_b_c', secret: 's', refreshToken: 't' }),
  ]
  for (const result of await Promise.allSettled(calls)) assert.equal(result.status, 'rejected')
}
