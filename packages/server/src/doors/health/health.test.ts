import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adminKey, refused, startServer, uploadForm } from '../../started-server.test.ts'

test('health is told to anyone, in the forms that monitors expect', async () => {
  await using server = await startServer()
  const ask = async (path: string) => await server.ask(`GET ${path}`, { key: null })
  const health = await ask('/health')
  assert.equal(health.status, 200)
  assert.equal(health.json.status, 'ready')
  assert.deepEqual(health.json.checks, {
    database: 'up',
    storage: 'up',
    disk: 'up',
    redis: 'disabled',
    audit: 'up',
  })
  assert.equal((await ask('/health/live')).json.status, 'alive')
  assert.equal((await ask('/health/startup')).json.status, 'started')
  const ready = await ask('/health/ready')
  assert.deepEqual([ready.status, ready.json.status], [200, 'ready'])
  assert.equal(ready.json.dependencies.database.critical, true)
  assert.equal((await server.ask('HEAD /health/ready', { key: null })).status, 200)
})

test('every answer carries the security headers and a request id', async () => {
  await using server = await startServer()
  for (const line of ['GET /', 'GET /nothing', 'GET /%zz', 'GET /api/v2/assets', 'PATCH /']) {
    const { headers } = await server.ask(line, { key: null })
    assert.equal(headers['x-content-type-options'], 'nosniff', line)
    assert.equal(headers['x-frame-options'], 'DENY', line)
    assert.match(String(headers['content-security-policy']), /default-src 'none'/, line)
    assert.ok(headers['x-request-id'], line)
  }
  const given = await server.ask('GET /', { headers: { 'x-request-id': 'my-request.1' } })
  assert.equal(given.headers['x-request-id'], 'my-request.1')
  for (const id of ['a"b<script>', 'short', 'x'.repeat(129), 'two words', 'ünlauter']) {
    const evil = await server.ask('GET /', { headers: { 'x-request-id': id } })
    assert.match(String(evil.headers['x-request-id']), /^[0-9a-f-]{36}$/, id)
  }
})

test('log lines carry request, trace and span, and no secret', async () => {
  await using server = await startServer()
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const headers = {
    traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    'x-request-id': 'traced-request',
  }
  await server.ask('PUT /api/v2/buckets/holdfast/assets/logged?name=q', { body: 'x', headers })
  await server.ask('GET /api/v2/assets', { key: 'hf_canary-0123456789-canary' })
  await delay(50)
  const lines = server.logLines.map(line => JSON.parse(line))
  const line = lines.find(entry => entry.request_id === 'traced-request')
  assert.equal(line.trace_id, traceId)
  assert.match(line.span_id, /^[0-9a-f]{16}$/)
  assert.equal(line.parent_span_id, '00f067aa0ba902b7')
  assert.deepEqual([line.operation, line.status, line.bytes_in], ['putByKey', 201, 1])
  assert.equal(line.level, 'info')
  const all = server.logLines.join('')
  assert.ok(!all.includes(adminKey) && !all.includes('canary'))
})

test('metrics have the promised names and count what happened', async () => {
  await using server = await startServer()
  await server.ask('POST /api/v2/assets/upload', {
    body: uploadForm('12345', { service: 'metered' }),
  })
  await server.ask('GET /api/v2/assets/nothing')
  const json = { username: 'nobody', password: 'Guess-1' }
  await server.ask('POST /api/v2/auth/login', { json, key: null })
  for (const path of ['/metrics', '/health/metrics']) {
    const { status, text } = await server.ask(`GET ${path}`, { key: null })
    assert.equal(status, 200)
    assert.match(text, /^storage_usage_bytes\{service="metered",class="hot"\} 5$/m)
    assert.match(text, /^storage_operations_total\{operation="uploadAsset",status="success"\} 1$/m)
    assert.match(text, /^storage_operations_total\{operation="getAsset",status="refused"\} 1$/m)
    assert.match(text, /^storage_errors_total\{code="VALIDATION_ERROR"\} 1$/m)
    const attempt = 'auth_attempts_total{operation="login",result="UNAUTHENTICATED"} 1'
    assert.ok(text.split('\n').includes(attempt))
    assert.match(text, /^storage_component_up\{component="audit"\} 1$/m)
    assert.match(text, /^http_request_duration_seconds_count\{.*operation="uploadAsset"/m)
    assert.doesNotMatch(text, /nodejs_active_\w+_total/)
    assert.match(text, /^# TYPE backup_status gauge$/m)
    assert.match(text, /^# TYPE backup_duration_seconds histogram$/m)
  }
})

test('metrics can be guarded or switched off', async () => {
  await using guarded = await startServer({ env: { STORAGE_METRICS_AUTH: 'on' } })
  refused(await guarded.ask('GET /metrics', { key: null }), 401, 'UNAUTHENTICATED')
  assert.equal((await guarded.ask('GET /metrics')).status, 200)
  await using off = await startServer({ env: { STORAGE_METRICS_ENABLED: 'off' } })
  refused(await off.ask('GET /metrics'), 404, 'ROUTE_NOT_FOUND')
})

test('on a full disk reads and deletes go on, and writes are told so', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-full-'))
  try {
    const path = '/api/v2/buckets/holdfast/assets/before'
    {
      await using server = await startServer({ dir })
      assert.equal((await server.ask(`PUT ${path}`, { body: 'kept' })).status, 201)
    }
    // More than any disk has: the element is full from the start.
    const store = { reservedBytes: 2 ** 52 }
    await using server = await startServer({ dir, store })
    const put = await server.ask('PUT /api/v2/buckets/holdfast/assets/after', { body: 'x' })
    refused(put, 507, 'STORAGE_FULL')
    assert.equal(put.headers['retry-after'], '60')
    const large = Buffer.alloc(1_000_000)
    refused(
      await server.ask('PUT /api/v2/buckets/holdfast/assets/after', { body: large }),
      507,
      'STORAGE_FULL',
    )
    refused(
      await server.ask('POST /api/v2/assets/upload', { body: uploadForm('x') }),
      507,
      'STORAGE_FULL',
    )
    assert.equal((await server.ask(`GET ${path}`)).text, 'kept')
    assert.equal((await server.ask('GET /api/v2/assets')).json.total, 1)
    const ready = await server.ask('GET /health/ready', { key: null })
    assert.deepEqual([ready.status, ready.json.checks.disk], [503, 'down'])
    assert.equal((await server.ask(`DELETE ${path}`)).status, 204)
    assert.deepEqual(server.temps(), [])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('a directory that cannot be the store is refused at the start', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'holdfast-start-'))
  try {
    const missing = join(parent, 'not', 'there')
    await assert.rejects(startServer({ dir: missing }), { code: 'STORAGE_UNAVAILABLE' })

    const foreign = join(parent, 'foreign')
    mkdirSync(foreign)
    writeFileSync(join(foreign, 'holiday.jpg'), 'not ours')
    await assert.rejects(startServer({ dir: foreign }), { code: 'STORE_FOREIGN' })

    const newer = join(parent, 'newer')
    {
      await using _ = await startServer({ dir: newer })
      await assert.rejects(startServer({ dir: newer }), { code: 'STORE_LOCKED' })
    }
    writeFileSync(join(newer, 'holdfast.json'), JSON.stringify({ format: 999, element: 'x' }))
    await assert.rejects(startServer({ dir: newer }), { code: 'STORE_FOREIGN' })

    const file = join(parent, 'file')
    writeFileSync(file, '')
    await assert.rejects(startServer({ dir: file }))
    const readonly = join(parent, 'readonly')
    {
      await using _ = await startServer({ dir: readonly })
    }
    chmodSync(readonly, 0o555)
    chmodSync(parent, 0o755)
    await assert.rejects(
      asNobody(() => startServer({ dir: readonly })),
      { code: 'STORAGE_UNAVAILABLE' },
    )
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
})

/** Root may write anywhere, so for a while we are somebody else. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return await work()
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

test('a port that is taken leaves the store as it was', async () => {
  await using first = await startServer()
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-port-'))
  try {
    const env = { STORAGE_PORT: String(first.port) }
    await assert.rejects(startServer({ dir, env }), { code: 'EADDRINUSE' })
    await using second = await startServer({ dir })
    assert.equal((await second.ask('GET /health/ready')).status, 200)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

/** Free, and none that the system gives to whoever asks for any, such as our own doors. */
async function portOfNoDoor(): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(15_000, 30_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    await new Promise(resolve => server.close(resolve))
    return String(port)
  }
  throw new Error('no port is free')
}

test('the port for metrics serves them alone, and may be taken', async () => {
  const port = await portOfNoDoor()
  const env = { STORAGE_METRICS_PORT: port, STORAGE_METRICS_AUTH: 'on' }
  await using first = await startServer({ env })
  const scraped = await fetch(`http://127.0.0.1:${port}/metrics`)
  assert.match(await scraped.text(), /^storage_element_bytes\{state="free"\} \d/m)
  assert.equal((await fetch(`http://127.0.0.1:${port}/api/v2/assets`)).status, 404)
  assert.equal((await first.ask('GET /health/live')).status, 200)
  await using second = await startServer({ env })
  assert.equal((await second.ask('GET /health/live')).status, 200)
  const told = second.logLines.find(line => line.includes('port for metrics could not be opened'))
  assert.match(told ?? '', /taken by another program; set STORAGE_METRICS_PORT/)
  assert.doesNotMatch(told ?? '', /stack/)
})

test('the first start makes an administrator key, once', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-first-'))
  try {
    const env = { STORAGE_BOOTSTRAP_API_KEY: '' }
    const told: string[] = []
    {
      await using server = await startServer({ dir, env, onFirstKey: secret => told.push(secret) })
      const [key = ''] = told
      assert.match(key, /^hf_[\w-]{43}$/)
      assert.equal((await server.ask('GET /api/v2/keys', { key })).status, 200)
      assert.ok(!server.logLines.join('').includes(key))
    }
    await using again = await startServer({ dir, env, onFirstKey: secret => told.push(secret) })
    assert.ok(again.url)
    assert.equal(told.length, 1)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('a first key is told before it is kept, and good once it is', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-told-'))
  try {
    const env = { STORAGE_BOOTSTRAP_API_KEY: '' }
    const told: string[] = []
    const dying = () => {
      throw new Error('died while telling')
    }
    await assert.rejects(startServer({ dir, env, onFirstKey: dying }), /died while telling/)
    await using taken = await startServer()
    const port = { ...env, STORAGE_PORT: String(taken.port) }
    const onFirstKey = (secret: string) => told.push(secret)
    await assert.rejects(startServer({ dir, env: port, onFirstKey }), /EADDRINUSE/)
    await using server = await startServer({ dir, env, onFirstKey })
    assert.equal(told.length, 1, 'the start that failed to listen had told its key')
    const keys = await server.ask('GET /api/v2/keys', { key: told[0] ?? '' })
    assert.equal(keys.status, 200)
    assert.equal(keys.json.items.length, 1, 'the key that nobody was told was not kept')
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('too many requests at once are told to come again', async () => {
  await using server = await startServer({ env: { STORAGE_MAX_CONCURRENT_REQUESTS: '1' } })
  const socket = connect(server.port, '127.0.0.1')
  const path = '/api/v2/buckets/holdfast/assets/slow'
  socket.write(
    `PUT ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\nContent-Length: 9\r\n\r\n1234`,
  )
  await delay(100)
  const answer = await server.ask('GET /api/v2/assets')
  refused(answer, 429, 'TOO_MANY_REQUESTS')
  assert.equal(answer.headers['retry-after'], '1')
  assert.equal((await server.ask('GET /health/live', { key: null })).status, 200)
  socket.write('56789')
  await delay(100)
  socket.destroy()
  await delay(50)
  assert.equal((await server.ask(`GET ${path}`)).text, '123456789')
})

test('stopping lets running transfers end and turns others away', async () => {
  const server = await startServer({ env: { STORAGE_SHUTDOWN_TIMEOUT: '10' } })
  const body = server.raw(
    `PUT /api/v2/buckets/holdfast/assets/last HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\n` +
      'Content-Length: 6\r\n\r\nlas',
    400,
    't!!',
  )
  const idle = connect(server.port, '127.0.0.1')
  await delay(100)
  const stopped = server.running.stop()
  await delay(50)
  assert.equal(server.running.stop(), server.running.stop(), 'stopping twice is stopping once')
  const late = connect(server.port, '127.0.0.1')
  const refusedConnection = await new Promise(resolve => {
    late.on('error', () => resolve(true))
    late.on('connect', () => resolve(false))
  })
  assert.equal(refusedConnection, true)
  assert.match(await body, /^HTTP\/1\.1 201/)
  await stopped
  idle.destroy()
  await server[Symbol.asyncDispose]()
})
