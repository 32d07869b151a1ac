import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startServer } from '../started-server.test.ts'

function pairOf(id: string): Record<string, string> {
  return {
    STORAGE_BOOTSTRAP_S3_ACCESS_KEY_ID: id,
    STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: `secret-of-${id}-0123456789`,
  }
}

test('another S3 key pair in the settings ends the one before, and that is told', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-pairs-'))
  try {
    for (const { id, ended } of [
      { id: 'FIRSTPAIR', ended: [] },
      { id: 'FIRSTPAIR', ended: [] },
      { id: 'SECONDPAIR', ended: ['FIRSTPAIR'] },
      { id: 'SECONDPAIR', ended: [] },
    ]) {
      await using server = await startServer({ dir, env: pairOf(id) })
      const told = server.logLines.filter(line => line.includes('this one is revoked'))
      assert.deepEqual(
        told.map(line => JSON.parse(line).access_key_id),
        ended,
      )
      const { json: keys } = await server.ask('GET /api/v2/s3/keys')
      const open = keys.items.filter((key: { revoked_at: unknown }) => key.revoked_at === null)
      assert.deepEqual(
        open.map((key: { id: string }) => key.id),
        [id],
      )
    }
    await using server = await startServer({ dir, env: pairOf('SECONDPAIR') })
    const { json: rows } = await server.ask('GET /api/v2/audit?action=revokeS3Key')
    const [row, ...others] = rows.items
    assert.deepEqual([row.resource.id, row.detail.by, others], ['FIRSTPAIR', 'settings', []])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('a first start that its settings refuse shows no key', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-refused-'))
  const shown: string[] = []
  const start = async (username: string, password: string) => {
    const env = {
      STORAGE_BOOTSTRAP_API_KEY: '',
      STORAGE_INITIAL_ADMIN_USERNAME: username,
      STORAGE_INITIAL_ADMIN_PASSWORD: password,
    }
    return await startServer({ dir, env, onFirstKey: secret => shown.push(secret) })
  }
  try {
    for (const [username, password] of [
      ['chief', 'Password1234!'],
      ['system', 'Correct-Horse-7-Battery'],
    ] as const) {
      await assert.rejects(start(username, password), { code: 'SETTINGS_INVALID' })
      assert.deepEqual(shown, [], username)
    }
    await using _ = await start('chief', 'Correct-Horse-7-Battery')
    assert.equal(shown.length, 1)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
