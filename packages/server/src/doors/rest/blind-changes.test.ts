import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startServer, type TestServer } from '../../started-server.test.ts'

/** Stands in everything of an asset that only its readers may see. */
const canary = 'kanarienvogel'
const base = '/api/v2/buckets/holdfast/assets'
let server: TestServer

before(async () => {
  server = await startServer()
})
after(async () => {
  await using closed = server
  assert.deepEqual(await closed.loose(), [], 'nothing is left behind')
})

async function newKey(permissions: string[]): Promise<Record<string, string>> {
  const json = { name: permissions.join(), permissions }
  return { 'x-api-key': (await server.ask('POST /api/v2/keys', { json })).json.key }
}

async function putSecret(key: string): Promise<string> {
  const headers = { 'x-metadata': JSON.stringify({ secret: canary }) }
  const put = await server.ask(`PUT ${base}/${key}?tags=${canary}`, { body: 'one', headers })
  assert.equal(put.status, 201, put.text)
  const fields = { change_description: canary }
  const about = `PUT /api/v2/assets/${put.json.id}/versions/1`
  assert.equal((await server.ask(about, { json: fields })).status, 200)
  return put.json.id
}

interface Change {
  readonly ask: string
  readonly json?: object
  readonly body?: string
  readonly before?: string
}

function changesOf(id: string, key: string): Change[] {
  const asset = `/api/v2/assets/${id}`
  return [
    { ask: `PUT ${base}/${key}`, body: 'two' },
    { ask: `PUT ${base}/${key}?service=other`, body: 'three' },
    { ask: `PUT ${asset}/content`, body: 'four' },
    { ask: `PUT ${asset}`, json: { name: 'new' } },
    { ask: `PUT ${asset}/metadata`, json: { a: 1 } },
    { ask: `POST ${asset}/move`, json: { name: 'moved' } },
    { ask: `PUT ${asset}/restore`, before: `DELETE ${asset}` },
    { ask: `PUT ${asset}/versions/1`, json: { tag: 'first' } },
    { ask: `POST ${asset}/versions/1/tags`, json: { name: 'second' } },
    { ask: `POST ${asset}/versions/prune`, json: { keep: 1, dry_run: true } },
  ]
}

async function told(key: string, headers: Record<string, string>): Promise<[string, string][]> {
  const answers: [string, string][] = []
  for (const { ask, before: first, json, body = '' } of changesOf(await putSecret(key), key)) {
    if (first !== undefined) await server.ask(first)
    const sent = json === undefined ? { body } : { json }
    const { status, text } = await server.ask(ask, { ...sent, headers })
    assert.ok(status < 300, `${ask}: ${text}`)
    answers.push([ask, text])
  }
  return answers
}

test('an answer to a change tells who may not read no more than a writer must know', async () => {
  const write = ['assets:write', 'metadata:write', 'versions:write']
  for (const [ask, text] of await told('blind', await newKey(write))) {
    assert.doesNotMatch(text, new RegExp(canary), ask)
    assert.match(text, /"id":"/, ask)
  }
  const reader = await newKey(['assets:*', 'metadata:*', 'versions:*'])
  for (const [ask, text] of await told('seen', reader)) {
    if (!ask.endsWith('/prune')) assert.match(text, new RegExp(canary), ask)
  }
})

test('an upload link tells nothing of what it replaces', async () => {
  await putSecret('linked')
  const json = { bucket: 'holdfast', key: 'linked' }
  const { url } = (await server.ask('POST /api/v2/presigned-uploads', { json })).json
  const path = new URL(url).pathname
  const { status, text } = await server.ask(`PUT ${path}`, { body: 'two', key: null })
  assert.equal(status, 200, text)
  assert.doesNotMatch(text, new RegExp(canary))
})

test('a put tells who may not read nothing of the deleted asset that it brings back', async () => {
  const id = await putSecret('revived')
  const keyed = { name: 'blind', permissions: ['assets:write'] }
  const writer = (await server.ask('POST /api/v2/keys', { json: keyed })).json
  const acl = { read: [canary], write: [writer.id] }
  assert.equal((await server.ask(`PUT /api/v2/assets/${id}`, { json: { acl } })).status, 200)
  const json = { bucket: 'holdfast', key: 'revived' }
  const { url } = (await server.ask('POST /api/v2/presigned-uploads', { json })).json
  assert.equal((await server.ask(`DELETE /api/v2/assets/${id}`)).status, 204)
  for (const [line, how] of [
    [`PUT ${new URL(url).pathname}`, { key: null }],
    [`PUT ${base}/revived`, { key: writer.key }],
  ] as const) {
    const { status, text, json: record } = await server.ask(line, { ...how, body: 'two' })
    assert.deepEqual([status, record.id], [201, id], text)
    assert.doesNotMatch(text, new RegExp(canary))
    assert.equal((await server.ask(`DELETE /api/v2/assets/${id}`)).status, 204)
  }
})
