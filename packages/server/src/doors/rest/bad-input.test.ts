import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { after, before, test } from 'node:test'
import { errorTable, HoldfastError } from '@holdfast/core/errors.ts'
import { problemOf } from '../../http/problems.ts'
import {
  owner,
  refused,
  startServer,
  type TestServer,
  upload,
  uploadForm,
} from '../../started-server.test.ts'

const base = '/api/v2/buckets/holdfast/assets'
let server: TestServer
let everything: string[]

before(async () => {
  server = await startServer({ env: { STORAGE_MAX_UPLOAD_SIZE: '1MiB' } })
  everything = listing()
})
after(async () => {
  await using closed = server
  const { json } = await closed.ask('GET /api/v2/assets?service=bad&limit=1')
  assert.equal(json.total, 0, 'nothing of what was refused is an asset')
  assert.deepEqual(await closed.loose(), [], 'nor bytes that belong to none')
  assert.deepEqual(listing(), everything, 'nothing of what was refused is a file')
})

/** Every file but those of the database and its log, and the head of the audit log of refusals. */
function listing(): string[] {
  const all = readdirSync(server.dir, { recursive: true, withFileTypes: true })
  return all
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => !/catalog\.db|notes\/audit-head/.test(path))
    .sort()
}

const bad = (fields: Record<string, string | undefined>, content = 'x') =>
  server.ask('POST /api/v2/assets/upload', {
    body: uploadForm(content, { service: 'bad', ...fields }),
  })

test('every missing or wrong field is named, all at once', async () => {
  const answer = await server.ask('POST /api/v2/assets/upload', { body: new FormData() })
  refused(answer, 422, 'VALIDATION_ERROR')
  const paths = answer.json.details.errors.map((error: { path: string }) => error.path)
  assert.deepEqual(paths.sort(), ['content_type', 'file', 'filename', 'owner_id', 'service'])
  for (const field of ['filename', 'content_type', 'service', 'owner_id']) {
    const one = await bad({ [field]: undefined })
    refused(one, 422, 'VALIDATION_ERROR')
    assert.deepEqual(one.json.details.errors, [{ path: field, problem: 'is missing' }])
    refused(await bad({ [field]: '' }), 422, 'VALIDATION_ERROR')
  }
})

test('names that cannot be headers or file names are refused or kept as they are', async () => {
  for (const filename of ['nul\0.txt', 'line\r\nbreak', 'tab\t', '\u0085', 'x'.repeat(1025)]) {
    const answer = await bad({ filename })
    refused(answer, 422, 'VALIDATION_ERROR')
  }
  for (const filename of [
    '../../up.txt',
    '/etc/passwd',
    'C:\\x.txt',
    '\u200f\u202e',
    '😀'.repeat(256),
  ]) {
    const asset = await upload(server, 'ok', { filename })
    assert.equal(asset.name, filename)
  }
})

test('metadata that is too deep, too large, or poisonous', async () => {
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
  const values = [
    deep(9),
    deep(5000),
    `{"a":"${'x'.repeat(33_000)}"}`,
    `{${Array.from({ length: 257 }, (_, index) => `"k${index}":1`)}}`,
    '{"__proto__":{"polluted":1}}',
    '{"a":{"constructor":{"prototype":{"polluted":1}}}}',
    '{"\\u0000":1}',
    '{"":1}',
    '{"a":"\\ud800"}',
    '[]',
    '"text"',
    'null',
    '{"a":1',
    '{a:1}',
    'NaN',
  ]
  for (const metadata of values) {
    refused(await bad({ metadata }), 422, 'VALIDATION_ERROR')
  }
  // biome-ignore lint/suspicious/noExplicitAny: asks Object.prototype itself
  assert.equal(({} as any).polluted, undefined)
  const headers = { 'x-metadata': '{"__proto__":{"polluted":1}}' }
  const raw = await server.ask(`PUT ${base}/poison?service=bad`, { body: 'x', headers })
  refused(raw, 422, 'VALIDATION_ERROR')
  const asset = await upload(server, 'prototype')
  const merged = await server.ask(`PUT /api/v2/assets/${asset.id}/metadata`, {
    body: '{"__proto__":{"polluted":1}}',
    headers: { 'content-type': 'application/json' },
  })
  refused(merged, 422, 'VALIDATION_ERROR')
})

test('wrong tags, ids, types, lists and checksums', async () => {
  const wrong: Record<string, string>[] = [
    { tags: '{"a":1}' },
    { tags: '[1]' },
    { tags: '[""]' },
    { tags: `["${'x'.repeat(257)}"]` },
    { tags: JSON.stringify(Array.from({ length: 65 }, (_, index) => `t${index}`)) },
    { tags: 'a,b' },
    { owner_id: 'nobody' },
    { owner_id: `${owner}0` },
    { owner_id: `{${owner}}` },
    { asset_type: 'picture' },
    { content_type: 'notatype' },
    { content_type: 'text/html\r\nX-Evil: 1' },
    { content_type: 'text/html; é' },
    { content_type: `text/${'x'.repeat(300)}` },
    { acl: '{"read":"all"}' },
    { acl: '{"read":[],"write":[],"admin":[]}' },
    { options: '{"unknown":true}' },
    { checksum: 'abc' },
    { bucket: 'No' },
    { key: 'nul\0' },
    { key: 'k'.repeat(1025) },
    { service: 's'.repeat(256) },
    { unknown_field: 'x' },
  ]
  for (const fields of wrong) {
    const answer = await bad(fields)
    assert.deepEqual(
      [answer.status, answer.json?.code],
      [422, 'VALIDATION_ERROR'],
      `${JSON.stringify(fields).slice(0, 80)}: ${answer.text}`,
    )
  }
  refused(await bad({ checksum: '0'.repeat(64) }), 400, 'DIGEST_MISMATCH')
  refused(await bad({ bucket: 'absent' }), 404, 'BUCKET_NOT_FOUND')
})

test('fields given twice, and two files', async () => {
  for (const name of ['filename', 'service', 'file']) {
    const body = uploadForm('x', { service: 'bad' })
    if (name === 'file') body.append('file', new Blob(['second']), 'b.txt')
    else body.append(name, 'second')
    const answer = await server.ask('POST /api/v2/assets/upload', { body })
    refused(answer, 422, 'VALIDATION_ERROR')
    assert.equal(answer.json.details.errors[0].path, name)
  }
})

test('a file or a form that is too large', async () => {
  refused(await bad({}, 'x'.repeat(1024 * 1024 + 1)), 413, 'BODY_TOO_LARGE')
  refused(await bad({}, 'x'.repeat(4 * 1024 * 1024)), 413, 'BODY_TOO_LARGE')
  const field = await bad({ metadata: `"${'x'.repeat(1024 * 1024)}"` })
  refused(field, 413, 'BODY_TOO_LARGE')
})

test('a body that is no form, or a broken one', async () => {
  const post = (body: string, type: string) =>
    server.ask('POST /api/v2/assets/upload', { body, headers: { 'content-type': type } })
  refused(await post('{}', 'application/json'), 400, 'MALFORMED_REQUEST')
  refused(await post('x', 'multipart/form-data'), 400, 'MALFORMED_REQUEST')
  refused(await post('', 'multipart/form-data; boundary=b'), 400, 'MALFORMED_REQUEST')
  refused(await post('garbage', 'multipart/form-data; boundary=b'), 400, 'MALFORMED_REQUEST')
  const many = Array.from({ length: 40 }, (_, index) => {
    return `--b\r\nContent-Disposition: form-data; name="f${index}"\r\n\r\nx\r\n`
  })
  const form = `${many.join('')}--b--`
  refused(await post(form, 'multipart/form-data; boundary=b'), 413, 'TOO_MANY_ITEMS')
})

test('JSON that is none, too large, too deep or of another shape', async () => {
  const asset = await upload(server, 'json')
  const put = (body: string | Uint8Array, type = 'application/json') =>
    server.ask(`PUT /api/v2/assets/${asset.id}/metadata`, {
      body,
      headers: { 'content-type': type },
    })
  for (const text of ['{', '', ' ', '{"a":1}x', "{'a':1}", '{"a":01}', '\ufeff\ufeff{}']) {
    const answer = await put(text)
    assert.ok([400, 422].includes(answer.status), `${text}: ${answer.text}`)
  }
  refused(await put(Buffer.from([0x22, 0xff, 0x22])), 400, 'INVALID_JSON')
  refused(await put(`"${'x'.repeat(1024 * 1024)}"`), 413, 'BODY_TOO_LARGE')
  refused(await put('['.repeat(40_000)), 400, 'INVALID_JSON')
  refused(await put(`${'['.repeat(45_000)}${']'.repeat(45_000)}`), 422, 'VALIDATION_ERROR')
  refused(await put(`${'{"a":'.repeat(45_000)}1${'}'.repeat(45_000)}`), 422, 'VALIDATION_ERROR')
  refused(await put('[1]'), 422, 'VALIDATION_ERROR')
  refused(await put('{}', 'text/plain'), 400, 'MALFORMED_REQUEST')
  const extra = await server.ask(`PUT /api/v2/assets/${asset.id}`, { json: { nmae: 'x' } })
  refused(extra, 422, 'VALIDATION_ERROR')
  assert.deepEqual(extra.json.details.errors, [{ path: 'nmae', problem: 'is not a known field' }])
  const typed = await server.ask(`PUT /api/v2/assets/${asset.id}`, { json: { tags: 'x' } })
  refused(typed, 422, 'VALIDATION_ERROR')
})

test('page sizes, offsets and cursors that cannot be', async () => {
  for (const query of [
    'limit=-1',
    'limit=0',
    'limit=1000000000',
    'limit=1001',
    'limit=abc',
    'limit=',
    'limit=1.5',
    'limit=0x10',
    'limit=1e2',
    'limit=5&limit=6',
    'offset=-1',
    'offset=99999999999999999999',
    'asset_type=picture',
    'owner_id=nobody',
    'unknown=1',
    'include_deleted=maybe',
    'offset=5&cursor=abc',
    `search=${'x'.repeat(513)}`,
    `prefix=${'x'.repeat(1025)}`,
    '__proto__=x',
    'constructor=x',
  ]) {
    refused(await server.ask(`GET /api/v2/assets?${query}`), 422, 'VALIDATION_ERROR')
  }
  for (const cursor of ['abc', 'AAAA', '%00', btoa('{"seq":-1}'), btoa('[]')]) {
    const line = `GET /api/v2/assets?cursor=${encodeURIComponent(cursor)}`
    refused(await server.ask(line), 400, 'INVALID_CURSOR')
  }
  const mixed = await server.ask(`GET ${base}?cursor=abc`)
  refused(mixed, 400, 'INVALID_CURSOR')
  refused(await server.ask('GET /api/v2/assets?search=%ff'), 400, 'MALFORMED_REQUEST')
  const far = await server.ask('GET /api/v2/assets?offset=1000000000')
  assert.deepEqual([far.status, far.json.items], [200, []])
})

test('ids that are no UUIDs', async () => {
  for (const id of ['1', 'x'.repeat(36), `${owner}x`, "' or 1=1 --", '%00', '..%2f..', 'null']) {
    const answer = await server.ask(`GET /api/v2/assets/${encodeURI(id)}`)
    refused(answer, 422, 'VALIDATION_ERROR')
  }
  refused(await server.ask(`GET /api/v2/assets/${owner}`), 404, 'ASSET_NOT_FOUND')
  refused(await server.ask(`GET /api/v2/assets/${owner.toUpperCase()}`), 404, 'ASSET_NOT_FOUND')
})

test('ids that are no UUIDs, wherever one is asked for', async () => {
  const { id } = await upload(server, 'with ids')
  for (const wrong of ['x'.repeat(36), '-'.repeat(36), '0'.repeat(36), 'null', `${owner}0`]) {
    for (const line of [
      `GET /api/v2/assets/${wrong}/download`,
      `DELETE /api/v2/assets/${wrong}`,
      `PUT /api/v2/assets/${wrong}/restore`,
      `GET /api/v2/assets/${wrong}/versions`,
      `GET /api/v2/assets/${id}/versions/${wrong}`,
      `DELETE /api/v2/assets/${id}/versions/${wrong}`,
      `GET /api/v2/assets/${id}/versions/${wrong}/download`,
      `POST /api/v2/assets/${id}/versions/${wrong}/rollback`,
      `GET /api/v2/assets/${id}/versions/compare?from=1&to=${wrong}`,
      `GET /api/v2/assets/${wrong}/links`,
      `DELETE /api/v2/assets/${id}/links/${wrong}`,
      `GET /api/v2/assets?owner_id=${wrong}`,
      `DELETE /api/v2/keys/${wrong}`,
      `GET /api/v2/quotas/owner/${wrong}`,
      `DELETE /api/v2/quotas/owner/${wrong}`,
    ]) {
      const answer = await server.ask(line)
      assert.equal(answer.status, 422, `${line}: ${answer.text}`)
      refused(answer, 422, 'VALIDATION_ERROR')
    }
    for (const what of ['delete', 'download']) {
      const json = { ids: [id, wrong] }
      const answer = await server.ask(`POST /api/v2/assets/batch-${what}`, { json })
      refused(answer, 422, 'VALIDATION_ERROR')
    }
  }
  assert.equal((await server.ask(`GET /api/v2/assets/${id}/download`)).text, 'with ids')
})

test('a type that lies about its content', async () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').toString('latin1')
  const lies: [string, string][] = [
    ['image/png', '<!DOCTYPE html><script>alert(1)</script>'],
    ['image/jpeg', png],
    ['image/png', 'MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff'],
    ['application/pdf', '<html><body>not a document</body></html>'],
  ]
  for (const [content_type, content] of lies) {
    const bytes = Uint8Array.from(Buffer.from(content.padEnd(600, ' '), 'latin1'))
    const body = uploadForm(bytes, { service: 'bad', content_type })
    const answer = await server.ask('POST /api/v2/assets/upload', { body })
    refused(answer, 422, 'CONTENT_TYPE_MISMATCH')
    const headers = { 'content-type': content_type }
    const raw = await server.ask(`PUT ${base}/lie?service=bad`, { body: bytes, headers })
    refused(raw, 422, 'CONTENT_TYPE_MISMATCH')
  }
  for (const [content_type, content] of [
    ['text/plain', '<html> shown as text'],
    ['application/json', '{"a":1}'],
    ['text/csv', 'a,b\n1,2'],
    ['application/x-own', 'whatever'],
    ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
  ] as const) {
    assert.equal((await upload(server, content, { content_type })).content_type, content_type)
  }
})

test('a content coding is refused, not kept as content', async () => {
  const headers = { 'content-encoding': 'gzip' }
  const answer = await server.ask(`PUT ${base}/coded?service=bad`, { body: 'x', headers })
  refused(answer, 400, 'MALFORMED_REQUEST')
})

test('a part of content is refused, not kept as the whole', async () => {
  const asset = await upload(server, 'whole')
  const json = { bucket: 'holdfast', key: 'by-link' }
  const { url } = (await server.ask('POST /api/v2/presigned-uploads', { json })).json
  const part = { body: 'part', headers: { 'content-range': 'bytes 0-3/99' } }
  for (const [line, key] of [
    [`PUT ${base}/in-parts`, undefined],
    [`PUT /api/v2/assets/${asset.id}/content`, undefined],
    [`PUT ${new URL(url).pathname}`, null],
  ] as const) {
    const answer = await server.ask(line, { ...part, ...(key === undefined ? {} : { key }) })
    refused(answer, 400, 'MALFORMED_REQUEST')
    assert.equal(answer.json.details.header, 'content-range')
  }
  const kept = await server.ask(`GET /api/v2/assets/${asset.id}/download`)
  assert.equal(kept.text, 'whole')
})

test('paths and methods that are not there', async () => {
  for (const path of [
    '/nothing',
    '/api/v2',
    '/api/v2/',
    '/api/v2/assets/',
    '/API/V2/assets',
    '//',
  ]) {
    refused(
      await server.ask(`GET ${path}`),
      path === '/api/v2/assets/' ? 422 : 404,
      path === '/api/v2/assets/' ? 'VALIDATION_ERROR' : 'ROUTE_NOT_FOUND',
    )
  }
  const patch = await server.ask('PATCH /api/v2/assets', { body: 'x' })
  refused(patch, 405, 'METHOD_NOT_ALLOWED')
  assert.equal(patch.headers.allow, 'GET, HEAD')
  refused(await server.ask('DELETE /api/v2/assets/upload'), 405, 'METHOD_NOT_ALLOWED')
  refused(await server.ask('GET /api/v2/assets/upload'), 405, 'METHOD_NOT_ALLOWED')
  refused(await server.ask('OPTIONS /api/v2/assets'), 405, 'METHOD_NOT_ALLOWED')
})

test('a refusal never tells what is inside', async () => {
  const answers = [
    await server.ask('GET /api/v2/assets?search=%22'),
    await server.ask('GET /%zz'),
    await bad({ metadata: '{' }),
    await server.ask(`GET /api/v2/assets/${owner}`),
  ]
  for (const { text } of answers) {
    assert.doesNotMatch(text, /node_modules|\.ts\b|\.js\b|sqlite|SELECT|at Object|ENOENT|\/tmp/i)
  }
})

test('what fails inside is told by its code alone', () => {
  for (const code of ['INTERNAL', 'STORAGE_UNAVAILABLE', 'STORE_DAMAGED'] as const) {
    const cause = new Error('ENOENT /data/packs/1.tar')
    const error = new HoldfastError(code, { path: '/data/packs/1.tar' }, { cause })
    const { message } = errorTable[code]
    const told = { message, code, details: {}, request_id: 'r' }
    assert.deepEqual(problemOf(error, 'r'), told)
  }
})

test('a megabyte of hostile JSON does not hold up the others', async () => {
  const fill = (text: string) => text.repeat(Math.floor(1_000_000 / text.length)).slice(0, -1)
  const names = Array.from({ length: 49_000 }, (_, index) => `"k${index}":0`).join(',')
  const bodies = [
    `{"ids":[${fill('1,')}]}`,
    `{"ids":[${fill('[],')}]}`,
    `{"ids":[${fill('{},')}]}`,
    `{"ids":[${fill('"xxxxxxxxxxxxxxx",')}]}`,
    `{"ids":[${fill('{"a":[{}]},')}]}`,
    `[${fill('0,')}]`,
    `{${names}}`,
  ]
  for (const body of bodies) {
    const before = performance.eventLoopUtilization()
    const headers = { 'content-type': 'application/json' }
    const answer = await server.ask('POST /api/v2/assets/batch-delete', { body, headers })
    const { active } = performance.eventLoopUtilization(before)
    refused(answer, 422, 'VALIDATION_ERROR')
    assert.ok(answer.json.details.errors.length <= 20)
    assert.ok(active < 1000, `${body.slice(0, 30)} took ${active} ms`)
  }
})

test('a number that JSON cannot say again is refused, not kept as null', async () => {
  const body = '{"metadata":{"size":[1e400]}}'
  const headers = { 'content-type': 'application/json' }
  const { id } = await upload(server, 'x')
  refused(await server.ask(`PUT /api/v2/assets/${id}`, { body, headers }), 422, 'VALIDATION_ERROR')
})

test('a form that is too large is told the limit of its file', async () => {
  await using small = await startServer({ env: { STORAGE_MAX_UPLOAD_SIZE: '1000' } })
  const body = uploadForm('x'.repeat(2_000_000))
  const answer = await small.ask('POST /api/v2/assets/upload', { body })
  refused(answer, 413, 'BODY_TOO_LARGE')
  assert.equal(answer.json.details.limit, 1000)
})
