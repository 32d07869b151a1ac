import assert from 'node:assert/strict'
import test from 'node:test'
import { run, scratch, startServer, succeeded } from '../running-program.test.ts'

test('bench measures every kind of work and leaves nothing behind', async t => {
  const server = await startServer(t, scratch(t))
  const sizes = ['--size', '1KiB', '--objects', '20', '--connections', '4', '--duration', '1s']
  const mixed = succeeded(await server.holdfast('bench', ...sizes))
  assert.match(mixed.stdout, /^WORK +PER SECOND +P50 MS/)
  for (const name of ['GET', 'STAT', 'PUT', 'DELETE']) {
    assert.match(mixed.stdout, new RegExp(`^${name} +[\\d,]+ +\\d`, 'm'))
  }
  assert.match(mixed.stderr, /answers compared by SHA-256/)
  const put = succeeded(await server.holdfast('bench', '--work', 'put', '--json', ...sizes))
  const outcome = JSON.parse(put.stdout)
  assert.deepEqual(outcome.errors, {})
  assert.ok(outcome.byMethod.PUT.operations > 0 && outcome.bytes > 0)
  const buckets = succeeded(await server.holdfast('buckets', 'list', '--json')).stdout
  assert.doesNotMatch(buckets, /bench-/)
})

test('bench says what is wrong: no server, no rights, sizes that are none', async t => {
  const server = await startServer(t, scratch(t))
  const refused = await run(['bench', server.url, '--key', 'hf_nobody-000000'])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /credential/)
  for (const wrong of [
    ['--size', '3'],
    ['--duration', '9d'],
    ['--connections', '0'],
    ['--work', 'x'],
  ]) {
    assert.equal((await run(['bench', server.url, ...wrong])).code, 2)
  }
})
