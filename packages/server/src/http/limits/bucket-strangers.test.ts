import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { routes } from '@holdfast/contract/routes.ts'
import { systemCall } from '@holdfast/engine/engine.ts'
import { putObject } from '@holdfast/engine/objects/put-object.ts'
import { startServer, type TestServer, uploadForm } from '../../started-server.test.ts'
import { bucketsNamed } from './buckets-named.ts'

const env = { STORAGE_RATE_LIMIT_BUCKET: '100/1h', STORAGE_BCRYPT_COST: '4' }
const password = 'Correct-Horse-7-Battery'

interface Asked {
  readonly json?: unknown
  readonly body?: string | FormData
}

async function lab(server: TestServer) {
  const must = async (line: string, options: object = {}) => {
    const answer = await server.ask(line, options)
    assert.ok(answer.status < 300, `${line} ${answer.text}`)
    return answer.json
  }
  const person = async (username: string, roles = ['USER']) => {
    const json = { username, password, roles, must_change_password: false }
    const { id } = await must('POST /api/v2/users', { json })
    const login = { json: { username, password }, key: null }
    const { access_token: token } = await must('POST /api/v2/auth/login', login)
    const headers = { authorization: `Bearer ${token}` }
    const ask = (line: string, more: Asked = {}) =>
      server.ask(line, { key: null, headers, ...more })
    return { id, ask }
  }
  const bob = await person('bob')
  assert.equal((await bob.ask('POST /api/v2/buckets', { json: { name: 'bobs' } })).status, 201)
  const put = await bob.ask('PUT /api/v2/buckets/bobs/assets/f', { body: 'x' })
  assert.equal(put.status, 201)
  /** What the owner has left, which asking for it lessens by one. */
  const left = async () => {
    const answer = await bob.ask('GET /api/v2/buckets/bobs/assets/f')
    return Number(/"bucket";r=(\d+)/.exec(String(answer.headers.ratelimit))?.[1])
  }
  return { must, person, bob, left, id: put.json.id }
}

test('strangers use up nothing of a bucket, whatever they ask, nor when they leave', async () => {
  await using server = await startServer({ env })
  const { must, left, id } = await lab(server)
  await must('POST /api/v2/buckets', { json: { name: 'other' } })
  const json = { name: 'k', permissions: ['assets:*'], buckets: ['other'] }
  const { key } = await must('POST /api/v2/keys', { json })
  const ids = { ids: [id] }
  const attempts: readonly (readonly [number, string, string | null, Asked?])[] = [
    [401, 'GET /api/v2/buckets/bobs/assets/f', null],
    [400, 'GET /api/v2/assets?bucket=bobs&cursor=x', null],
    [422, 'GET /api/v2/assets?bucket=bobs&cursor=x&offset=1', null],
    [400, 'GET /api/v2/buckets/bobs/assets?cursor=x', key],
    [207, 'POST /api/v2/assets/batch-delete', key, { json: ids }],
    [200, 'POST /api/v2/assets/batch-download', key, { json: { ...ids, partial: true } }],
  ]
  const before = await left()
  for (const [status, line, by, more] of attempts) {
    for (let n = 0; n < 3; n += 1) {
      assert.equal((await server.ask(line, { key: by, ...more })).status, status, line)
    }
  }
  for (let n = 0; n < 10; n += 1) {
    const socket = connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('GET /api/v2/buckets/bobs/assets/f HTTP/1.1\r\nHost: x\r\n\r\n')
    setImmediate(() => socket.resetAndDestroy())
    await once(socket, 'close')
  }
  assert.equal(await left(), before - 1)
})

test('users to whom a bucket is closed use up nothing of it, and hear nothing of it', async () => {
  await using server = await startServer({ env })
  const { person, left } = await lab(server)
  const form = (owner_id: string) => {
    const batch = new FormData()
    const files = [{ filename: 'b.txt', content_type: 'text/plain' }]
    const request = { service: 'tests', bucket: 'bobs', owner_id, files }
    batch.append('request', JSON.stringify(request))
    batch.append('files', new Blob(['in a batch']), 'b.txt')
    return batch
  }
  for (const role of ['USER', 'READONLY']) {
    const { id, ask } = await person(role.toLowerCase(), [role])
    const before = await left()
    for (const [line, more] of [
      ['GET /api/v2/assets?bucket=bobs'],
      ['GET /api/v2/buckets/bobs/assets'],
      ['PUT /api/v2/buckets/bobs/assets/g', { body: 'x' }],
      ['POST /api/v2/assets/upload', { body: uploadForm('x', { bucket: 'bobs' }) }],
      ['POST /api/v2/assets/batch-upload', { body: form(id) }],
    ] as const) {
      const answer = await ask(line, more)
      assert.equal(answer.headers.ratelimit, undefined, line)
      if (answer.status === 200) assert.deepEqual(answer.json.items, [], line)
      else assert.ok([207, 403].includes(answer.status), `${line} ${answer.text}`)
    }
    assert.equal(await left(), before - 1, role)
  }
})

test('who owns something in a bucket of another lists that, and is limited there', async () => {
  await using server = await startServer({ env })
  const { must, person, bob, left } = await lab(server)
  const { id, ask } = await person('alice')
  const path = 'GET /api/v2/assets?bucket=bobs'
  const grant = { principal_id: id, bucket: 'bobs', prefix: 'in/', permissions: ['assets:*'] }
  const { id: grantId } = await must('POST /api/v2/grants', { json: grant })
  const put = await ask('PUT /api/v2/buckets/bobs/assets/in/k', { body: 'x' })
  assert.equal(put.status, 201, put.text)
  await must(`DELETE /api/v2/grants/${grantId}`)
  const before = await left()
  for (const line of [path, 'GET /api/v2/buckets/bobs/assets/in/k']) {
    const answer = await ask(line)
    assert.equal(answer.status, 200)
    assert.ok(answer.headers.ratelimit !== undefined, line)
  }
  assert.equal((await ask(path)).json.total, 1)
  assert.equal(await left(), before - 4)
  assert.equal((await bob.ask(path)).json.total, 2)
})

test('what is open to strangers by its list counts for its bucket', async () => {
  await using server = await startServer({ env })
  const { bob, left, id } = await lab(server)
  const acl = { read: ['anonymous'], write: [] }
  assert.equal((await bob.ask(`PUT /api/v2/assets/${id}`, { json: { acl } })).status, 200)
  const before = await left()
  const line = 'GET /api/v2/buckets/bobs/assets/f'
  for (let n = 1; n <= 3; n += 1) {
    const answer = await server.ask(line, { key: null })
    assert.equal(answer.status, 200)
    assert.match(String(answer.headers.ratelimit), /"bucket";r=/)
  }
  assert.equal(await left(), before - 4)
})

test('who is let in by a list of what lies there is limited as others inside', async () => {
  await using server = await startServer({ env: { ...env, STORAGE_RATE_LIMIT_BUCKET: '12/1h' } })
  const { person, bob, id, left } = await lab(server)
  const guest = await person('guest', ['READONLY'])
  const json = { acl: { read: [guest.id], write: [] } }
  assert.equal((await bob.ask(`PUT /api/v2/assets/${id}`, { json })).status, 200)
  const { engine } = server.running.context
  const acl = { owner: bob.id, grants: [{ permission: 'READ', grantee: 'all' }] } as const
  const object = {
    bucket: 'bobs',
    key: 'open',
    facets: { acl },
    source: Readable.from([Buffer.from('x')]),
  }
  await putObject(engine, systemCall('test'), object)
  const before = await left()
  const read = () => guest.ask('GET /api/v2/buckets/bobs/assets/f')
  const first = await read()
  assert.equal(first.status, 200)
  assert.match(String(first.headers.ratelimit), /"bucket";r=/)
  const open = () => fetch(`${server.running.s3Url}/bobs/open`)
  assert.equal((await open()).status, 200)
  const rest = before - 2
  for (let n = 0; n < rest; n += 1) assert.equal((await read()).status, 200)
  assert.equal((await read()).status, 429)
  assert.equal((await open()).status, 503)
  // What is closed there is as before.
  assert.equal((await guest.ask('GET /api/v2/buckets/bobs/assets/open')).status, 403)
})

test('the buckets of many ids are asked some in each turn, each id once', async () => {
  await using server = await startServer({ env })
  const { id } = await lab(server)
  const { context } = server.running
  const { next } = context.engine.lists
  let turns = 0
  context.engine.lists.next = async caller => {
    turns += 1
    await next.call(context.engine.lists, caller)
  }
  const made = [...Array.from({ length: 39 }, () => randomUUID()), id]
  const body = { ids: [...made, ...made.map(one => one.toUpperCase()), ...made] }
  const call = systemCall('test')
  const found = await bucketsNamed(context, routes.batchDownload, {
    ...{ call, body, params: undefined, query: undefined },
  })
  assert.deepEqual([...found], [['bobs', true]])
  assert.equal(turns, 5)
})
