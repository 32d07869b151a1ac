import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { extract } from 'tar-stream'
import { fromBuffer } from 'yauzl'
import {
  owner,
  refused,
  startServer,
  type TestServer,
  type Tree,
  upload,
} from '../../started-server.test.ts'

let server: TestServer

before(async () => {
  server = await startServer({ env: { STORAGE_MAX_UPLOAD_SIZE: '100000' } })
})
after(async () => {
  await using closed = server
  assert.deepEqual(await closed.loose(), [], 'nothing is left behind')
})

interface Sent {
  content: string
  filename?: string
  [field: string]: unknown
}

function form(
  files: Sent[],
  more: Record<string, unknown> = {},
  order = 'request first',
): FormData {
  const body = new FormData()
  const request = JSON.stringify({
    files: files.map(({ content: _, ...file }, index) => ({
      filename: `${index}.txt`,
      content_type: 'text/plain',
      ...file,
    })),
    service: 'batch',
    owner_id: owner,
    ...more,
  })
  if (order === 'request first') body.append('request', request)
  for (const { content } of files) body.append('files', new Blob([content]), 'x.txt')
  if (order !== 'request first') body.append('request', request)
  return body
}

const path = '/api/v2/assets/batch-upload'
const total = async () => (await server.ask('GET /api/v2/assets?service=batch')).json.total

test('a batch stores all its files, in the order sent, at both addresses', async () => {
  for (const [address, order] of [
    [path, 'request first'],
    ['/api/v2/assets/bulk-upload', 'request last'],
  ] as const) {
    const files = [
      { content: 'first', tags: ['own'], metadata: { n: 1 } },
      { content: 'second', filename: 'second.txt' },
    ]
    const body = form(files, { tags: ['shared'], metadata: { all: true } }, order)
    const answer = await server.ask(`POST ${address}`, { body })
    assert.equal(answer.status, 201, answer.text)
    assert.deepEqual(
      answer.json.map((asset: Tree) => [asset.name, asset.size, asset.tags, asset.metadata]),
      [
        ['0.txt', 5, ['shared', 'own'], { all: true, n: 1 }],
        ['second.txt', 6, ['shared'], { all: true }],
      ],
    )
  }
})

test('one refused file does not keep the others', async () => {
  const files = [
    { content: 'ok', key: 'partial/a' },
    { content: 'dup', key: 'partial/a' },
    { content: '<html><script>', content_type: 'image/png' },
  ]
  const answer = await server.ask(`POST ${path}`, { body: form(files) })
  assert.equal(answer.status, 207, answer.text)
  assert.deepEqual([answer.json.succeeded, answer.json.failed], [1, 2])
  const ok = answer.json.results.filter((result: Tree) => result.status === 201)
  assert.equal(ok[0].asset.key, 'partial/a')
  const codes = answer.json.results.map((result: Tree) => result.error?.code).filter(Boolean)
  assert.deepEqual(codes.sort(), ['ASSET_EXISTS', 'CONTENT_TYPE_MISMATCH'])
})

test('atomic is all or nothing', async () => {
  const before = await total()
  await upload(server, 'taken', { key: 'atomic/taken' })
  const files = [
    { content: 'a', key: 'atomic/free' },
    { content: 'b', key: 'atomic/taken' },
  ]
  const answer = await server.ask(`POST ${path}?atomic=true`, { body: form(files) })
  refused(answer, 409, 'ASSET_EXISTS')
  assert.equal(answer.json.details.item, 1)
  const twice = files.map(file => ({ ...file, key: 'atomic/same' }))
  refused(
    await server.ask(`POST ${path}`, { body: form(twice, { atomic: true }) }),
    422,
    'VALIDATION_ERROR',
  )
  assert.equal(await total(), before)
  const good = files.map((file, index) => ({ ...file, key: `atomic/${index}` }))
  assert.equal((await server.ask(`POST ${path}?atomic=true`, { body: form(good) })).status, 201)
})

test('counts that differ, missing and broken requests store nothing', async () => {
  const before = await total()
  const surplus = form([{ content: 'a' }])
  surplus.append('files', new Blob(['extra']), 'extra.txt')
  refused(await server.ask(`POST ${path}`, { body: surplus }), 422, 'VALIDATION_ERROR')
  const none = new FormData()
  none.append('files', new Blob(['a']), 'a.txt')
  refused(await server.ask(`POST ${path}`, { body: none }), 422, 'VALIDATION_ERROR')
  none.append('request', '{"files":')
  refused(await server.ask(`POST ${path}`, { body: none }), 422, 'VALIDATION_ERROR')
  const twice = form([{ content: 'a' }])
  twice.append('request', '{}')
  refused(await server.ask(`POST ${path}`, { body: twice }), 422, 'VALIDATION_ERROR')
  const large = form([{ content: 'ok' }, { content: 'x'.repeat(100_001) }])
  refused(await server.ask(`POST ${path}`, { body: large }), 413, 'BODY_TOO_LARGE')
  const wrong = form([{ content: 'a', checksum: '0'.repeat(64) }])
  refused(await server.ask(`POST ${path}`, { body: wrong }), 400, 'DIGEST_MISMATCH')
  refused(
    await server.ask(`POST ${path}`, { body: form([{ content: 'a' }], { unknown: 1 }) }),
    422,
    'VALIDATION_ERROR',
  )
  assert.equal(await total(), before)
})

test('a thousand files in one batch, and not one more', async () => {
  const files = Array.from({ length: 1000 }, (_, index) => ({ content: `file ${index}` }))
  const answer = await server.ask(`POST ${path}`, { body: form(files, { service: 'thousand' }) })
  assert.equal(answer.status, 201)
  assert.equal(answer.json.length, 1000)
  const more = form([...files, { content: 'one more' }], { service: 'thousand' })
  refused(await server.ask(`POST ${path}`, { body: more }), 413, 'TOO_MANY_ITEMS')
  const { json } = await server.ask('GET /api/v2/assets?service=thousand&limit=1')
  assert.equal(json.total, 1000)
})

test('batch delete tells each id its own result', async () => {
  const a = await upload(server, 'a')
  const missing = '0199a7e2-0000-7000-8000-000000000000'
  const json = { ids: [a.id, missing] }
  const answer = await server.ask('POST /api/v2/assets/batch-delete', { json })
  assert.equal(answer.status, 207)
  assert.deepEqual(
    answer.json.results.map((result: Tree) => [result.id, result.status, result.error?.code]),
    [
      [a.id, 204, undefined],
      [missing, 404, 'ASSET_NOT_FOUND'],
    ],
  )
  const again = await server.ask('POST /api/v2/assets/batch-delete', {
    json: { ids: [a.id], hard_delete: true },
  })
  assert.deepEqual([again.status, again.json.succeeded], [200, 1])
  for (const ids of [[], ['nonsense'], 'x']) {
    const bad = await server.ask('POST /api/v2/assets/batch-delete', { json: { ids } })
    refused(bad, 422, 'VALIDATION_ERROR')
  }
})

async function unzip(bytes: Buffer): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  const zip = await new Promise<import('yauzl').ZipFile>((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true }, (error, opened) => {
      if (error) reject(error)
      else resolve(opened)
    })
  })
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject)
    zip.on('end', resolve)
    zip.on('entry', entry => {
      zip.openReadStream(entry, (error, stream) => {
        if (error) return reject(error)
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          files[entry.fileName] = Buffer.concat(chunks).toString()
          zip.readEntry()
        })
      })
    })
    zip.readEntry()
  })
  return files
}

async function untar(bytes: Buffer): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  const tar = extract()
  tar.end(bytes)
  for await (const entry of tar) {
    const chunks: Uint8Array[] = []
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk)
    files[entry.header.name] = Buffer.concat(chunks).toString()
  }
  return files
}

test('batch download streams zip and tar with safe, unique names', async () => {
  const contents = ['text one', 'text two', '', 'y'.repeat(90_000)]
  const names = ['same.txt', 'same.txt', '../../evil.txt', 'folder/big.bin']
  const ids: string[] = []
  for (const [index, content] of contents.entries()) {
    const filename = names[index] ?? ''
    const asset = await upload(server, content, { filename })
    ids.push(asset.id)
  }
  const wanted = {
    'same.txt': 'text one',
    'same (2).txt': 'text two',
    '__/__/evil.txt': '',
    'folder/big.bin': contents[3],
  }
  const download = async (json: object) =>
    await server.ask('POST /api/v2/assets/batch-download', { json })
  const zip = await download({ ids })
  assert.equal(zip.headers['content-type'], 'application/zip')
  assert.deepEqual(await unzip(zip.bytes), wanted)
  const tar = await download({ ids: [...ids, ids[0]], format: 'tar' })
  assert.equal(tar.headers['content-type'], 'application/x-tar')
  assert.deepEqual(await untar(tar.bytes), wanted)

  const missing = '0199a7e2-0000-7000-8000-000000000000'
  refused(await download({ ids: [missing, ...ids] }), 404, 'ASSET_NOT_FOUND')
  const partial = await unzip((await download({ ids: [missing, ids[0]], partial: true })).bytes)
  assert.deepEqual(JSON.parse(partial['holdfast-missing.json'] ?? ''), [
    { id: missing, code: 'ASSET_NOT_FOUND' },
  ])
  refused(await download({ ids, format: 'rar' }), 422, 'VALIDATION_ERROR')
})

test('what is refused within a batch stands in the audit log as if asked alone', async () => {
  const { id } = await upload(server, 'x', { key: 'guarded' })
  const keyOf = async (permission: string): Promise<string> => {
    const json = { name: 'of a batch', permissions: [permission] }
    return (await server.ask('POST /api/v2/keys', { json })).json.key
  }
  const remove = async (ids: string[], key: string): Promise<void> => {
    const answer = await server.ask('POST /api/v2/assets/batch-delete', { json: { ids }, key })
    assert.deepEqual([answer.status, answer.json.failed], [207, 1], answer.text)
  }
  await remove([id], await keyOf('assets:read'))
  // What is not there was refused to nobody.
  await remove(['01a2234a-9d40-7245-b342-b900f1fb3266'], await keyOf('assets:write'))
  const acl = { read: [owner], write: [] }
  const body = form([
    { content: 'one', key: 'audited/one' },
    { content: 'two', key: 'audited/two', acl },
  ])
  const storing = await server.ask(`POST ${path}`, { body, key: await keyOf('assets:write') })
  assert.deepEqual([storing.status, storing.json.failed], [207, 1], storing.text)
  const load = async (one: string, key: string): Promise<void> => {
    const json = { ids: [one], partial: true }
    const answer = await server.ask('POST /api/v2/assets/batch-download', { json, key })
    assert.equal(answer.status, 200, answer.text)
  }
  await load(id, await keyOf('assets:write'))
  await load('01a2234a-9d40-7245-b342-b900f1fb3266', await keyOf('assets:read'))
  await server.running.context.audit.flush()
  const rows = async (action: string) => {
    const { json } = await server.ask(`GET /api/v2/audit?action=${action}&outcome=refused`)
    return json.items.map(({ status, code, resource }: Tree) => [status, code, resource])
  }
  assert.deepEqual(await rows('removeAsset'), [[403, 'FORBIDDEN', { id }]])
  const resource = { bucket: 'holdfast', key: 'audited/two' }
  assert.deepEqual(await rows('uploadAsset'), [[403, 'FORBIDDEN', resource]])
  assert.deepEqual(await rows('downloadAsset'), [[403, 'FORBIDDEN', { id }]])
})

test('what is asked about many ids leaves turns of the event loop to others', async () => {
  const { engine } = server.running.context
  const { next } = engine.lists
  let turns = 0
  engine.lists.next = async caller => {
    turns += 1
    await next.call(engine.lists, caller)
  }
  const ids = Array.from({ length: 60 }, (_, at) => `01a22373-0000-7000-8000-${at + 1e11}`)
  const turnsOf = async (path: string, json: object) => {
    turns = 0
    const { status } = await server.ask(`POST /api/v2/assets/${path}`, { json })
    return [status, turns]
  }
  try {
    assert.deepEqual(await turnsOf('batch-delete', { ids }), [207, 8])
    assert.deepEqual(await turnsOf('batch-download', { ids, partial: true }), [200, 3])
  } finally {
    engine.lists.next = next
  }
})
