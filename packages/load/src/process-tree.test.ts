import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { cpuMsOf, processTree, residentBytesOf } from './process-tree.ts'

test('work shows as CPU time, and memory in use as resident', () => {
  const before = cpuMsOf([process.pid])
  const endAt = performance.now() + 200
  while (performance.now() < endAt);
  assert.ok(cpuMsOf([process.pid]) > before)
  const resident = residentBytesOf([process.pid])
  const kept = Buffer.alloc(64 * 1024 * 1024, 1)
  assert.ok(residentBytesOf([process.pid]) - resident > kept.length / 2)
})

test('the tree holds the children of children; a process that is gone counts nothing', async t => {
  const child = spawn('sh', ['-c', 'sleep 30 & echo $!; wait'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.after(() => child.kill())
  const [line] = await once(child.stdout, 'data')
  const grandchild = Number(String(line))
  t.after(() => process.kill(grandchild))
  const tree = processTree(process.pid)
  assert.ok(child.pid !== undefined && tree.includes(child.pid) && tree.includes(grandchild))
  assert.equal(residentBytesOf([2 ** 30]) + cpuMsOf([2 ** 30]), 0)
})
