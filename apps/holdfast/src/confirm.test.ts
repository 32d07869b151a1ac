import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { parseSettings } from '@holdfast/server/config/parse-settings.ts'
import { serve } from '@holdfast/server/serve.ts'
import { run, scratch, succeeded } from './running-program.test.ts'

const password = 'First-Password-1'

test('a command that needs a proof takes it like a login, and says so where it cannot', async t => {
  let aheadMs = 0
  const { settings } = parseSettings({
    env: {
      STORAGE_PORT: '0',
      STORAGE_METRICS_PORT: '0',
      STORAGE_DATA_DIR: join(scratch(t), 'data'),
      STORAGE_RESERVED_SPACE: '0',
      STORAGE_ACCESS_TOKEN_LIFETIME: '2h',
      STORAGE_INITIAL_ADMIN_USERNAME: 'chief',
      STORAGE_INITIAL_ADMIN_PASSWORD: password,
    },
  })
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
  const server = await serve({ settings, clock, logTo: { write: () => {} } })
  t.after(async () => await server.stop())
  const as = async (args: string[], env: Record<string, string> = {}) =>
    await run(args, { env: { HOLDFAST_URL: server.url, ...env } })
  const mine = { HOLDFAST_PASSWORD: password }
  const key = succeeded(await as(['login', 'chief'], mine)).stdout.trim()
  aheadMs = 16 * 60_000
  const create = (name: string, env: Record<string, string>) =>
    as(['keys', 'create', name, '-p', 'assets:read'], { HOLDFAST_API_KEY: key, ...env })
  const unasked = await create('one', {})
  assert.match(unasked.stderr, /CONFIRMATION_REQUIRED/)
  assert.equal(unasked.code, 1)
  assert.match((await create('two', { HOLDFAST_PASSWORD: 'wrong' })).stderr, /UNAUTHENTICATED/)
  succeeded(await create('three', mine))
  aheadMs *= 2
  assert.match((await create('four', {})).stderr, /CONFIRMATION_REQUIRED/)
  const confirmed = await as(['confirm', '--json'], { HOLDFAST_API_KEY: key, ...mine })
  assert.match(JSON.parse(succeeded(confirmed).stdout).confirmed_until, /Z$/)
})
