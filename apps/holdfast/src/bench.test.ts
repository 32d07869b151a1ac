import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { scratch, startServer, succeeded } from './running-program.test.ts'

test('bench measures a server and leaves nothing behind', async t => {
  const server = await startServer(t, join(scratch(t), 'data'))
  const { holdfast } = server
  const few = ['-s', '1', '-c', '4', '--size', '2k', '--json']
  const lines = succeeded(await holdfast('bench', ...few))
    .stdout.trim()
    .split('\n')
  const figures = lines.map(line => JSON.parse(line))
  assert.deepEqual(
    figures.map(({ work }) => work.split(':')[0]),
    ['PUT', 'GET', 'HEAD', 'mixed'],
  )
  for (const { work, operations, operationsPerSecond, p50Ms, p99Ms, errors } of figures) {
    assert.ok(operations > 0 && operationsPerSecond > 0, work)
    assert.ok(p50Ms > 0 && p99Ms >= p50Ms, work)
    assert.deepEqual(errors, {}, work)
  }
  assert.equal((await holdfast('ls', '-r')).stdout.trim(), '')
})

test('bench tells errors and ends with a failure', async t => {
  const server = await startServer(t, join(scratch(t), 'data'))
  const few = ['-s', '1', '-c', '1', '--bucket', 'no-such-bucket']
  const refused = await server.holdfast('bench', ...few)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /PUT: 404 .*BUCKET_NOT_FOUND/)
  const nowhere = await server.holdfast('bench', 'not an address')
  assert.equal(nowhere.code, 2)
  assert.match(nowhere.stderr, /is not the address of a server/)
  assert.equal((await server.holdfast('bench', '--size', '1')).code, 2)
})
