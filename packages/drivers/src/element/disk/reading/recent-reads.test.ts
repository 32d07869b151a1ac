import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DiskStream } from '@holdfast/core/ports/disk.ts'
import { nodeDisk } from '../../../disk/node-disk.ts'
import { RecentReads } from './recent-reads.ts'

test('only what was read lately counts, up to the limit', () => {
  const recent = new RecentReads(1000, () => 0)
  assert.equal(recent.isLikelyInMemory('a'), false)
  recent.add('a', 400)
  assert.equal(recent.isLikelyInMemory('a'), true)
  for (const name of ['b', 'c', 'd', 'e']) recent.add(name, 400)
  assert.equal(recent.isLikelyInMemory('a'), false)
  assert.equal(recent.isLikelyInMemory('e'), true)
  const none = new RecentReads(0, () => 0)
  none.add('a', 1)
  assert.equal(none.isLikelyInMemory('a'), false)
})

test('a read that waited for the medium forbids the next ones for a while', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-recent-'))
  const path = join(dir, 'a')
  writeFileSync(path, 'content')
  const file = await nodeDisk.openAsync(path, 'read')
  try {
    let nowMs = 0
    const slow: DiskStream = {
      ...file,
      readNow(into, position) {
        nowMs += 10
        return file.readNow(into, position)
      },
    }
    const recent = new RecentReads(1000, () => nowMs)
    recent.add('a', 7)
    const into = new Uint8Array(7)
    assert.equal(recent.readNow(file, into, 0), true)
    assert.equal(String(Buffer.from(into)), 'content')
    assert.equal(recent.isLikelyInMemory('a'), true)
    assert.equal(recent.readNow(slow, into, 0), true)
    assert.equal(recent.isLikelyInMemory('a'), false)
    nowMs += 39
    assert.equal(recent.isLikelyInMemory('a'), false)
    nowMs += 1
    assert.equal(recent.isLikelyInMemory('a'), true)
    assert.equal(recent.readNow(file, into, 1), false, 'less than was asked for')
  } finally {
    await file.close()
    rmSync(dir, { recursive: true })
  }
  assert.equal(new RecentReads(1, () => 0).readNow(file, new Uint8Array(1), 0), false, 'closed')
})
