import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { run, scratch, startServer, succeeded } from './running-program.test.ts'

const key = { STORAGE_AUDIT_KEY: 'an-audit-key-of-32-characters-001' }

test('an audit log is proven by the server, with its key, and by a kept head', async t => {
  const dir = join(scratch(t), 'data')
  const server = await startServer(t, dir, { env: key })
  succeeded(await server.holdfast('keys'))
  const asked = succeeded(await server.holdfast('audit', 'verify')).stdout
  const [, head = ''] = /^Read \d+ rows: whole\.\nHead (\d+:[0-9a-f]{64})\n$/.exec(asked) ?? []
  assert.notEqual(head, '', asked)
  succeeded(await server.holdfast('keys'))
  const report = succeeded(await server.holdfast('audit', 'report')).stdout
  assert.match(report, /^Whole log: \d+ rows, whole$/m)
  assert.match(report, /^looks of administrators +\d+$/m)
  assert.match(report, /^listKeys +2$/m)
  await server.stop('SIGKILL')

  const verify = ['audit', 'verify', '--data-dir', dir]
  const beside = succeeded(await run([...verify, '--head', head], { env: key })).stdout
  assert.match(beside, /^Read \d+ rows: whole\.\nHead \d+:[0-9a-f]{64}\n$/)
  const bare = await run([...verify, '--head', head])
  assert.equal(bare.code, 1)
  assert.match(bare.stdout, /sealed with the key [0-9a-f]{16}, which is not here: only the chain/)
  assert.match(bare.stdout, /rows: NOT PROVEN\./)
  const other = head.replace(/.$/, last => (last === '0' ? '1' : '0'))
  const wrong = await run([...verify, '--head', other, '--json'], { env: key })
  assert.equal(wrong.code, 1)
  assert.match(JSON.parse(wrong.stdout).problems.join(), /is not the one the head that was kept/)
  assert.equal((await run([...verify, '--head', '7'])).code, 2)
})
