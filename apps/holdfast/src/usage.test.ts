import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import { run, succeeded } from './running-program.test.ts'

test('unknown commands and options end with 2 and a hint, on the error stream', async () => {
  const cases: [string[], RegExp][] = [
    [['sreve'], /unknown command 'sreve'\n\(Did you mean serve\?\)/],
    [['ls', '--recursve'], /unknown option '--recursve'\n\(Did you mean --recursive\?\)/],
    [['get'], /missing required argument 'key'/],
    [['put', 'x', '--jobs', '0'], /from 1 to 256/],
    [['link', 'x', '--expires', '7d'], /from 60s to 24h/],
    [['ls', '--url', 'nonsense'], /not an http address/],
    [['link', 'x', '--size-max', '1k'], /belong to --upload/],
    [['buckets', 'set', 'pics'], /name a setting/],
  ]
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await run(args)
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    assert.match(stderr, expected)
    assert.match(stderr, /^holdfast: /)
    assert.equal(stdout, '')
    assert.doesNotMatch(stderr, /\n\s+at /)
  }
})

test('help names every command and every setting source', async () => {
  const { stdout } = succeeded(await run(['--help']))
  const commands = ['serve', 'put', 'get', 'ls', 'stat', 'search', 'rm', 'restore', 'link']
  for (const name of [...commands, 'buckets', 'keys', 'verify', 'rebuild', 'config', 'bench']) {
    assert.match(stdout, new RegExp(`^  ${name} `, 'm'))
  }
  assert.match(stdout, /HOLDFAST_API_KEY/)
})

test('settings are shown with their origin, and secrets never', async () => {
  const env = { STORAGE_BOOTSTRAP_API_KEY: 'hf_a-secret-of-mine-0123456789', STORAGE_PORT: '9000' }
  const { stdout } = succeeded(await run(['config', 'show'], { env }))
  assert.match(stdout, /^STORAGE_PORT +9000 +environment /m)
  assert.match(stdout, /^STORAGE_HOST +127\.0\.0\.1 +default /m)
  assert.match(stdout, /^STORAGE_BOOTSTRAP_API_KEY +\(hidden\) +environment /m)
  const json = succeeded(await run(['config', 'show', '--json'], { env })).stdout
  for (const text of [stdout, json]) assert.doesNotMatch(text, /secret-of-mine/)
  const rows = json
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  assert.equal(rows.find(({ name }) => name === 'STORAGE_PORT').value, '9000')
})

test('wrong settings are all named at once, by check and by serve', async () => {
  const env = { STORAGE_PORT: 'x', STORAGE_RESERVED_SPACE: 'lots' }
  const check = await run(['config', 'check'], { env })
  assert.equal(check.code, 1)
  assert.match(check.stdout, /^STORAGE_PORT .+\nSTORAGE_RESERVED_SPACE .+\n$/)
  const serve = await run(['serve', '--port', '0'], { env: { STORAGE_LOG_LEVEL: 'loud' } })
  assert.equal(serve.code, 1)
  assert.match(serve.stderr, /STORAGE_LOG_LEVEL must be one of/)
  assert.equal(succeeded(await run(['config', 'check'])).stdout, 'The settings are valid.\n')
})

test('failures are one sentence with code and request id; --debug shows more', async t => {
  const server = createServer((_, response) => {
    response.writeHead(403, { 'content-type': 'application/json' })
    response.end('{"code":"FORBIDDEN","message":"No \\u001b[31mway.","request_id":"r-7"}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const env = { HOLDFAST_URL: `http://127.0.0.1:${port}`, HOLDFAST_API_KEY: 'hf_x' }
  const { code, stderr, stdout } = await run(['ls'], { env })
  assert.equal(code, 1)
  assert.equal(stderr, 'holdfast: No \\u001b[31mway. (FORBIDDEN, status 403, request r-7)\n')
  assert.equal(stdout, '')
  assert.match((await run(['ls', '--debug'], { env })).stderr, /\n\s+at /)
})

test('a server that is not there is told in a sentence', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  const { code, stderr } = await run(['ls'], { env: { HOLDFAST_URL: `http://127.0.0.1:${port}` } })
  assert.equal(code, 1)
  assert.match(stderr, /^holdfast: Nothing listens .+ \(NETWORK, 5 attempts\); is the server .+\n$/)
})
