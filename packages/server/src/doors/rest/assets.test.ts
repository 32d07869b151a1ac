import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  owner,
  refused,
  startServer,
  type TestServer,
  upload,
  uploadForm,
} from '../../started-server.test.ts'

const sha = (content: string) => createHash('sha256').update(content).digest('hex')
const missing = '0199a7e2-0000-7000-8000-000000000000'
let server: TestServer

before(async () => {
  server = await startServer()
})
after(async () => {
  await using closed = server
  assert.deepEqual(await closed.loose(), [], 'nothing is left behind')
})

test('an upload answers with everything that the contract promises', async () => {
  const body = uploadForm('hello', {
    filename: 'größe 🚀.txt',
    metadata: '{"a":{"b":[1,null]}}',
    tags: '["x","y"]',
    acl: '{"read":["someone"],"write":[]}',
    options: '{"versioning":true}',
    checksum: sha('hello').toUpperCase(),
  })
  const answer = await server.ask('POST /api/v2/assets/upload', { body })
  assert.equal(answer.status, 201)
  const asset = answer.json
  assert.equal(answer.headers.location, `/api/v2/assets/${asset.id}`)
  assert.equal(answer.headers.etag, `"${sha('hello')}"`)
  assert.equal(asset.name, 'größe 🚀.txt')
  assert.match(asset.key, /^tests\/0199a7e2-[\w-]+\/\d{8}\/[0-9a-f]{8}_größe 🚀\.txt$/)
  assert.equal(asset.s3_key, asset.key)
  assert.equal(asset.checksum, sha('hello'))
  assert.equal(asset.size, 5)
  assert.equal(asset.current_version, 1)
  assert.equal(asset.asset_type, 'document')
  assert.deepEqual(asset.tags, ['x', 'y'])
  assert.deepEqual(asset.metadata, { a: { b: [1, null] } })
  assert.deepEqual(asset.acl, { read: ['someone'], write: [] })
  assert.equal(asset.is_deleted, false)
  const got = await server.ask(`GET /api/v2/assets/${asset.id}`)
  assert.deepEqual(got.json, asset)
  assert.equal(got.headers.etag, asset.record_etag)
  assert.notEqual(asset.record_etag, asset.etag)
})

test('fields may come after the file, and an empty file is a file', async () => {
  const form = new FormData()
  form.append('file', new Blob([]), 'empty.bin')
  for (const [name, value] of uploadForm('')) {
    if (typeof value === 'string') form.append(name, value)
  }
  const answer = await server.ask('POST /api/v2/assets/upload', { body: form })
  assert.equal(answer.status, 201)
  assert.equal(answer.json.size, 0)
  const bytes = await server.ask(`GET /api/v2/assets/${answer.json.id}/download`)
  assert.equal(bytes.status, 200)
  assert.equal(bytes.headers['content-length'], '0')
  assert.equal(bytes.bytes.length, 0)
})

test('an upload only creates: a taken key is a conflict, equal content is not', async () => {
  const first = await upload(server, 'same bytes', { key: 'conflict/one' })
  const second = await upload(server, 'same bytes', { key: 'conflict/two' })
  assert.notEqual(first.id, second.id)
  const body = uploadForm('other', { key: 'conflict/one' })
  const answer = await server.ask('POST /api/v2/assets/upload', { body })
  refused(answer, 409, 'ASSET_EXISTS')
  assert.equal(answer.json.details.existing_asset_id, first.id)
})

test('metadata is read alone, merged, and removed by null', async () => {
  const asset = await upload(server, 'm', { metadata: '{"keep":1,"drop":2,"change":3}' })
  const path = `/api/v2/assets/${asset.id}/metadata`
  const answer = await server.ask(`PUT ${path}`, { json: { drop: null, change: { deep: true } } })
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.json.metadata, { keep: 1, change: { deep: true } })
  assert.deepEqual((await server.ask(`GET ${path}`)).json, { keep: 1, change: { deep: true } })
})

test('an update merges metadata, replaces tags, and versions only new content', async () => {
  const asset = await upload(server, 'one', { metadata: '{"a":1}', tags: '["old"]' })
  const path = `/api/v2/assets/${asset.id}`
  const json = { metadata: { b: 2 }, tags: ['new'], name: 'renamed.txt' }
  const told = await server.ask(`PUT ${path}`, { json })
  assert.equal(told.status, 200)
  assert.equal(told.json.current_version, 1)
  assert.deepEqual(told.json.metadata, { a: 1, b: 2 })
  assert.deepEqual(told.json.tags, ['new'])
  assert.equal(told.json.name, 'renamed.txt')

  const form = (content: string) => {
    const body = new FormData()
    body.append('file', new Blob([content]), 'x.txt')
    body.append('metadata', '{"c":3}')
    body.append('created_by', 'somebody')
    return body
  }
  const same = await server.ask(`PUT ${path}`, { body: form('one') })
  assert.equal(same.json.current_version, 1)
  const changed = await server.ask(`PUT ${path}`, { body: form('two') })
  assert.equal(changed.status, 200)
  assert.equal(changed.json.current_version, 2)
  assert.equal(changed.json.checksum, sha('two'))
  assert.deepEqual(changed.json.metadata, { a: 1, b: 2, c: 3 })
})

test('If-Match guards every change', async () => {
  const asset = await upload(server, 'guarded')
  const path = `/api/v2/assets/${asset.id}`
  const stale = { 'if-match': `"${'0'.repeat(64)}"` }
  const good = { 'if-match': asset.etag }
  const json = { tags: ['t'] }
  refused(await server.ask(`PUT ${path}`, { json, headers: stale }), 412, 'PRECONDITION_FAILED')
  refused(
    await server.ask(`PUT ${path}/metadata`, { json: {}, headers: stale }),
    412,
    'PRECONDITION_FAILED',
  )
  refused(await server.ask(`DELETE ${path}`, { headers: stale }), 412, 'PRECONDITION_FAILED')
  refused(
    await server.ask(`PUT ${path}/content`, { body: 'new', headers: stale }),
    412,
    'PRECONDITION_FAILED',
  )
  refused(
    await server.ask(`POST ${path}/move`, { json: { key: 'k' }, headers: stale }),
    412,
    'PRECONDITION_FAILED',
  )
  assert.equal((await server.ask(`PUT ${path}`, { json, headers: good })).status, 200)
  const weak = { 'if-match': `W/${asset.etag}` }
  refused(await server.ask(`PUT ${path}`, { json, headers: weak }), 412, 'PRECONDITION_FAILED')
  const bare = { 'if-match': asset.checksum }
  refused(await server.ask(`PUT ${path}`, { json, headers: bare }), 400, 'MALFORMED_REQUEST')
})

test('the tag of the record changes with all that is told, that of content does not', async () => {
  const asset = await upload(server, 'recorded')
  const path = `/api/v2/assets/${asset.id}`
  const first = { 'if-match': asset.record_etag }
  const merged = await server.ask(`PUT ${path}/metadata`, { json: { a: 1 }, headers: first })
  assert.equal(merged.status, 200)
  assert.equal(merged.headers.etag, merged.json.record_etag)
  assert.equal(merged.json.etag, asset.etag)
  assert.notEqual(merged.json.record_etag, asset.record_etag)
  const again = await server.ask(`PUT ${path}/metadata`, { json: { a: 2 }, headers: first })
  refused(again, 412, 'PRECONDITION_FAILED')
  for (const method of ['PUT', 'DELETE']) {
    const change = method === 'PUT' ? { json: { tags: [] }, headers: first } : { headers: first }
    refused(await server.ask(`${method} ${path}`, change), 412, 'PRECONDITION_FAILED')
  }
  const byContent = { json: { a: 3 }, headers: { 'if-match': `"x", ${asset.etag}` } }
  assert.equal((await server.ask(`PUT ${path}/metadata`, byContent)).status, 200)
  const got = await server.ask(`GET ${path}`)
  const same = { 'if-match': got.headers.etag ?? '' }
  const unchanged = await server.ask(`PUT ${path}`, { json: { metadata: { a: 3 } }, headers: same })
  assert.equal(unchanged.headers.etag, got.headers.etag, 'nothing changed, nothing was written')
  const seen = await server.ask(`GET ${path}`, { headers: { 'if-none-match': same['if-match'] } })
  assert.equal(seen.status, 304)
  assert.equal(seen.text, '')
})

test('of twenty merges that name one record, exactly one wins', async () => {
  const asset = await upload(server, 'swapped')
  const path = `/api/v2/assets/${asset.id}/metadata`
  const headers = { 'if-match': asset.record_etag }
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => server.ask(`PUT ${path}`, { json: { n }, headers })),
  )
  const won = answers.filter(({ status }) => status === 200)
  assert.equal(won.length, 1)
  assert.equal(answers.filter(({ status }) => status === 412).length, 19)
  assert.deepEqual((await server.ask(`GET ${path}`)).json, won[0]?.json.metadata)
})

test('deleting hides, restoring brings back, deleting for good ends it', async () => {
  const asset = await upload(server, 'to be deleted', { key: 'deletes/one' })
  const path = `/api/v2/assets/${asset.id}`
  const gone = await server.ask(`DELETE ${path}`)
  assert.equal(gone.status, 204)
  assert.equal(gone.text, '')
  assert.equal((await server.ask(`DELETE ${path}`)).status, 204, 'twice is no error')
  const hidden = await server.ask(`GET ${path}`)
  refused(hidden, 404, 'ASSET_NOT_FOUND')
  assert.equal(hidden.json.details.asset_id, asset.id)
  refused(await server.ask(`GET ${path}/download`), 404, 'ASSET_NOT_FOUND')
  const shown = await server.ask(`GET ${path}?include_deleted=true`)
  assert.equal(shown.json.is_deleted, true)
  assert.ok(shown.json.deleted_at)
  const back = await server.ask(`PUT ${path}/restore`)
  assert.equal(back.status, 200)
  assert.equal(back.json.is_deleted, false)
  assert.equal((await server.ask(`GET ${path}/download`)).text, 'to be deleted')
  refused(await server.ask(`PUT ${path}/restore`), 409, 'ASSET_NOT_DELETED')
  assert.equal((await server.ask(`DELETE ${path}?hard_delete=true`)).status, 204)
  refused(await server.ask(`GET ${path}?include_deleted=true`), 404, 'ASSET_NOT_FOUND')
  refused(await server.ask(`DELETE ${path}`), 404, 'ASSET_NOT_FOUND')
})

test('copy and move need no bytes and keep what they should', async () => {
  const asset = await upload(server, 'moving', { key: 'move/from', metadata: '{"a":1}' })
  const copied = await server.ask(`POST /api/v2/assets/${asset.id}/copy`, {
    json: { key: 'move/copy', owner_id: owner.replace('3a', '3b'), name: 'copy.txt' },
  })
  assert.equal(copied.status, 201)
  assert.notEqual(copied.json.id, asset.id)
  assert.equal(copied.json.checksum, asset.checksum)
  assert.equal(copied.json.owner_id, owner.replace('3a', '3b'))
  assert.equal(copied.headers.location, `/api/v2/assets/${copied.json.id}`)
  const moved = await server.ask(`POST /api/v2/assets/${asset.id}/move`, {
    json: { key: 'move/to', name: 'to.txt' },
  })
  assert.equal(moved.status, 200)
  assert.equal(moved.json.id, asset.id)
  assert.equal(moved.json.key, 'move/to')
  refused(await server.ask('GET /api/v2/buckets/holdfast/assets/move/from'), 404, 'ASSET_NOT_FOUND')
  const onto = { json: { key: 'move/copy' } }
  refused(await server.ask(`POST /api/v2/assets/${asset.id}/move`, onto), 409, 'ASSET_EXISTS')
})

test('lists filter, count truly and page by offset and by cursor', async () => {
  const service = 'listing'
  for (let index = 0; index < 7; index += 1) {
    await upload(server, `list ${index}`, {
      service,
      filename: `page ${index}.txt`,
      tags: JSON.stringify([index % 2 === 0 ? 'even' : 'odd', 'all']),
      metadata: JSON.stringify({ subject: index === 3 ? 'lighthouse keeper' : 'sea' }),
    })
  }
  const list = async (query: string) =>
    (await server.ask(`GET /api/v2/assets?service=${service}&${query}`)).json
  const names = (page: { items: { name: string }[] }) => page.items.map(item => item.name)

  const first = await list('limit=3')
  assert.deepEqual(names(first), ['page 6.txt', 'page 5.txt', 'page 4.txt'])
  assert.deepEqual([first.total, first.limit, first.offset], [7, 3, 0])
  const offset = await list('limit=3&offset=3')
  assert.deepEqual(names(offset), ['page 3.txt', 'page 2.txt', 'page 1.txt'])
  const second = await list(`limit=3&cursor=${first.next_cursor}`)
  assert.deepEqual(names(second), names(offset))
  const third = await list(`limit=3&cursor=${second.next_cursor}`)
  assert.deepEqual(names(third), ['page 0.txt'])
  assert.equal(third.next_cursor, null)

  assert.equal((await list('tags=even')).total, 4)
  assert.equal((await list('tags[]=even&tags[]=odd')).total, 7)
  assert.equal((await list('tags=none')).total, 0)
  assert.equal((await list(`owner_id=${owner.toUpperCase()}`)).total, 7)
  assert.equal((await list(`owner_id=${missing}`)).total, 0)
  assert.equal((await list('asset_type=document')).total, 7)
  assert.equal((await list('asset_type=image')).total, 0)
  assert.equal((await list('bucket=holdfast')).total, 7)

  const search = async (text: string) => (await list(`search=${encodeURIComponent(text)}`)).total
  assert.equal(await search('lighth'), 1)
  assert.equal(await search('"lighthouse keeper"'), 1)
  assert.equal(await search('"keeper lighthouse"'), 0)
  assert.equal(await search('page'), 7)
  for (const text of ['"', 'a OR', 'NEAR(', '*', 'x:y', "'; drop table assets --", '^', '{}']) {
    assert.equal(typeof (await search(text)), 'number', text)
  }
})

test('a page does not change while assets are added before it', async () => {
  const service = 'moving-list'
  for (let index = 0; index < 4; index += 1) await upload(server, `m${index}`, { service })
  const first = (await server.ask(`GET /api/v2/assets?service=${service}&limit=2`)).json
  await upload(server, 'newer', { service })
  const line = `GET /api/v2/assets?service=${service}&limit=2&cursor=${first.next_cursor}`
  const second = (await server.ask(line)).json
  const ids = [...first.items, ...second.items].map((item: { id: string }) => item.id)
  assert.equal(new Set(ids).size, 4)
})

test('statistics add up', async () => {
  const service = 'statistics'
  await upload(server, 'x'.repeat(10), { service })
  await upload(server, 'y'.repeat(20), { service })
  const gone = await upload(server, 'z'.repeat(40), { service })
  await server.ask(`DELETE /api/v2/assets/${gone.id}`)
  const stats = (await server.ask(`GET /api/v2/assets/stats?service=${service}`)).json
  assert.deepEqual(stats, {
    total_assets: 2,
    total_size: 30,
    average_size: 15,
    asset_types: { document: 2 },
    service_stats: { [service]: { total_assets: 2, total_size: 30 } },
  })
})

test('links join assets, may go in circles, and end with their assets', async () => {
  const a = await upload(server, 'link a')
  const b = await upload(server, 'link b')
  const link = async (from: string, to: string, type = 'next') =>
    await server.ask(`POST /api/v2/assets/${from}/links`, { json: { type, asset_id: to } })
  const there = await link(a.id, b.id)
  assert.equal(there.status, 201)
  assert.equal((await link(b.id, a.id)).status, 201)
  refused(await link(a.id, b.id), 409, 'LINK_EXISTS')
  refused(await link(a.id, missing), 404, 'ASSET_NOT_FOUND')
  refused(await link(a.id, b.id, 'no spaces'), 422, 'VALIDATION_ERROR')
  const list = async (query = '') =>
    (await server.ask(`GET /api/v2/assets/${a.id}/links${query}`)).json
  assert.equal((await list()).total, 2)
  assert.equal((await list('?type=other')).total, 0)
  const remove = `DELETE /api/v2/assets/${a.id}/links?type=next&asset_id=${b.id}`
  assert.equal((await server.ask(remove)).status, 204)
  refused(await server.ask(remove), 404, 'LINK_NOT_FOUND')
  assert.equal((await list()).total, 1)
  await server.ask(`DELETE /api/v2/assets/${b.id}?hard_delete=true`)
  assert.equal((await list()).total, 0)
})
