import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { owner, startServer, type TestServer, type Tree } from '../../started-server.test.ts'

let server: TestServer

before(async () => {
  server = await startServer({ env: { STORAGE_AUDIT_DATA_CHANGES: 'on' } })
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

const rows = async (action: string): Promise<Tree[]> => {
  await server.running.context.audit.flush()
  return (await server.ask(`GET /api/v2/audit?action=${action}`)).json.items
}

const upload = (fields: Record<string, string>, ...files: string[]): FormData => {
  const form = new FormData()
  for (const [name, text] of Object.entries(fields)) form.append(name, text)
  for (const name of files) form.append('file', new Blob([name]), name)
  return form
}

const facts = { service: 'tests', owner_id: owner }
const file = { ...facts, content_type: 'text/plain' }

test('an upload by a link stands in the audit log, without its token', async () => {
  const json = { bucket: 'holdfast', key: 'linked.txt' }
  const { url, expires_at } = (await server.ask('POST /api/v2/presigned-uploads', { json })).json
  const [made] = await rows('presignUpload')
  assert.deepEqual(made.detail, { ...json, expires_at })
  const line = `PUT ${new URL(url).pathname}`
  const put = async (headers = {}) =>
    (await server.ask(line, { key: null, body: 'one', headers })).status
  assert.equal(await put(), 201)
  assert.equal(await put(), 200)
  const told = await rows('putLink')
  assert.deepEqual(
    told.map(row => [row.outcome, row.status, row.actor_kind, row.resource, row.detail]),
    [200, 201].map(status => ['success', status, 'link', {}, json]),
  )
  assert.ok(!JSON.stringify(told).includes(line.slice(-20)))
})

test('a link to download stands in the audit log, without its token', async () => {
  const body = upload({ ...file, filename: 'a.txt', key: 'lent.txt' }, 'a.txt')
  const { id } = (await server.ask('POST /api/v2/assets/upload', { body })).json
  const links = []
  for (const query of ['', '?version=1']) {
    const link = await server.ask(`GET /api/v2/assets/${id}/presigned-url${query}`)
    assert.equal(link.status, 200)
    links.unshift(link.json)
  }
  const made = await rows('presignDownload')
  assert.deepEqual(
    made.map(row => [row.outcome, row.status, row.resource, row.detail]),
    links.map(({ expires_at }, at) => {
      const detail = at === 0 ? { version: '1', expires_at } : { expires_at }
      return ['success', 200, { id }, detail]
    }),
  )
  for (const { url } of links) assert.ok(!JSON.stringify(made).includes(url.slice(-20)))
})

test('an upload by a link keeps to its conditions', async () => {
  const json = { bucket: 'holdfast', key: 'conditional.txt' }
  const { url } = (await server.ask('POST /api/v2/presigned-uploads', { json })).json
  const put = async (body: string, headers: Record<string, string>) => {
    const line = `PUT ${new URL(url).pathname}`
    return await server.ask(line, { key: null, body, headers })
  }
  assert.equal((await put('one', { 'if-match': '*' })).status, 412)
  const one = await put('one', { 'if-none-match': '*' })
  assert.equal(one.status, 201)
  const again = await put('two', { 'if-none-match': '*' })
  assert.deepEqual([again.status, again.json.code], [412, 'PRECONDITION_FAILED'])
  const { etag = '' } = one.headers
  assert.equal((await put('two', { 'if-match': etag })).status, 200)
  assert.equal((await put('three', { 'if-match': etag })).status, 412)
  const read = await server.ask('GET /api/v2/buckets/holdfast/assets/conditional.txt')
  assert.equal(read.text, 'two')
})

test('rows of changes without a name in the path tell what changed', async () => {
  const body = upload({ ...file, filename: 'a.txt', key: 'told/a.txt' }, 'a.txt')
  const { id } = (await server.ask('POST /api/v2/assets/upload', { body })).json
  const [uploaded] = await rows('uploadAsset')
  assert.equal(uploaded.status, 201)
  assert.deepEqual(uploaded.detail, { bucket: 'holdfast', key: 'told/a.txt', id })

  const next = upload({ content_type: 'text/plain' }, 'b.txt')
  const version = await server.ask(`POST /api/v2/assets/${id}/versions`, { body: next })
  const [versioned] = await rows('createVersion')
  assert.deepEqual(versioned.resource, { id })
  assert.deepEqual(versioned.detail, { version_id: version.json.id, outcome: 'replaced' })

  const files = ['told/one.txt', 'told/a.txt'].map(key => {
    return { filename: 'x.txt', content_type: 'text/plain', key }
  })
  const batch = upload({ request: JSON.stringify({ ...facts, files }) }, 'x.txt', 'y.txt')
  const stored = await server.ask('POST /api/v2/assets/batch-upload', { body: batch })
  assert.equal(stored.status, 207)
  const [one] = stored.json.results
  const [batched] = await rows('batchUpload')
  const detail = { bucket: 'holdfast', ids: [one.asset.id], count: 1 }
  assert.deepEqual([batched.status, batched.detail], [207, detail])

  const missing = '01a2234a-9d40-7245-b342-b900f1fb3266'
  const ids = [id, one.asset.id, missing]
  const removed = await server.ask('POST /api/v2/assets/batch-delete', { json: { ids } })
  assert.equal(removed.status, 207)
  const [deleted] = await rows('batchDelete')
  assert.deepEqual([deleted.status, deleted.detail], [207, { ids: ids.slice(0, 2), count: 2 }])
})

test('rows of copies and moves tell where to, also when they are refused', async () => {
  const body = upload({ ...file, filename: 'a.txt', key: 'from.txt' }, 'a.txt')
  const { id } = (await server.ask('POST /api/v2/assets/upload', { body })).json
  await server.ask('POST /api/v2/buckets', { json: { name: 'elsewhere' } })
  const to = { bucket: 'elsewhere', key: 'to.txt' }
  const copy = await server.ask(`POST /api/v2/assets/${id}/copy`, { json: to })
  const kept = await server.ask(`POST /api/v2/assets/${id}/copy`, { json: {} })
  const move = await server.ask(`POST /api/v2/assets/${id}/move`, { json: { key: 'moved.txt' } })
  assert.deepEqual([copy.status, kept.status, move.status], [201, 201, 200])
  const details = async (action: string) =>
    (await rows(action)).map(row => [row.outcome, row.resource, row.detail])
  const { id: keptId, key } = kept.json
  assert.deepEqual(await details('copyAsset'), [
    ['success', { id }, { bucket: 'holdfast', key, id: keptId }],
    ['success', { id }, { ...to, id: copy.json.id }],
  ])
  assert.deepEqual(await details('moveAsset'), [
    ['success', { id }, { bucket: 'holdfast', key: 'moved.txt', id }],
  ])
  const line = `POST /api/v2/assets/${id}/move`
  const narrow = { name: 'here', permissions: ['assets:*'], buckets: ['holdfast'] }
  const { key: confined } = (await server.ask('POST /api/v2/keys', { json: narrow })).json
  const refused = await server.ask(line, { key: confined, json: to })
  assert.equal(refused.status, 404)
  assert.deepEqual((await details('moveAsset')).at(0), ['refused', { id }, to])
})

test('a key in the query is told as one in the path is', async () => {
  const line = '/api/v2/buckets/holdfast/asset?key=asked/for.txt'
  const resource = { bucket: 'holdfast', key: 'asked/for.txt' }
  assert.equal((await server.ask(`PUT ${line}`, { body: 'one' })).status, 201)
  assert.equal((await server.ask(`PUT ${line}`, { body: 'one', key: null })).status, 401)
  assert.equal((await server.ask(`GET ${line}`, { key: null })).status, 401)
  assert.equal((await server.ask(`DELETE ${line}`)).status, 204)
  const names = ['putByKeyQuery', 'getByKeyQuery', 'removeByKeyQuery']
  const found = await Promise.all(names.map(rows))
  assert.deepEqual(
    found.flat().map(row => [row.outcome, row.resource]),
    ['refused', 'success', 'refused', 'success'].map(outcome => [outcome, resource]),
  )
})

test('what a route does not take in its query is in no row: it may be a credential', async () => {
  const line = '/api/v2/users?key=a-secret-of-some-length&bucket=another-secret'
  assert.equal((await server.ask(`GET ${line}`, { key: null })).status, 401)
  const [row] = await rows('listUsers')
  assert.deepEqual([row.outcome, row.resource, row.detail], ['refused', {}, {}])
})

test('rows of links between assets tell the other end', async () => {
  const put = async (key: string) =>
    (await server.ask(`PUT /api/v2/buckets/holdfast/assets/${key}`, { body: 'x' })).json.id
  const [id, other] = [await put('end/one'), await put('end/other')]
  const line = `/api/v2/assets/${id}/links`
  const json = { type: 'kin', asset_id: other }
  await server.ask(`POST ${line}`, { json })
  await server.ask(`DELETE ${line}?type=kin&asset_id=${other}`)
  const { id: linkId } = (await server.ask(`POST ${line}`, { json })).json
  await server.ask(`DELETE /api/v2/assets/${other}/links/${linkId}`)
  const details = async (action: string) => (await rows(action)).map(({ detail }) => detail)
  assert.deepEqual(await details('addLink'), [json, json])
  assert.deepEqual(await details('removeLink'), [json])
  assert.deepEqual(await details('removeLinkById'), [{ type: 'kin', asset_id: id }])
})

test('refusals tell what was asked for in the body', async () => {
  const place = { bucket: 'holdfast', key: 'refused.txt' }
  const { id } = (await server.ask('PUT /api/v2/buckets/holdfast/assets/hid', { body: 'x' })).json
  await server.ask('POST /api/v2/buckets', { json: { name: 'mine' } })
  const mine = { body: 'x' }
  const { id: own } = (await server.ask('PUT /api/v2/buckets/mine/assets/own', mine)).json
  const narrow = { name: 'narrow', permissions: ['assets:*'], buckets: ['mine'] }
  const { key } = (await server.ask('POST /api/v2/keys', { json: narrow })).json
  const link = { type: 'kin', asset_id: id }
  const body = upload({ ...file, filename: 'a.txt', ...place }, 'a.txt')
  const files = [{ filename: 'a.txt', content_type: 'text/plain' }]
  const together = { ...facts, bucket: 'holdfast', files, atomic: true }
  const batch = upload({ request: JSON.stringify(together) }, 'a.txt')
  for (const [action, path, given, detail] of [
    ['createShare', 'shares', { json: { asset_id: id } }, { asset_id: id }],
    ['createShare', 'shares', { json: { bucket: 'holdfast', prefix: 'a/' } }, undefined],
    ['batchDownload', 'assets/batch-download', { json: { ids: [id] } }, { ids: [id], count: 1 }],
    ['presignUpload', 'presigned-uploads', { json: place }, place],
    ['addLink', `assets/${own}/links`, { json: link }, link],
    ['uploadAsset', 'assets/upload', { body }, place],
    ['batchUpload', 'assets/batch-upload', { body: batch }, { bucket: 'holdfast' }],
  ] as const) {
    const { status } = await server.ask(`POST /api/v2/${path}`, { ...given, key })
    assert.ok([403, 404].includes(status), `${action} ${status}`)
    const [row] = await rows(action)
    const should = detail ?? { bucket: 'holdfast', prefix: 'a/' }
    assert.deepEqual([row.outcome, row.detail], ['refused', should], action)
  }
})

test('of a long batch the first hundred ids are told, and how many there are', async () => {
  const files = Array.from({ length: 101 }, (_, at) => ({
    filename: `${at}.txt`,
    content_type: 'text/plain',
  }))
  const names = files.map(({ filename }) => filename)
  const body = upload({ request: JSON.stringify({ ...facts, files }) }, ...names)
  const { json } = await server.ask('POST /api/v2/assets/batch-upload', { body })
  const [row] = await rows('batchUpload')
  assert.equal(row.detail.count, 101)
  assert.deepEqual(
    row.detail.ids,
    json.slice(0, 100).map((asset: Tree) => asset.id),
  )
})
