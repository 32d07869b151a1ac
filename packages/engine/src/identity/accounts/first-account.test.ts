import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestStore, refused } from '../../test-store.test.ts'
import {
  createAccount,
  getAccount,
  listAccounts,
  removeAccount,
  removeSecret,
  rotateSecret,
  updateAccount,
} from './accounts.ts'
import { issueClientToken } from './client-token.ts'
import { ensureAccount } from './first-account.ts'

const clientId = 'sa_staging_gateway_0123456789ab'
const secret = 'q7Zp0LmVx2RtYc9KfWd4HsJn8BgAe3Uo'
const first = { name: 'gateway', clientId, secret, roles: ['OPERATOR'] }

test('the account of the settings is made once, and kept as it has become', async () => {
  let opened = await openTestStore()
  assert.equal((await ensureAccount(opened.engine, first))?.clientId, clientId)
  const page = { limit: 10, offset: 0 }
  const [made] = (await listAccounts(opened.engine, opened.call, page)).items
  assert.ok(made?.isSystem)
  assert.deepEqual([made.name, made.environment, made.roles], ['gateway', 'staging', ['OPERATOR']])
  assert.deepEqual(
    made.secrets.map(({ prefix }) => prefix),
    ['settings'],
  )
  await issueClientToken(opened.engine, { clientId, secret })
  const next = await rotateSecret(opened.engine, opened.call, { id: made.id, overlapS: 0 })
  for (const how of [undefined, 'rebuild'] as const) {
    opened = await opened.reopen(how)
    const other = { ...first, secret: `${secret}x`, clientId: undefined, roles: ['ADMIN'] }
    assert.equal(await ensureAccount(opened.engine, other), undefined)
    const { items } = await listAccounts(opened.engine, opened.call, page)
    assert.deepEqual(items, [next.account])
    for (const late of [secret, other.secret]) {
      const entering = issueClientToken(opened.engine, { clientId, secret: late })
      await assert.rejects(entering, refused('UNAUTHENTICATED'))
    }
    await issueClientToken(opened.engine, { clientId, secret: next.secret })
  }
  await opened[Symbol.asyncDispose]()
})

test('a system account cannot be removed, suspended or ended; what it may can be', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  const made = (await ensureAccount(engine, { ...first, clientId: undefined }))?.clientId
  assert.match(made ?? '', /^sa_default_gateway_[0-9a-f]{12}$/)
  const [account] = (await listAccounts(engine, call, { limit: 1, offset: 0 })).items
  const { id = '', secrets = [] } = account ?? {}
  const expiresAt = new Date(clock.now() + 1000).toISOString()
  for (const act of [
    () => removeAccount(engine, call, id),
    () => updateAccount(engine, call, { id, patch: { status: 'SUSPENDED' } as const }),
    () => updateAccount(engine, call, { id, patch: { expiresAt } }),
    () => updateAccount(engine, call, { id, patch: { roles: [], expiresAt } }),
  ]) {
    await assert.rejects(act, refused('ACCOUNT_PROTECTED'))
  }
  assert.deepEqual(await getAccount(engine, call, id), account)
  const less = await updateAccount(engine, call, { id, patch: { roles: ['READONLY'] } })
  assert.deepEqual([less.roles, less.status, less.isSystem], [['READONLY'], 'ACTIVE', true])
  await removeSecret(engine, call, { id, secretId: secrets[0]?.id ?? '' })
  const entering = issueClientToken(engine, { clientId: made ?? '', secret })
  await assert.rejects(entering, refused('UNAUTHENTICATED'))
})

test('an account that has the name already is left alone', async () => {
  await using opened = await openTestStore()
  const { account } = await createAccount(opened.engine, opened.call, { name: first.name })
  assert.equal(account.isSystem, false)
  assert.equal(await ensureAccount(opened.engine, first), undefined)
  assert.deepEqual(await getAccount(opened.engine, opened.call, account.id), account)
})
