import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { adminKey, run, scratch, startServer, succeeded } from './running-program.test.ts'

const [first, second, third] = ['First-Quince-71!', 'Second-Walnut-82!', 'Third-Medlar-93!']

test('who was made by hand comes in, and is given other rights, by commands alone', async t => {
  const server = await startServer(t, join(scratch(t), 'data'))
  const as = async (args: readonly string[], env: Record<string, string> = {}) =>
    await run(args, { env: { HOLDFAST_URL: server.url, ...env } })
  const create = ['users', 'create', 'ann', '--role', 'USER']
  const asAdmin = { HOLDFAST_API_KEY: adminKey }
  succeeded(await as(create, { ...asAdmin, HOLDFAST_NEW_PASSWORD: first }))
  const early = await as(['login', 'ann'], { HOLDFAST_PASSWORD: first })
  assert.match(early.stderr, /PASSWORD_CHANGE_REQUIRED/)
  const change = { HOLDFAST_PASSWORD: first, HOLDFAST_NEW_PASSWORD: second }
  succeeded(await as(['password', 'change', 'ann'], change))
  const token = succeeded(await as(['login', 'ann'], { HOLDFAST_PASSWORD: second })).stdout.trim()
  const asAnn = { HOLDFAST_API_KEY: token }
  assert.notEqual((await as(['users'], asAnn)).code, 0)

  const set = ['users', 'set', 'ann', '--role', 'ADMIN', '--email', 'ann@example.org']
  assert.equal((await as(set, asAnn)).code, 1)
  assert.equal(succeeded(await as(set, asAdmin)).stdout, 'ann: ADMIN\n')
  assert.match(succeeded(await as(['users'], asAnn)).stdout, /ann@example\.org/)
  const counted = succeeded(await as(['users', 'statistics'], asAdmin)).stdout
  assert.match(counted, /^by role ADMIN +1$/m)
  const admins = ['users', 'list', '--role', 'ADMIN']
  assert.match(succeeded(await as(admins, asAdmin)).stdout, /\bann\b/)
  const shut = succeeded(await as([...admins, '--disabled'], asAdmin)).stdout
  assert.doesNotMatch(shut, /\bann\b/)
  const confine = ['users', 'set', 'ann', '--role', 'READONLY', '--on-bucket', 'holdfast']
  assert.equal(succeeded(await as(confine, asAdmin)).stdout, 'ann: READONLY on holdfast\n')
  assert.equal((await as(['users', 'set', 'ann'], asAdmin)).code, 2)

  const make = ['users', 'create', 'bob', '--role', 'USER']
  succeeded(await as(make, { ...asAdmin, HOLDFAST_NEW_PASSWORD: first }))
  const off = await as(['users', 'deactivate', 'ann', 'bob'], asAdmin)
  assert.equal(succeeded(off).stdout, 'ann: INACTIVE\nbob: INACTIVE\n')
  const none = await as(['users', 'activate', 'bob', 'nobody'], asAdmin)
  assert.notEqual(none.code, 0)
  assert.match(succeeded(await as(['users', 'list', '--disabled'], asAdmin)).stdout, /\bbob\b/)
  succeeded(await as(['users', 'activate', 'ann'], asAdmin))
  const give = { ...asAdmin, HOLDFAST_NEW_PASSWORD: third }
  succeeded(await as(['users', 'password', 'ann'], give))
  assert.notEqual((await as(['whoami'], asAnn)).code, 0, 'all sessions have ended')
  const again = await as(['login', 'ann'], { HOLDFAST_PASSWORD: third })
  assert.match(again.stderr, /PASSWORD_CHANGE_REQUIRED/)

  const reason = ['audit', 'acknowledge', '--reason', 'nothing was wrong']
  assert.equal(succeeded(await as(reason, asAdmin)).stdout, 'Acknowledged: 0.\n')
  const found = succeeded(await as(['audit', 'list', '--outcome', 'refused'], asAdmin)).stdout
  assert.match(found, /FORBIDDEN/)
  assert.doesNotMatch(found, /success/)
})
