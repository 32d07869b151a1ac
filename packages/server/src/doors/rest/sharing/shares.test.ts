import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  refused,
  startServer,
  type TestServer,
  type Tree,
  upload,
} from '../../../started-server.test.ts'

let server: TestServer
before(async () => {
  server = await startServer({ env: { STORAGE_LOG_LEVEL: 'trace' } })
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

async function share(json: object, key?: string): Promise<Tree & { path: string; token: string }> {
  const ask = key === undefined ? { json } : { json, key }
  const answer = await server.ask('POST /api/v2/shares', ask)
  assert.equal(answer.status, 201, answer.text)
  const path = new URL(answer.json.url).pathname
  return { ...answer.json, path, token: path.slice('/s/'.length) }
}

function basic(password: string, user = '') {
  const text = Buffer.from(`${user}:${password}`).toString('base64')
  return { key: null, headers: { authorization: `Basic ${text}` } }
}

const anyone = { key: null }

test('a link downloads without a credential, and leaks nothing on the way', async () => {
  const asset = await upload(server, 'hello', { filename: 'näme.html', content_type: 'text/html' })
  const made = await share({ asset_id: asset.id, note: 'for the press' })
  assert.equal(made.url.startsWith(server.url), true)
  const answer = await server.ask(`GET ${made.path}`, anyone)
  assert.deepEqual([answer.status, answer.text], [200, 'hello'])
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.headers['referrer-policy'], 'no-referrer')
  assert.equal(answer.headers['x-content-type-options'], 'nosniff')
  assert.equal(answer.headers['x-robots-tag'], 'noindex, nofollow')
  assert.match(String(answer.headers['content-disposition']), /^attachment; /)
  assert.match(String(answer.headers['content-security-policy']), /^sandbox/)
  const shown = await server.ask(`GET /api/v2/shares/${made.id}`)
  assert.deepEqual([shown.json.uses, shown.json.state], [1, 'live'])
  assert.ok(!shown.text.includes(made.token), 'the token is shown again')
  assert.equal(shown.json.url, undefined)
})

test('a page is found anew where its maker may less by then', async () => {
  await using own = await startServer()
  for (const key of ['page/a', 'page/b']) {
    await own.ask(`PUT /api/v2/buckets/holdfast/assets/${key}`, { body: key })
  }
  const ann = { username: 'ann', password: 'Lower-Salmon-71-Kettle' }
  const made = { ...ann, roles: ['ADMIN'], must_change_password: false }
  const { id } = (await own.ask('POST /api/v2/users', { json: made })).json
  const become = async (...roles: string[]) => {
    const asked = await own.ask(`PUT /api/v2/users/${id}`, { json: { roles } })
    assert.equal(asked.status, 200, asked.text)
  }
  const tokens = (await own.ask('POST /api/v2/auth/login', { json: ann, key: null })).json
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  const json = { bucket: 'holdfast', prefix: 'page/' }
  const answer = await own.ask('POST /api/v2/shares', { json, headers, key: null })
  const token = new URL(answer.json.url).pathname.slice('/s/'.length)
  const keys = async () => {
    const { status, json: page } = await own.ask(`GET /api/v2/shared/${token}`, anyone)
    return status === 200 ? page.files.map((one: Tree) => one.key) : [status, page.code]
  }
  assert.deepEqual(await keys(), ['a', 'b'])
  const { moments } = own.running.context.engine
  const read = moments.read.bind(moments)
  moments.read = async (...given) => {
    moments.read = read
    const found = await read(...given)
    await become('READONLY')
    return found
  }
  assert.deepEqual(await keys(), [])
  let looks = 0
  await become('ADMIN')
  moments.read = async (...given) => {
    looks += 1
    await become('ADMIN', ...(looks % 2 === 1 ? ['AUDITOR'] : []))
    return await read(...given)
  }
  assert.deepEqual([await keys(), looks], [[409, 'CHANGED_MEANWHILE'], 5])
})

test('what counts: answers with bytes, whole ones where uses are limited', async () => {
  const asset = await upload(server, '0123456789')
  const made = await share({ asset_id: asset.id, uses_max: 2 })
  const head = await server.ask(`HEAD ${made.path}`, anyone)
  assert.deepEqual([head.status, head.headers['accept-ranges']], [200, 'none'])
  const etag = String(head.headers.etag)
  const same = await server.ask(`GET ${made.path}`, {
    key: null,
    headers: { 'if-none-match': etag },
  })
  assert.equal(same.status, 304)
  assert.equal((await server.ask(`GET /api/v2/shared/${made.token}`, anyone)).json.uses_left, 2)
  const range = { key: null, headers: { range: 'bytes=2-3' } }
  const whole = await server.ask(`GET ${made.path}`, range)
  assert.deepEqual([whole.status, whole.text], [200, '0123456789'])
  assert.equal((await server.ask(`GET /api/v2/shared/${made.token}`, anyone)).json.uses_left, 1)
  assert.equal((await server.ask(`GET ${made.path}`, anyone)).status, 200)
  for (const line of [`GET ${made.path}`, `GET /api/v2/shared/${made.token}`]) {
    refused(await server.ask(line, anyone), 404, 'SHARE_NOT_FOUND')
  }
  assert.equal((await server.ask(`HEAD ${made.path}`, anyone)).status, 404)
  const free = await share({ asset_id: asset.id })
  const part = await server.ask(`GET ${free.path}`, range)
  assert.deepEqual([part.status, part.text], [206, '23'])
  const outside = { key: null, headers: { range: 'bytes=50-' } }
  assert.equal((await server.ask(`GET ${free.path}`, outside)).status, 416)
  assert.equal((await server.ask(`GET /api/v2/shares/${free.id}`)).json.uses, 1)
})

test('parallel downloads over the wire never exceed the limit', async () => {
  const asset = await upload(server, 'x'.repeat(300_000))
  const made = await share({ asset_id: asset.id, uses_max: 4 })
  const asked = Array.from({ length: 20 }, () => server.ask(`GET ${made.path}`, anyone))
  const statuses = (await Promise.all(asked)).map(({ status }) => status)
  assert.equal(statuses.filter(status => status === 200).length, 4)
  assert.equal(statuses.filter(status => status === 404).length, 16)
})

test('a password is asked for as browsers know it, and guesses are locked out', async () => {
  const asset = await upload(server, 'secret')
  const password = 'pässwörd-of-the-day'
  const made = await share({ asset_id: asset.id, password })
  const asked = await server.ask(`GET ${made.path}`, anyone)
  refused(asked, 401, 'SHARE_PASSWORD_NEEDED')
  assert.match(
    String(asked.headers['www-authenticate']),
    /^Basic realm="share link", charset="UTF-8"$/,
  )
  for (const user of ['', 'whoever']) {
    assert.equal((await server.ask(`GET ${made.path}`, basic(password, user))).text, 'secret')
  }
  for (const broken of ['Basic', 'Basic !!!', `Basic ${btoa('none')}`, 'Bearer abc']) {
    const headers = { authorization: broken }
    refused(await server.ask(`GET ${made.path}`, { key: null, headers }), 401, asked.json.code)
  }
  for (let n = 0; n < 5; n += 1) {
    refused(await server.ask(`GET ${made.path}`, basic(`wrong-${n}`)), 401, asked.json.code)
  }
  const locked = await server.ask(`GET ${made.path}`, basic(password))
  refused(locked, 423, 'SHARE_LOCKED')
  assert.ok(Number(locked.headers['retry-after']) > 0)
  const log = server.logLines.join('\n')
  assert.ok(!log.includes(password) && !log.includes('wrong-1'))
})

test('a shared prefix is a page for people and a list for programs', async () => {
  const names = ['plain.txt', 'with space & <b>"quotes\'.txt', 'sub/../dots.txt', 'ünïcode/☃.txt']
  for (const name of names) {
    const key = encodeURIComponent(`press/${name}`)
    const made = await server.ask(`PUT /api/v2/buckets/holdfast/assets/${key}`, { body: name })
    assert.equal(made.status, 201, made.text)
  }
  await server.ask('PUT /api/v2/buckets/holdfast/assets/other/x.txt', { body: 'not shared' })
  const made = await share({ bucket: 'holdfast', prefix: 'press/' })
  const { json } = await server.ask(`GET /api/v2/shared/${made.token}`, anyone)
  assert.deepEqual([json.kind, json.total], ['prefix', 4])
  for (const { key, url, size } of json.files) {
    const file = await server.ask(`GET ${new URL(url).pathname}`, anyone)
    assert.deepEqual([file.status, file.text], [200, key])
    assert.equal(size, file.bytes.length)
  }
  const page = await server.ask(`GET ${made.path}`, anyone)
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  assert.match(String(page.headers['content-security-policy']), /^default-src 'none';.*form-action/)
  assert.equal(page.headers['cache-control'], 'no-store')
  assert.ok(page.text.includes('&lt;b&gt;&quot;quotes&#39;') && !page.text.includes('<b>'))
  const links = [...page.text.matchAll(/href="([^"]+)"/g)].map(([, href = '']) =>
    href.replace('&#39;', "'"),
  )
  assert.deepEqual(
    links,
    json.files.map((file: Tree) => new URL(file.url).pathname),
  )
  const first = await server.ask(`GET /api/v2/shared/${made.token}?limit=3`, anyone)
  const cursor = encodeURIComponent(first.json.next_cursor)
  const rest = await server.ask(`GET /api/v2/shared/${made.token}?cursor=${cursor}`, anyone)
  assert.deepEqual([first.json.files.length, rest.json.files.length], [3, 1])
  // The names of the folders above are not shared.
  assert.doesNotMatch(Buffer.from(first.json.next_cursor, 'base64url').toString(), /press/)
  for (const key of ['x.txt', '..%2Fother%2Fx.txt', '%2e%2e/other/x.txt', 'press/plain.txt']) {
    refused(await server.ask(`GET ${made.path}/${key}`, anyone), 404, 'SHARE_NOT_FOUND')
  }
  const counted = await server.ask(`GET /api/v2/shares/${made.id}`)
  assert.equal(counted.json.uses, 4)
})

test('keys that no path can name have an address, and names tell what they hide', async () => {
  const { json: bucket } = await server.ask('POST /api/v2/buckets', { json: { name: 'odd-names' } })
  const turned = 'd/cod\u202etxt.exe \u200f\u200b.\n\u2066x'
  const joined = 'd/\u0646\u200c\u0645 \u{1f468}\u200d\u{1f469}'
  const keys = ['d/', 'd/.', 'd/..', 'd/a/..', 'd/%2e%2e', joined, turned]
  for (const key of keys) {
    const line = `PUT /api/v2/buckets/${bucket.name}/assets/${encodeURIComponent(key)}`
    const made = await server.ask(line, { body: key })
    assert.equal(made.status, 201, made.text)
  }
  const made = await share({ bucket: bucket.name, prefix: 'd/' })
  const { text } = await server.ask(`GET ${made.path}`, anyone)
  const links = [...text.matchAll(/href="([^"]+)"><bdi>(.*?)<\/bdi>/gs)]
  const read = links.map(async ([, href = '']) => {
    // As a browser resolves it.
    const { pathname, search } = new URL(href, server.url)
    return (await server.ask(`GET ${pathname}${search}`, anyone)).text
  })
  const named = [...keys].sort()
  assert.deepEqual(await Promise.all(read), named)
  const shown = new Map(links.map(([, , name = ''], at) => [named[at], name]))
  assert.equal(shown.get(joined), joined.slice(2))
  assert.ok(![...shown.values()].includes(''))
  assert.equal(shown.get(turned), 'cod\\u202etxt.exe \\u200f\\u200b.\\u000a\\u2066x')
  for (const path of ['d%2F.', 'x', '%00', '..%2Fd%2F.']) {
    refused(await server.ask(`GET ${made.path}?key=${path}`, anyone), 404, 'SHARE_NOT_FOUND')
  }
  const both = await server.ask(`GET ${made.path}?key=.&cursor=x`, anyone)
  refused(both, 422, 'VALIDATION_ERROR')
  const all = await share({ bucket: bucket.name, prefix: '' })
  refused(await server.ask(`GET ${all.path}?key=`, anyone), 404, 'SHARE_NOT_FOUND')
  const { id } = await upload(server, 'one')
  const one = await share({ asset_id: id })
  refused(await server.ask(`GET ${one.path}?key=`, anyone), 404, 'SHARE_NOT_FOUND')
  const { uses } = (await server.ask(`GET /api/v2/shares/${made.id}`)).json
  assert.equal(uses, keys.length)
})

test('a revoked link answers like one that never was', async () => {
  const asset = await upload(server, 'gone soon')
  const made = await share({ asset_id: asset.id })
  const revoked = await server.ask(`DELETE /api/v2/shares/${made.id}`)
  assert.equal(revoked.status, 204)
  const never = `/s/hfs_${'A'.repeat(43)}`
  const tell = async (path: string) => {
    const { status, json, headers } = await server.ask(`GET ${path}`, anyone)
    const { request_id: _, ...body } = json
    const { date: __, 'x-request-id': ___, ...rest } = headers
    return { status, body, rest }
  }
  assert.deepEqual(await tell(made.path), await tell(never))
  refused(await server.ask(`GET ${made.path}`, anyone), 404, 'SHARE_NOT_FOUND')
})

test('making, using, refusing and revoking stand in the audit log, tokens nowhere', async () => {
  const asset = await upload(server, 'audited')
  const made = await share({ asset_id: asset.id, uses_max: 1, password: 'pass-word-1' })
  await server.ask(`GET ${made.path}`, basic('wrong'))
  await server.ask(`GET ${made.path}`, basic('pass-word-1'))
  await server.ask(`GET ${made.path}`, basic('pass-word-1'))
  await server.ask(`DELETE /api/v2/shares/${made.id}`)
  for (const path of [`${made.path}/x`, `//${made.path}`, `/S/${made.token}`, `/x/${made.token}`]) {
    await server.ask(`POST ${path}`, anyone)
  }
  const { engine } = server.running.context
  await server.running.context.audit.flush()
  const rows = await engine.catalog.view.audits.before(Number.MAX_SAFE_INTEGER, 50)
  const told = rows
    .map(({ entry }) => entry)
    .filter(({ action }) => /Share$/.test(action))
    .filter(({ requestId }) => requestId !== '')
    .slice(0, 5)
    .map(({ action, outcome, code, detail }) => [
      action,
      outcome,
      code,
      detail.use ?? detail.reason,
    ])
  assert.deepEqual(told.reverse(), [
    ['createShare', 'success', null, undefined],
    ['openShare', 'refused', 'SHARE_PASSWORD_NEEDED', undefined],
    ['openShare', 'success', null, 1],
    ['openShare', 'refused', 'SHARE_NOT_FOUND', 'used_up'],
    ['revokeShare', 'success', null, undefined],
  ])
  const all = JSON.stringify(rows) + server.logLines.join('\n')
  assert.ok(!all.includes(made.token.slice(4)), 'a token was written down')
  assert.ok(!all.includes('pass-word-1'), 'a password was written down')
})

test('a look at what is shared stands in the audit log like a download', async () => {
  await upload(server, 'listed', { key: 'listed/a' })
  const made = await share({ bucket: 'holdfast', prefix: 'listed/' })
  const path = `/api/v2/shared/${made.token}`
  assert.equal((await server.ask(`GET ${path}`, anyone)).status, 200)
  const { audit, engine } = server.running.context
  await audit.flush()
  const [row] = await engine.catalog.view.audits.before(Number.MAX_SAFE_INTEGER, 1)
  assert.deepEqual([row?.entry.action, row?.entry.detail.share_id], ['describeShare', made.id])
  assert.ok(!JSON.stringify(row).includes(made.token))
})

test('a share request must say one thing, and only what it may', async () => {
  const asset = await upload(server, 'x')
  for (const wrong of [
    {},
    { asset_id: asset.id, bucket: 'holdfast' },
    { bucket: 'holdfast', version: 1 },
    { asset_id: asset.id, uses: 0 },
    { asset_id: asset.id, maker_id: 'somebody' },
    { asset_id: asset.id, expires_in: 10 },
    { asset_id: asset.id, password: 'short' },
  ]) {
    refused(await server.ask('POST /api/v2/shares', { json: wrong }), 422, 'VALIDATION_ERROR')
  }
  const json = { asset_id: asset.id }
  refused(await server.ask('POST /api/v2/shares', { json, key: null }), 401, 'UNAUTHENTICATED')
  const made = await server.ask('POST /api/v2/keys', {
    json: { name: 'w', permissions: ['assets:write'] },
  })
  refused(await server.ask('POST /api/v2/shares', { json, key: made.json.key }), 403, 'FORBIDDEN')
})
