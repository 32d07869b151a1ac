import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { it } from 'node:test'
import { openDatabase } from '../database.ts'
import { openTables } from '../tables.ts'
import type { ChangeLine } from './change-line.ts'
import { liveOf } from './live-records.ts'
import { Records } from './records.ts'

it('what is there again needs no tombstone: it would be taken away by those read alone', () => {
  const db = openDatabase(':memory:')
  try {
    const tables = openTables(db)
    const [back, gone] = ['back', 'gone'].map(text => hash('sha256', text)) as [string, string]
    const records = new Records(tables)
    const location = `file:${back}`
    const blob = { sha256: back, size: 1, blockBytes: 65_536, sums: new Uint8Array(4), location }
    records.putBlob(blob, 1)
    const at = '2026-01-01T00:00:00.000Z'
    const limits = { assetsMax: 1, bytesMax: null, updatedBy: '' }
    records.putQuota({ scope: 'bucket', name: 'back', ...limits, updatedAt: at, seq: 2 })
    const named = (name: string) => ({ scope: 'bucket', name }) as const
    const line: ChangeLine = {
      ...{ seq: 1, at, actor: '', request: '', changes: [], puts: {} },
      gone: { blobs: [back, gone], quotas: [named('back'), named('gone')], versions: ['v'] },
    }
    const dead = { blobs: [gone], quotas: [named('gone')], versions: ['v'] }
    assert.deepEqual(liveOf(tables, line, true).gone, dead)
    const onlyBack = { ...line, gone: { blobs: [back], quotas: [named('back')] } }
    assert.deepEqual(liveOf(tables, onlyBack, true).gone, {})
    assert.deepEqual(liveOf(tables, line, false).gone, {})
  } finally {
    db.close()
  }
})
