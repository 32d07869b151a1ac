import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  refused,
  startServer,
  type TestServer,
  type Tree,
  upload,
} from '../../started-server.test.ts'

let server: TestServer

before(async () => {
  server = await startServer()
})
after(async () => {
  await using closed = server
  assert.deepEqual(await closed.loose(), [], 'nothing is left behind')
})

/** An asset with the given contents as its versions. */
async function versions(...contents: string[]): Promise<{ asset: Tree; path: string }> {
  const [first = '', ...others] = contents
  const asset = await upload(server, first, { metadata: '{"v":1}' })
  const path = `/api/v2/assets/${asset.id}`
  for (const content of others) {
    const body = new FormData()
    body.append('file', new Blob([content]), 'v.txt')
    body.append('change_description', `now ${content}`)
    body.append('created_by', 'tester')
    const answer = await server.ask(`POST ${path}/versions`, { body })
    assert.equal(answer.status, 201, answer.text)
  }
  return { asset, path }
}

test('versions are listed newest first and each can be had', async () => {
  const { path } = await versions('one', 'two', 'three')
  const list = (await server.ask(`GET ${path}/versions?limit=2`)).json
  assert.equal(list.total, 3)
  assert.deepEqual(
    list.items.map((item: Tree) => [item.version_number, item.is_current, item.change_type]),
    [
      [3, true, 'update'],
      [2, false, 'update'],
    ],
  )
  assert.equal(list.items[0].change_description, 'now three')
  assert.equal(list.items[0].created_by, 'tester')
  const [, second] = list.items
  for (const name of ['2', second.id]) {
    assert.equal((await server.ask(`GET ${path}/versions/${name}`)).json.id, second.id)
    const bytes = await server.ask(`GET ${path}/versions/${name}/download`)
    assert.deepEqual([bytes.status, bytes.text, bytes.headers['x-version']], [200, 'two', '2'])
    assert.equal((await server.ask(`HEAD ${path}/versions/${name}/download`)).status, 200)
  }
  const ranged = await server.ask(`GET ${path}/versions/1/download`, {
    headers: { range: 'bytes=1-1' },
  })
  assert.deepEqual([ranged.status, ranged.text], [206, 'n'])
  assert.equal((await server.ask(`GET ${path}/download?version=2`)).text, 'two')
  assert.equal((await server.ask(`GET ${path}/download`)).text, 'three')
})

test('equal content makes no version', async () => {
  const { path } = await versions('one', 'two')
  const body = new FormData()
  body.append('file', new Blob(['two']), 'v.txt')
  const answer = await server.ask(`POST ${path}/versions`, { body })
  assert.deepEqual([answer.status, answer.json.version_number], [200, 2])
  assert.equal((await server.ask(`GET ${path}/versions`)).json.total, 2)
})

test('raw content becomes a version', async () => {
  const { path } = await versions('one')
  const answer = await server.ask(`PUT ${path}/content?description=raw`, { body: 'raw bytes' })
  assert.deepEqual([answer.status, answer.json.current_version], [200, 2])
  const version = (await server.ask(`GET ${path}/versions/2`)).json
  assert.equal(version.change_description, 'raw')
})

test('versions that are not there, or are none, are told so', async () => {
  const { path } = await versions('one')
  const other = await versions('other')
  const foreign = (await server.ask(`GET ${other.path}/versions`)).json.items[0].id
  for (const name of ['2', foreign, '0199a7e2-0000-7000-8000-000000000000', '999999999']) {
    refused(await server.ask(`GET ${path}/versions/${name}`), 404, 'VERSION_NOT_FOUND')
    refused(await server.ask(`GET ${path}/versions/${name}/download`), 404, 'VERSION_NOT_FOUND')
  }
  for (const name of ['0', '-1', 'x', '1.5', '%20', '..']) {
    refused(await server.ask(`GET ${path}/versions/${name}`), 422, 'VALIDATION_ERROR')
  }
  refused(await server.ask(`GET ${path}/download?version=7`), 404, 'VERSION_NOT_FOUND')
})

test('compare tells what differs', async () => {
  const { path } = await versions('one', 'longer')
  await server.ask(`PUT ${path}/versions/2`, { json: { metadata: { v: 2, added: true } } })
  const { json } = await server.ask(`GET ${path}/versions/compare?from=1&to=2`)
  assert.equal(json.size_diff, 3)
  assert.equal(json.checksum_changed, true)
  assert.deepEqual(json.metadata_changes.added, { added: true })
  assert.deepEqual(json.metadata_changes.changed, { v: { old: 1, new: 2 } })
  refused(await server.ask(`GET ${path}/versions/compare?from=1`), 422, 'VALIDATION_ERROR')
  refused(await server.ask(`GET ${path}/versions/compare?from=1&to=9`), 404, 'VERSION_NOT_FOUND')
})

test('rolling back makes a new version of old content', async () => {
  const { path } = await versions('one', 'two')
  const { status, json } = await server.ask(`POST ${path}/versions/1/rollback`)
  assert.equal(status, 201)
  assert.deepEqual([json.version_number, json.is_current, json.change_type], [3, true, 'rollback'])
  assert.equal(json.metadata.rollback_from, 1)
  assert.ok(json.metadata.rollback_at)
  assert.equal((await server.ask(`GET ${path}/download`)).text, 'one')
})

test('the current version stays; numbers of deleted ones never come back', async () => {
  const { path } = await versions('one', 'two')
  refused(await server.ask(`DELETE ${path}/versions/2`), 409, 'VERSION_CURRENT')
  assert.equal((await server.ask(`DELETE ${path}/versions/1`)).status, 204)
  refused(await server.ask(`GET ${path}/versions/1`), 404, 'VERSION_NOT_FOUND')
  assert.equal((await server.ask(`GET ${path}/versions`)).json.total, 1)
  assert.equal((await server.ask(`GET ${path}/versions?include_deleted=true`)).json.total, 2)
  await server.ask(`PUT ${path}/content`, { body: 'three' })
  assert.equal((await server.ask(`GET ${path}`)).json.current_version, 3)
})

test('tags are set once per name and keep their version from pruning', async () => {
  const { path } = await versions('1', '2', '3', '4', '5')
  const json = { name: 'release', description: 'kept' }
  const tagged = await server.ask(`POST ${path}/versions/2/tags`, { json })
  assert.equal(tagged.status, 201)
  assert.equal(tagged.json.tags[0].name, 'release')
  assert.ok(tagged.json.tags[0].tagged_at)
  refused(await server.ask(`POST ${path}/versions/3/tags`, { json }), 409, 'VERSION_TAG_EXISTS')

  const numbers = (answer: Tree) => answer.json.pruned.map((one: Tree) => one.version_number).sort()
  const dry = await server.ask(`POST ${path}/versions/prune`, { json: { keep: 1, dry_run: true } })
  assert.deepEqual([numbers(dry), dry.json.dry_run], [[1, 3, 4], true])
  assert.equal(dry.json.more, false)
  const below = { keep: 1, dry_run: true, below: 3 }
  const lower = await server.ask(`POST ${path}/versions/prune`, { json: below })
  assert.deepEqual([numbers(lower), lower.json.pruned_count], [[1], 1])
  assert.equal((await server.ask(`GET ${path}/versions`)).json.total, 5)
  const done = await server.ask(`POST ${path}/versions/prune`, { json: { keep: 2 } })
  assert.deepEqual([numbers(done), done.json.pruned_count], [[1, 3], 2])
  const defaults = await server.ask(`POST ${path}/versions/prune`)
  assert.deepEqual([defaults.status, defaults.json.pruned_count], [200, 0])
  refused(
    await server.ask(`POST ${path}/versions/prune`, { json: { keep: 0 } }),
    422,
    'VALIDATION_ERROR',
  )
})

test('history tells who did what, newest first', async () => {
  const { path } = await versions('one', 'two')
  await server.ask(`DELETE ${path}`)
  await server.ask(`PUT ${path}/restore`)
  const headers = { 'x-request-id': 'history-test-1' }
  await server.ask(`PUT ${path}/metadata`, { json: { h: 1 }, headers })
  const { json } = await server.ask(`GET ${path}/versions/history?limit=3`)
  assert.ok(json.total >= 5)
  assert.equal(json.items.length, 3)
  assert.equal(json.items[0].request_id, 'history-test-1')
  const seqs = json.items.map((item: Tree) => item.seq)
  assert.deepEqual(
    seqs,
    [...seqs].sort((a, b) => b - a),
  )
})

test('versions are filtered by time, state and what made them', async () => {
  const { path } = await versions('one', 'two', 'three', 'four')
  const listed = async (query: string) => {
    const answer = await server.ask(`GET ${path}/versions?${query}`)
    assert.equal(answer.status, 200, answer.text)
    const numbers = answer.json.items.map((item: Tree) => item.version_number)
    assert.equal(answer.json.total, numbers.length, query)
    return numbers
  }
  await server.ask(`POST ${path}/versions/1/rollback`)
  assert.equal((await server.ask(`DELETE ${path}/versions/2`)).status, 204)
  assert.deepEqual(await listed('status=current'), [5])
  assert.deepEqual(await listed('status=previous'), [4, 3, 1])
  assert.deepEqual(await listed('status=deleted'), [2])
  assert.deepEqual(await listed('include_deleted=true'), [5, 4, 3, 2, 1])
  assert.deepEqual(await listed('change_type=rollback'), [5])
  assert.deepEqual(await listed('change_type=update&status=previous'), [4, 3])
  const third = (await server.ask(`GET ${path}/versions/3`)).json.created_at
  const late = new Date(Date.parse(third) + 3_600_000).toISOString().replace('Z', '%2B01:00')
  assert.ok((await listed(`created_after=${third}`)).includes(3))
  assert.ok(!(await listed(`created_before=${third}`)).includes(3))
  assert.deepEqual(await listed(`created_after=${late}`), await listed(`created_after=${third}`))
  assert.deepEqual(await listed('created_after=2999-01-01T00:00:00Z'), [])
  for (const wrong of ['status=archived', 'change_type=x', 'created_after=yesterday', 'x=1']) {
    refused(await server.ask(`GET ${path}/versions?${wrong}`), 422, 'VALIDATION_ERROR')
  }
  for (const wrong of [
    'created_after=2026-02-31T00:00:00Z',
    'created_after=2026-06-30T23:59:60Z',
    'created_before=2026-12-31T23:59:60Z',
    'created_before=2026-13-01T00:00:00Z',
  ]) {
    refused(await server.ask(`GET ${path}/versions?${wrong}`), 422, 'VALIDATION_ERROR')
  }
  await server.ask(`DELETE ${path}`)
  await server.ask(`PUT ${path}/restore`)
  await server.ask(`DELETE ${path}`)
  assert.deepEqual(await listed('include_deleted=true&change_type=delete'), [7])
})
