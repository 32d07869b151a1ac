import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import {
  adminKey,
  refused,
  startServer,
  type TestServer,
  upload,
} from '../../started-server.test.ts'

const content = 'abcdefghijklmnopqrstuvwxyz'
const sha = createHash('sha256').update(content).digest('hex')
let server: TestServer
let path: string
let download: string

before(async () => {
  server = await startServer()
  const asset = await upload(server, content, { filename: 'Résumé "1".txt' })
  path = `/api/v2/assets/${asset.id}`
  download = `${path}/download`
})
after(async () => {
  await using closed = server
  assert.deepEqual(await closed.loose(), [], 'nothing is left behind')
})

const get = async (headers: Record<string, string> = {}) =>
  await server.ask(`GET ${download}`, { headers })

test('a download says everything about its content', async () => {
  const { status, headers, text } = await get()
  assert.equal(status, 200)
  assert.equal(text, content)
  assert.equal(headers.etag, `"${sha}"`)
  assert.equal(headers['content-length'], '26')
  assert.equal(headers['content-type'], 'text/plain')
  assert.equal(headers['x-checksum'], sha)
  assert.equal(headers['x-version'], '1')
  assert.equal(headers['accept-ranges'], 'bytes')
  assert.equal(headers['repr-digest'], `sha-256=:${Buffer.from(sha, 'hex').toString('base64')}:`)
  assert.equal(
    headers['content-disposition'],
    `attachment; filename="R_sum_ _1_.txt"; filename*=UTF-8''R%C3%A9sum%C3%A9%20%221%22.txt`,
  )
  assert.equal(headers['cache-control'], 'private, no-cache')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.match(headers['content-security-policy']?.toString() ?? '', /^sandbox; default-src 'none'/)
  assert.match(headers['last-modified'] ?? '', / GMT$/)
})

test('HEAD says the same without a body', async () => {
  const wanted = (await get()).headers
  for (const line of [`HEAD ${download}`, `HEAD ${path}`]) {
    const { status, headers, bytes } = await server.ask(line)
    assert.equal(status, 200)
    assert.equal(bytes.length, 0)
    for (const name of ['etag', 'content-length', 'content-type', 'x-checksum', 'x-version']) {
      assert.equal(headers[name], wanted[name], name)
    }
    assert.equal(headers['last-modified'], wanted['last-modified'])
  }
  const ranged = await server.ask(`HEAD ${download}`, { headers: { range: 'bytes=0-1' } })
  assert.deepEqual([ranged.status, ranged.headers['content-length']], [200, '26'])
})

test('single ranges', async () => {
  const cases: [string, string, string][] = [
    ['bytes=0-4', 'abcde', 'bytes 0-4/26'],
    ['bytes=20-', 'uvwxyz', 'bytes 20-25/26'],
    ['bytes=-3', 'xyz', 'bytes 23-25/26'],
    ['bytes=24-1000', 'yz', 'bytes 24-25/26'],
  ]
  for (const [range, text, contentRange] of cases) {
    const answer = await get({ range })
    assert.deepEqual(
      [answer.status, answer.text, answer.headers['content-range']],
      [206, text, contentRange],
    )
    assert.equal(answer.headers['content-length'], String(text.length))
    assert.equal(answer.headers.etag, `"${sha}"`)
  }
})

test('several ranges come as parts of exactly the told length', async () => {
  const answer = await get({ range: 'bytes=0-1, 5-6,25-' })
  assert.equal(answer.status, 206)
  assert.equal(answer.headers['content-length'], String(answer.bytes.length))
  const type = answer.headers['content-type'] ?? ''
  const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(type)?.[1] ?? ''
  const parts = answer.text.split(`\r\n--${boundary}`).slice(1)
  assert.equal(parts.pop(), '--\r\n')
  const bodies = parts.map(part => part.split('\r\n\r\n')[1])
  assert.deepEqual(bodies, ['ab', 'fg', 'z'])
  assert.match(parts[1] ?? '', /Content-Type: text\/plain\r\nContent-Range: bytes 5-6\/26/)
})

test('odd ranges never send more than there is', async () => {
  for (const range of ['bytes=26-', 'bytes=9-3', 'bytes=-0', `bytes=${'9'.repeat(18)}-`]) {
    const answer = await get({ range })
    refused(answer, 416, 'RANGE_NOT_SATISFIABLE')
    assert.equal(answer.headers['content-range'], 'bytes */26')
    assert.equal(answer.headers.etag, undefined)
  }
  const many = Array.from({ length: 2000 }, (_, index) => `${index % 26}-${index % 26}`).join()
  for (const range of ['bytes=0-,0-,0-', 'bytes=0-9,5-14', `bytes=${many}`, 'lines=1-2', 'x']) {
    const answer = await get({ range })
    assert.deepEqual([answer.status, answer.text], [200, content], range.slice(0, 40))
  }
})

test('conditions are judged in the order of the RFC', async () => {
  const modified = (await get()).headers['last-modified'] ?? ''
  const etag = `"${sha}"`
  const not = await get({ 'if-none-match': `"x", W/${etag}` })
  assert.deepEqual([not.status, not.text], [304, ''])
  assert.equal(not.headers.etag, etag)
  assert.equal(not.headers['last-modified'], modified)
  assert.equal(not.headers['content-length'], undefined)
  assert.equal((await get({ 'if-modified-since': modified })).status, 304)
  assert.equal((await get({ 'if-none-match': '"x"', 'if-modified-since': modified })).status, 200)
  refused(await get({ 'if-match': '"x"' }), 412, 'PRECONDITION_FAILED')
  const past = 'Sat, 01 Jan 2000 00:00:00 GMT'
  refused(await get({ 'if-unmodified-since': past }), 412, 'PRECONDITION_FAILED')
  assert.equal((await get({ 'if-match': etag, 'if-unmodified-since': past })).status, 200)
  assert.equal((await get({ range: 'bytes=0-1', 'if-range': etag })).status, 206)
  // A date is a strong validator only once its second is over.
  while (Math.floor(Date.now() / 1000) * 1000 <= Date.parse(modified)) await setTimeout(50)
  assert.equal((await get({ range: 'bytes=0-1', 'if-range': modified })).status, 206)
  assert.equal((await get({ range: 'bytes=0-1', 'if-range': `W/${etag}` })).status, 200)
  assert.equal((await get({ range: 'bytes=0-1', 'if-range': '"x"' })).status, 200)
  assert.equal((await get({ range: 'bytes=0-1', 'if-none-match': etag })).status, 304)
})

test('every name goes out as one safe header', async () => {
  const names = [
    'a'.repeat(1024),
    'ü'.repeat(512),
    '🚀 مرحبا.png',
    '\u202egpj.exe',
    '../../etc/passwd',
    'C:\\evil.exe',
    `quote"back\\slash';.txt`,
    "it's%20.txt",
  ]
  for (const filename of names) {
    const asset = await upload(server, 'n', { filename })
    assert.equal(asset.name, filename)
    const { headers } = await server.ask(`GET /api/v2/assets/${asset.id}/download`)
    assert.match(
      headers['content-disposition'] ?? '',
      /^attachment; filename="[^"\\]*"(; filename\*=UTF-8''[\w!#$&+.^`|~%-]*)?$/,
    )
  }
})

test('types that can run scripts are never shown, whatever is asked', async () => {
  const of = async (content_type: string, content: string, inline: boolean) => {
    const asset = await upload(server, content, { content_type, filename: 'x' })
    const line = `GET /api/v2/assets/${asset.id}/download${inline ? '?inline=true' : ''}`
    return (await server.ask(line)).headers['content-disposition']
  }
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
  assert.match((await of('image/svg+xml', svg, true)) ?? '', /^attachment/)
  assert.match((await of('text/html', '<!doctype html><p>x', true)) ?? '', /^attachment/)
  assert.match((await of('text/plain', 'plain', true)) ?? '', /^inline/)
  assert.match((await of('text/plain', 'plain', false)) ?? '', /^attachment/)
})

test('presigned links carry their permission and nothing more', async () => {
  const made = await server.ask(`GET ${path}/presigned-url?expiration=60`)
  assert.equal(made.status, 200)
  assert.ok(Date.parse(made.json.expires_at) > Date.now() + 50_000)
  const url = new URL(made.json.url)
  assert.equal(url.host, `127.0.0.1:${server.port}`)
  const answer = await server.ask(`GET ${url.pathname}`, { key: null })
  assert.deepEqual([answer.status, answer.text], [200, content])
  const part = await server.ask(`GET ${url.pathname}`, {
    key: null,
    headers: { range: 'bytes=0-1' },
  })
  assert.deepEqual([part.status, part.text], [206, 'ab'])
  assert.equal((await server.ask(`HEAD ${url.pathname}`, { key: null })).status, 200)
  const put = await server.ask(`PUT ${url.pathname}`, { key: null, body: 'x' })
  refused(put, 403, 'LINK_INVALID')
  const forged = `${url.pathname.slice(0, -3)}AAA`
  refused(await server.ask(`GET ${forged}`, { key: null }), 403, 'LINK_INVALID')
  refused(await server.ask('GET /api/v2/presigned/nonsense', { key: null }), 403, 'LINK_INVALID')
  for (const expiration of ['59', '86401', '-1', 'x', '1e3']) {
    const line = `GET ${path}/presigned-url?expiration=${expiration}`
    refused(await server.ask(line), 422, 'VALIDATION_ERROR')
  }
  const logged = server.logLines.join('')
  assert.ok(!logged.includes(url.pathname.slice(-20)), 'no link in the log')
})

test('a link whose maker is shut out while limits are counted tells nothing', async () => {
  await using own = await startServer()
  const put = await own.ask('PUT /api/v2/buckets/holdfast/assets/linked', { body: 'text' })
  const asset = `/api/v2/assets/${put.json.id}`
  const json = { name: 'maker', permissions: ['assets:read', 'metadata:read'] }
  const { json: maker } = await own.ask('POST /api/v2/keys', { json })
  const { url } = (await own.ask(`GET ${asset}/presigned-url`, { key: maker.key })).json
  const link = `GET ${new URL(url).pathname}`
  assert.equal((await own.ask(link, { key: null })).status, 200)
  const { limits } = own.running.context
  const admission = limits.admission.bind(limits)
  limits.admission = visit => {
    const made = admission(visit)
    const count = made.principal.bind(made)
    made.principal = async principal => {
      await count(principal)
      limits.admission = admission
      await own.ask(`DELETE /api/v2/keys/${maker.id}`)
      await own.ask(`DELETE ${asset}`)
    }
    return made
  }
  refused(await own.ask(link, { key: null }), 403, 'LINK_INVALID')
})

test('presigned uploads pin key, size and type', async () => {
  const json = { bucket: 'holdfast', key: 'by-link.txt', size_max: 10, content_type: 'text/plain' }
  const made = await server.ask('POST /api/v2/presigned-uploads', { json })
  assert.equal(made.status, 201)
  assert.deepEqual(made.json.headers, { 'Content-Type': 'text/plain' })
  const { pathname } = new URL(made.json.url)
  const put = async (body: string, type = 'text/plain') =>
    await server.ask(`PUT ${pathname}`, { key: null, body, headers: { 'content-type': type } })
  refused(await put('12345678901'), 413, 'BODY_TOO_LARGE')
  refused(await put('ok', 'text/html'), 403, 'LINK_INVALID')
  refused(await server.ask(`GET ${pathname}`, { key: null }), 403, 'LINK_INVALID')
  const done = await put('1234567890')
  assert.equal(done.status, 201)
  assert.equal(done.json.key, 'by-link.txt')
  const read = await server.ask('GET /api/v2/buckets/holdfast/assets/by-link.txt')
  assert.equal(read.text, '1234567890')
})

test('a link ends with the key that made it', async () => {
  const json = { name: 'temporary', permissions: ['assets:read'] }
  const key = (await server.ask('POST /api/v2/keys', { json })).json
  const made = await server.ask(`GET ${path}/presigned-url`, { key: key.key })
  const { pathname } = new URL(made.json.url)
  assert.equal((await server.ask(`GET ${pathname}`, { key: null })).status, 200)
  await server.ask(`DELETE /api/v2/keys/${key.id}`)
  refused(await server.ask(`GET ${pathname}`, { key: null }), 403, 'LINK_INVALID')
})

test('a download that has begun goes on when its asset is deleted for good', async () => {
  const bytes = Buffer.alloc(8 * 1024 * 1024, 'x')
  await server.ask('PUT /api/v2/buckets/holdfast/assets/deleted-meanwhile', { body: bytes })
  const info = await server.ask('GET /api/v2/buckets/holdfast/assets/deleted-meanwhile?info=true')
  const received = new Promise<number>((resolve, reject) => {
    const headers = { 'x-api-key': adminKey }
    const target = `/api/v2/assets/${info.json.id}/download`
    request({ port: server.port, path: target, headers }, response => {
      let size = 0
      const remove = server.ask(`DELETE /api/v2/assets/${info.json.id}?hard_delete=true`)
      response.pause()
      remove.then(answer => {
        assert.equal(answer.status, 204)
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
        })
        response.on('end', () => resolve(size))
        response.on('error', reject)
        response.resume()
      }, reject)
    })
      .on('error', reject)
      .end()
  })
  assert.equal(await received, bytes.length)
})

test('a link names the host of the request only when it can be one', async () => {
  const { id } = await upload(server, 'hosted')
  const urlFor = async (host: string) => {
    const headers = { host }
    return (await server.ask(`GET /api/v2/assets/${id}/presigned-url`, { headers })).json?.url
  }
  const own = `http://127.0.0.1:${server.running.context.settings.port}/api`
  for (const host of ['files.example', 'files.example:81', '[::1]:81', 'localhost']) {
    assert.ok((await urlFor(host)).startsWith(`http://${host}/api/`), host)
  }
  for (const host of ['evil.example/x?', 'u@evil.example', 'a b', 'x:y', '"><script>', '-']) {
    assert.ok((await urlFor(host)).startsWith(own), host)
  }
})

test('slow readers side by side never see bytes of another answer', async () => {
  const contents = Array.from({ length: 6 }, (_, number) =>
    randomBytes(1_200_000 + number * 70_001),
  )
  const ids: string[] = []
  for (const [number, body] of contents.entries()) {
    const put = await server.ask(`PUT /api/v2/buckets/holdfast/assets/slow-${number}`, { body })
    ids.push(put.json.id)
  }
  const read = async (number: number): Promise<void> => {
    const leaves = number % 7 === 3
    const expected = contents[number % contents.length] ?? Buffer.alloc(0)
    const path = `/api/v2/assets/${ids[number % ids.length]}/download`
    const got = await slowly(path, { leaves, pauseMs: number % 4 })
    const seen = expected.subarray(0, got.length)
    assert.ok(got.equals(seen), `reader ${number}`)
    if (!leaves) assert.equal(got.length, expected.length)
  }
  await Promise.all(Array.from({ length: 40 }, (_, number) => read(number)))
})

/** Takes an answer in small sips; who leaves goes away after the first third. */
async function slowly(
  path: string,
  { leaves, pauseMs }: { leaves: boolean; pauseMs: number },
): Promise<Buffer> {
  const headers = { 'x-api-key': adminKey }
  return await new Promise((resolve, reject) => {
    const sending = request({ host: '127.0.0.1', port: server.port, path, headers, agent: false })
    sending.on('response', async response => {
      const chunks: Buffer[] = []
      let bytes = 0
      try {
        for await (const chunk of response) {
          chunks.push(chunk)
          bytes += chunk.length
          if (leaves && bytes > 400_000) break
          if (pauseMs > 0) await setTimeout(pauseMs)
        }
        resolve(Buffer.concat(chunks))
      } catch (error) {
        reject(error)
      }
    })
    sending.on('error', reject)
    sending.end()
  })
}
