import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { callOf, openTestStore, refusedWith } from '../test-store.test.ts'
import {
  createAccessKey,
  ensureAccessKey,
  findAccessKey,
  listAccessKeys,
  revokeAccessKey,
} from './access-keys.ts'
import { openSecret } from './access-secret.ts'

describe('access keys', () => {
  it('tell their secret once, and to the verifier', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const input = { name: 'backup', permissions: ['assets:*'], buckets: ['photos'] }
    const { key, secret } = await createAccessKey(engine, call, input)
    assert.match(key.id, /^HFK[A-Z2-7]{17}$/)
    assert.equal(secret.length, 40)
    const found = await findAccessKey(engine, key.id)
    assert.equal(found?.secret, secret)
    assert.equal(found?.principal.id, key.principalId)
    assert.deepEqual(found?.principal.buckets, ['photos'])
    assert.ok(!JSON.stringify(await listAccessKeys(engine, call)).includes(secret))
    const foreign = { settings: { ...engine.settings, linkSecret: new Uint8Array(32) } }
    assert.throws(() => openSecret(foreign, key), { code: 'INTERNAL' })
    assert.throws(() => openSecret(engine, { ...key, id: 'other' }), { code: 'INTERNAL' })
    assert.equal(await findAccessKey(engine, 'unknown'), undefined)
    assert.equal(await findAccessKey(engine, 'not an id/'), undefined)
  })

  it('end by revocation and by time', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const expiresAt = new Date(clock.now() + 1000).toISOString()
    const brief = await createAccessKey(engine, call, { name: 'b', permissions: ['*'], expiresAt })
    const other = await createAccessKey(engine, call, { name: 'o', permissions: ['*'] })
    assert.ok(await findAccessKey(engine, brief.key.id))
    await clock.advance(1000)
    assert.equal(await findAccessKey(engine, brief.key.id), undefined)
    await revokeAccessKey(engine, call, other.key.id)
    await revokeAccessKey(engine, call, other.key.id)
    assert.equal(await findAccessKey(engine, other.key.id), undefined)
    await refusedWith(revokeAccessKey(engine, call, 'none'), 'KEY_NOT_FOUND')
  })

  it('grant no more than their maker holds', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const maker = callOf({ permissions: ['keys:admin', 'assets:read'] })
    const wide = { name: 'wide', permissions: ['assets:write'] }
    await refusedWith(createAccessKey(engine, maker, wide), 'FORBIDDEN')
    await refusedWith(createAccessKey(engine, callOf({}), wide), 'FORBIDDEN')
    await refusedWith(
      createAccessKey(engine, maker, { name: 'x', permissions: ['fly'] }),
      'VALIDATION_ERROR',
    )
  })

  it('of the settings stay the same person, with a new secret too', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const given = { id: 'AKIAEXAMPLE', name: 'first', secret: 'very secret', permissions: ['*'] }
    const first = await ensureAccessKey(engine, given)
    assert.deepEqual(await ensureAccessKey(engine, given), first)
    await revokeAccessKey(engine, call, first.id)
    await ensureAccessKey(engine, { ...given, secret: 'another one' })
    const found = await findAccessKey(engine, first.id)
    assert.equal(found?.secret, 'another one')
    assert.equal(found?.principal.id, first.principalId)
    await refusedWith(ensureAccessKey(engine, { ...given, id: 'a b' }), 'VALIDATION_ERROR')
    await refusedWith(ensureAccessKey(engine, { ...given, secret: 'short' }), 'VALIDATION_ERROR')
    await using again = await opened.reopen('rebuild')
    assert.equal((await findAccessKey(again.engine, first.id))?.secret, 'another one')
  })
})
