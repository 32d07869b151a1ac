import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { parseSettings } from '@holdfast/server/config/parse-settings.ts'
import { serve } from '@holdfast/server/serve.ts'
import { openClient } from './client.ts'

const key = 'hf_client-tests-administrator-0123456789'
const bucket = 'holdfast'

test('a client that is too fast waits as long as the server asks, and loses nothing', async () => {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-limited-'))
  const { settings } = parseSettings({
    env: {
      ...{ STORAGE_PORT: '0', STORAGE_METRICS_PORT: '0', STORAGE_DATA_DIR: home },
      ...{ STORAGE_BOOTSTRAP_API_KEY: key, STORAGE_RESERVED_SPACE: '0' },
      STORAGE_RATE_LIMIT_PRINCIPAL: '3/3s',
    },
  })
  const limited = await serve({ settings, logTo: { write: () => {} } })
  const waits: [string, number | undefined][] = []
  const patient = openClient({
    url: limited.url,
    key,
    onRetry: ({ error, waitMs }) => {
      waits.push([error.code, error.retryAfterMs])
      assert.ok(waitMs >= (error.retryAfterMs ?? 0))
    },
  })
  try {
    for (let n = 0; n < 5; n += 1) await patient.assets.put({ bucket, key: `k${n}` }, `${n}`)
    assert.ok(waits.length > 0)
    for (const wait of waits) assert.deepEqual(wait, ['RATE_LIMITED', 1000])
  } finally {
    await limited.stop()
    rmSync(home, { recursive: true, force: true })
  }
})
