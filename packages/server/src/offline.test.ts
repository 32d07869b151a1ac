import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { parseSettings } from './config/parse-settings.ts'
import { openOffline } from './offline.ts'

test('who looks at a store needs no file and no place that only callers do', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-offline-'))
  let asked = 0
  const redis = createServer(socket => {
    asked += 1
    socket.destroy()
  })
  await new Promise<void>(resolve => redis.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    redis.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const address = redis.address()
  assert.ok(address !== null && typeof address === 'object')
  const { settings } = parseSettings({
    env: {
      STORAGE_DATA_DIR: `${dir}/data`,
      ...{ STORAGE_TLS_CERT_FILE: `${dir}/none`, STORAGE_TLS_KEY_FILE: `${dir}/none` },
      STORAGE_REDIS_URL: `redis://127.0.0.1:${address.port}`,
      ...{ STORAGE_LDAP_SERVER: 'ldaps://127.0.0.1:1', STORAGE_LDAP_BASE_DN: 'dc=example' },
      STORAGE_LDAP_CA_FILE: `${dir}/none`,
    },
  })
  const store = await openOffline({ settings })
  const { changes } = await store.count()
  await store.close()
  assert.deepEqual([changes, asked], [0, 0])
})
