import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { digestsOf, scratch, startServer, succeeded, until } from './running-program.test.ts'

test('a part that was left behind is taken up, and trusted only by its bytes', async t => {
  const dir = scratch(t)
  const server = await startServer(t, join(dir, 'data'))
  const bytes = randomBytes(4 * 1024 * 1024)
  writeFileSync(join(dir, 'big'), bytes)
  succeeded(await server.holdfast('put', join(dir, 'big')))
  const target = join(dir, 'got')
  const getting = server.start('get', 'big', target)
  const part = await until(() => readdirSync(dir).find(name => name.endsWith('.holdfast-part')))
  getting.process.kill('SIGKILL')
  await getting.ended
  for (const rest of [bytes.subarray(0, 3_000_000), randomBytes(3_000_000), Buffer.alloc(9)]) {
    rmSync(target, { force: true })
    writeFileSync(join(dir, part), rest)
    succeeded(await server.holdfast('get', 'big', target))
    assert.ok(readFileSync(target).equals(bytes))
    assert.deepEqual(
      readdirSync(dir).filter(name => name.endsWith('-part')),
      [],
    )
  }
  const { stdout } = await server.stop()
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const sent = lines.filter(({ bytes_out: out }) => out === bytes.length - 3_000_000)
  assert.ok(sent.length >= 2, 'only the rest was asked for')
})

test('what a killed server and a killed client left undone, --sync completes', async t => {
  const dir = scratch(t)
  const tree = join(dir, 'tree')
  mkdirSync(tree)
  for (let i = 0; i < 300; i += 1) writeFileSync(join(tree, `f${i}`), randomBytes(300_000))
  const before = digestsOf(tree)
  const data = join(dir, 'data')
  const first = await startServer(t, data)
  const putting = first.start('put', tree, '--no-progress')
  await until(() => (logged(first, 'PUT') >= 40 ? true : undefined))
  await first.stop('SIGKILL')
  const broken = await putting.ended
  assert.equal(broken.code, 1)
  assert.match(broken.stderr, /NETWORK/)
  const second = await startServer(t, data, { port: first.port })
  const cut = second.start('put', tree, '--sync', '--no-progress')
  await until(() => (logged(second, 'PUT') >= 40 ? true : undefined))
  cut.process.kill('SIGKILL')
  await cut.ended
  const done = await second.holdfast('put', tree, '--sync', '--json')
  const summary = JSON.parse(succeeded(done).stdout)
  assert.equal(summary.files + summary.skipped, 300)
  assert.ok(summary.skipped >= 80, `${summary.skipped} skipped`)
  succeeded(await second.holdfast('get', '-r', '', join(dir, 'out')))
  assert.deepEqual(digestsOf(join(dir, 'out')), before)
})

test('an interrupted put says so, reports what it did and ends with 130', async t => {
  const dir = scratch(t)
  const tree = join(dir, 'tree')
  mkdirSync(tree)
  for (let i = 0; i < 300; i += 1) writeFileSync(join(tree, `f${i}`), randomBytes(200_000))
  const server = await startServer(t, join(dir, 'data'))
  const putting = server.start('put', tree, '--jobs', '2')
  await until(() => (logged(server, 'PUT') >= 10 ? true : undefined))
  putting.process.kill('SIGINT')
  const { code, stdout, stderr } = await putting.ended
  assert.equal(code, 130)
  assert.match(stdout, /^Put \d+ files, /)
  assert.equal(stderr, 'holdfast: interrupted\n')
})

function logged(server: { running: { output(): { stdout: string } } }, method: string): number {
  return server.running.output().stdout.split(`"method":"${method}"`).length - 1
}
