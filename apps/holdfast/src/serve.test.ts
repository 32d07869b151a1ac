import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import {
  adminKey,
  run,
  scratch,
  start,
  startServer,
  succeeded,
  until,
} from './running-program.test.ts'

test('the first start, and only the first, shows a key; it works', async t => {
  const dir = join(scratch(t), 'data')
  const env = { STORAGE_BOOTSTRAP_API_KEY: '' }
  const first = await startServer(t, dir, { env })
  const key = /^│ +(hf_[\w-]{43}) +│$/m.exec(first.running.output().stderr)?.[1]
  assert.ok(key !== undefined, first.running.output().stderr)
  const client = { HOLDFAST_URL: first.url, HOLDFAST_API_KEY: key }
  succeeded(await run(['buckets'], { env: client }))
  assert.equal(first.running.output().stdout.includes(key), false)
  assert.equal((await first.stop()).code, 0)
  const second = await startServer(t, dir, { env })
  assert.doesNotMatch(second.running.output().stderr, /hf_/)
  const { code } = await run(['buckets'], {
    env: { ...client, HOLDFAST_URL: second.url },
  })
  assert.equal(code, 0)
})

test('every line of the output is JSON', async t => {
  const server = await startServer(t, join(scratch(t), 'data'))
  await server.holdfast('ls')
  const { stdout } = await server.stop()
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  assert.ok(lines.some(({ message }) => message === 'listening'))
  assert.ok(lines.some(({ path }) => path?.startsWith('/api/v2/buckets/')))
})

test('a second process on the same directory is refused, and harms nothing', async t => {
  const dir = join(scratch(t), 'data')
  const server = await startServer(t, dir)
  for (const args of [['serve', '--port', '0'], ['verify'], ['rebuild']]) {
    const { code, stderr } = await run([...args, '--data-dir', dir])
    assert.equal(code, 1)
    assert.match(stderr, /^holdfast: another process uses .+STORE_LOCKED\)\n$/)
  }
  succeeded(await server.holdfast('ls'))
  assert.deepEqual(
    readdirSync(dir).filter(name => name.includes('catalog.db.')),
    [],
  )
})

test('a taken port is told, and no store is made whose key nobody learns', async t => {
  const dir = scratch(t)
  const server = await startServer(t, join(dir, 'one'))
  const args = ['serve', '--data-dir', join(dir, 'two'), '--port', String(server.port)]
  const { code, stderr } = await run(args)
  assert.equal(code, 1)
  assert.match(stderr, /port \d+ of 127\.0\.0\.1 is taken/)
  assert.equal(existsSync(join(dir, 'two')), false)
})

test('a port for metrics that was asked for must be free, the default one need not', async t => {
  const dir = scratch(t)
  const server = await startServer(t, join(dir, 'one'))
  const env = { STORAGE_METRICS_PORT: String(server.port) }
  const args = ['serve', '--port', '0', '--data-dir', join(dir, 'two')]
  const { code, stderr } = await run(args, { env })
  assert.equal(code, 1)
  assert.match(stderr, /port \d+ of .+ is taken .+ choose another STORAGE_METRICS_PORT/)
  assert.equal(existsSync(join(dir, 'two')), false)
})

test('a port for S3 that was asked for must be free', async t => {
  const dir = scratch(t)
  const server = await startServer(t, join(dir, 'one'))
  const env = { STORAGE_S3_PORT: String(server.port) }
  const args = ['serve', '--port', '0', '--data-dir', join(dir, 'two')]
  const { code, stderr } = await run(args, { env })
  assert.equal(code, 1)
  assert.match(stderr, /port \d+ of .+ is taken .+ choose another STORAGE_S3_PORT/)
  assert.equal(existsSync(join(dir, 'two')), false)
})

test('the default port for S3 need not be free: the server goes on without it', async t => {
  const dir = scratch(t)
  const holder = createServer().listen(8006, '127.0.0.1')
  t.after(() => holder.close())
  await new Promise(resolve => holder.once('listening', resolve).once('error', resolve))
  const free = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => free.once('listening', resolve))
  const { port } = free.address() as AddressInfo
  await new Promise(resolve => free.close(resolve))
  const server = await startServer(t, join(dir, 'one'), { port })
  const told = /the port for S3 could not be opened/
  await until(() => (told.test(server.running.output().stdout) ? true : undefined))
})

test('directories that are no store, or cannot be one, are told and left alone', async t => {
  const dir = scratch(t)
  mkdirSync(join(dir, 'foreign'))
  writeFileSync(join(dir, 'foreign/letter.txt'), 'mine')
  writeFileSync(join(dir, 'file'), '')
  const cases: [string, RegExp][] = [
    ['foreign', /is not a data directory of Holdfast: not empty/],
    ['missing/parent', /its parent directory does not exist/],
    ['file', /cannot be used: .+ \(STORAGE_UNAVAILABLE\)/],
    ['file/data', /cannot be used: .+ \(STORAGE_UNAVAILABLE\)/],
  ]
  for (const [name, expected] of cases) {
    const { code, stderr } = await run(['serve', '--data-dir', join(dir, name), '--port', '0'])
    assert.equal(code, 1, name)
    assert.match(stderr, expected)
  }
  assert.deepEqual(
    readdirSync(join(dir, 'foreign')).filter(name => !name.startsWith('lock')),
    ['letter.txt'],
  )
  assert.equal(existsSync(join(dir, 'missing')), false)
})

test('a store of a newer format is not touched', async t => {
  const dir = join(scratch(t), 'data')
  await (await startServer(t, dir)).stop()
  const path = join(dir, 'holdfast.json')
  const marker = JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify({ ...marker, format: 99 }))
  const before = readdirSync(dir)
  for (const args of [['serve', '--port', '0'], ['verify'], ['rebuild']]) {
    const { code, stderr } = await run([...args, '--data-dir', dir])
    assert.equal(code, 1)
    assert.match(stderr, /has format 99, and this version knows formats up to 2/)
  }
  assert.deepEqual(readdirSync(dir), before)
})

test('a stop lets a running upload finish and takes no new one', async t => {
  const server = await startServer(t, join(scratch(t), 'data'))
  const upload = slowUpload(server.port, 'slow')
  await upload.begun
  server.running.process.kill('SIGTERM')
  await until(() => (/stopping/.test(server.running.output().stderr) ? true : undefined))
  await until(async () => ((await upload.refusesNew()) ? true : undefined))
  upload.finish()
  assert.equal(await upload.status, 201)
  assert.equal((await server.running.ended).code, 0)
})

test('a second signal ends it at once', async t => {
  const server = await startServer(t, join(scratch(t), 'data'))
  const upload = slowUpload(server.port, 'slow')
  await upload.begun
  server.running.process.kill('SIGINT')
  await until(() => (/stopping/.test(server.running.output().stderr) ? true : undefined))
  await new Promise(resolve => setTimeout(resolve, 700))
  server.running.process.kill('SIGINT')
  assert.equal((await server.running.ended).code, 130)
  await assert.rejects(upload.status)
})

test('a stop during the start is not lost', async t => {
  const dir = join(scratch(t), 'data')
  const running = start(['serve', '--data-dir', dir, '--port', '0'])
  t.after(() => running.process.kill('SIGKILL'))
  await until(() => (existsSync(dir) ? true : undefined))
  running.process.kill('SIGTERM')
  const { code, signal } = await running.ended
  assert.equal(signal, null)
  assert.equal(code, 0)
})

/** An upload that waits in the middle of its body. */
function slowUpload(port: number, key: string) {
  const path = `/api/v2/buckets/holdfast/assets/${key}`
  const headers = { 'x-api-key': adminKey, 'content-length': 10 }
  const sending = request({ port, host: '127.0.0.1', method: 'PUT', path, headers })
  const status = new Promise<number | undefined>((resolve, reject) => {
    sending.on('error', reject)
    sending.on('response', response => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
  })
  status.catch(() => {})
  const begun = new Promise<void>(resolve => {
    sending.write('hello', () => setTimeout(resolve, 300))
  })
  const refusesNew = async () =>
    await fetch(`http://127.0.0.1:${port}/health/live`).then(
      response => response.status === 503,
      () => true,
    )
  return { status, begun, refusesNew, finish: () => sending.end('world') }
}

/** Makes the syncs of a process and its threads fail as soon as the named file is there. */
const failingSyncs = `
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
for (const name of ['fsyncSync', 'fdatasyncSync']) {
  const sync = fs[name]
  fs[name] = fd => {
    if (!fs.existsSync(process.env.FAIL_SYNCS)) return sync(fd)
    throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
  }
}
syncBuiltinESMExports()
`

test('a sync that fails ends the server with 70, and nothing is acknowledged', async t => {
  const dir = scratch(t)
  const data = join(dir, 'data')
  writeFileSync(join(dir, 'preload.mjs'), failingSyncs)
  const trigger = join(dir, 'trigger')
  const env = { NODE_OPTIONS: `--import=${join(dir, 'preload.mjs')}`, FAIL_SYNCS: trigger }
  const server = await startServer(t, data, { env })
  writeFileSync(join(dir, 'a'), 'before')
  writeFileSync(join(dir, 'b'), 'after')
  succeeded(await server.holdfast('put', join(dir, 'a')))
  writeFileSync(trigger, '')
  assert.equal((await server.holdfast('put', join(dir, 'b'))).code, 1)
  const { code, stdout, stderr } = await server.running.ended
  assert.equal(code, 70)
  assert.match(stdout, /^\{"level":"fatal",.+EIO.+\}$/m)
  assert.match(stderr, /holdfast: the store failed: .+EIO.+; start again to recover\n$/)
  const again = await startServer(t, data)
  assert.equal((await again.holdfast('get', 'a', '-')).stdout, 'before')
})
