import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countTurns } from '../../counted-turns.test.ts'
import { callOf, openTestStore, refused } from '../../test-store.test.ts'
import { authenticateKey, createKey, ensureKey, listKeys, peekKey, revokeKey } from './keys.ts'

describe('API keys', () => {
  it('open the store to who holds the secret, with exactly the rights given', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const permissions = ['assets:read']
    const input = { name: 'reader', permissions, buckets: ['photos'] }
    const { key, secret } = await createKey(engine, call, input)
    assert.match(secret, /^hf_[\w-]{43}$/)
    assert.equal(key.prefix, secret.slice(0, 10))
    assert.ok(!JSON.stringify(await listKeys(engine, call)).includes(secret))
    assert.deepEqual(await authenticateKey(engine, secret), {
      kind: 'api_key',
      id: key.id,
      name: 'reader',
      permissions,
      buckets: ['photos'],
    })
    assert.equal(engine.keyUses.get(key.id), opened.clock.now())
  })

  it('open nothing when altered, unknown, overlong or empty', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { secret } = await createKey(engine, call, { name: 'k', permissions: ['*'] })
    const altered = secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A')
    for (const wrong of [altered, `${secret} `, secret.slice(1), '', 'x'.repeat(100_000)]) {
      await assert.rejects(authenticateKey(engine, wrong), refused('UNAUTHENTICATED'))
    }
  })

  it('end when revoked, at once and for good', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { key, secret } = await createKey(engine, call, { name: 'k', permissions: ['*'] })
    const revoked = await revokeKey(engine, call, key.id)
    assert.ok(revoked.revokedAt)
    await assert.rejects(authenticateKey(engine, secret), refused('UNAUTHENTICATED'))
    await opened.clock.advance(1000)
    assert.deepEqual(await revokeKey(engine, call, key.id), revoked)
    await assert.rejects(revokeKey(engine, call, 'none'), refused('KEY_NOT_FOUND'))
  })

  it('end at their time', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const expiresAt = new Date(clock.now() + 1000).toISOString()
    const { secret } = await createKey(engine, call, { name: 'k', permissions: ['*'], expiresAt })
    await clock.advance(999)
    await authenticateKey(engine, secret)
    await clock.advance(1)
    await assert.rejects(authenticateKey(engine, secret), refused('CREDENTIAL_EXPIRED'))
  })

  it('end at their time, also when that comes while one is looked at', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const expiresMs = clock.now() + 1000
    const expiresAt = new Date(expiresMs).toISOString()
    const { secret } = await createKey(engine, call, { name: 'k', permissions: ['*'], expiresAt })
    let nowMs = expiresMs - 1
    clock.now = () => nowMs++
    assert.equal(peekKey(engine, secret)?.name, 'k')
    assert.equal(peekKey(engine, secret), undefined)
  })

  it('never grant more than their maker holds', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const maker = callOf({ permissions: ['keys:admin', 'assets:*'] })
    await createKey(engine, maker, { name: 'k', permissions: ['assets:read', 'assets:*'] })
    for (const scope of ['*', '*:*', '*:read', '*:write', 'versions:read', 'store:admin']) {
      const input = { name: 'k', permissions: [scope] }
      await assert.rejects(
        createKey(engine, maker, input),
        refused('FORBIDDEN', { permission: scope }),
      )
    }
    const confined = callOf({ permissions: ['*'], buckets: ['photos'] })
    const input = { name: 'k', permissions: ['assets:read'] }
    await assert.rejects(createKey(engine, confined, input), refused('FORBIDDEN'))
  })

  it('end no later than the key that made them', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const inMs = (ms: number) => new Date(clock.now() + ms).toISOString()
    const rights = { name: 'k', permissions: ['*'] }
    const { secret } = await createKey(engine, call, { ...rights, expiresAt: inMs(1000) })
    const maker = { ...call, principal: await authenticateKey(engine, secret) }
    for (const expiresAt of [undefined, null, inMs(1000)]) {
      const { key } = await createKey(engine, maker, { ...rights, expiresAt })
      assert.equal(key.expiresAt, inMs(1000))
    }
    const sooner = await createKey(engine, maker, { ...rights, expiresAt: inMs(999) })
    assert.equal(sooner.key.expiresAt, inMs(999))
    const later = createKey(engine, maker, { ...rights, expiresAt: inMs(1001) })
    await assert.rejects(later, refused('FORBIDDEN', { expires_at: inMs(1000) }))
  })

  it('are revoked only by who holds what they grant', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const administrator = await createKey(engine, call, { name: 'a', permissions: ['*'] })
    const uploader = await createKey(engine, call, { name: 'u', permissions: ['assets:*'] })
    const maker = callOf({ permissions: ['keys:admin', 'assets:*'] })
    const revocation = revokeKey(engine, maker, administrator.key.id)
    await assert.rejects(revocation, refused('FORBIDDEN', { permission: '*' }))
    await authenticateKey(engine, administrator.secret)
    assert.ok((await revokeKey(engine, maker, uploader.key.id)).revokedAt)
  })

  it('are listed one list in each turn of the event loop', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createKey(engine, call, { name: 'n', permissions: ['assets:read'] })
    const counted = countTurns()
    const lists = Array.from({ length: 5 }, async () => {
      assert.equal((await listKeys(engine, call)).length, 1)
      return counted.now()
    })
    const turns = await Promise.all(lists)
    counted.stop()
    assert.equal(new Set(turns).size, turns.length)
  })

  it('tell every wrong field at once', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const input = {
      name: '',
      permissions: ['assets:fly', '*'],
      buckets: ['ok-bucket', 'NOT OK'],
      expiresAt: new Date(clock.now()).toISOString(),
    }
    await assert.rejects(
      createKey(engine, call, input),
      (error: { details: { errors: { path: string }[] } }) => {
        const paths = error.details.errors.map(one => one.path)
        assert.deepEqual(paths, ['name', 'permissions[0]', 'buckets[1]', 'expires_at'])
        return true
      },
    )
    await assert.rejects(
      createKey(engine, call, { name: 'k', permissions: [] }),
      refused('VALIDATION_ERROR'),
    )
  })
})

describe('the key of the settings', () => {
  const first = { name: 'bootstrap', secret: 'first secret of all', permissions: ['*'] }

  it('is made once and stays the same', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const key = await ensureKey(engine, first)
    assert.deepEqual(await ensureKey(engine, first), key)
    assert.equal((await listKeys(engine, call)).length, 1)
    assert.equal((await authenticateKey(engine, first.secret)).id, key.id)
  })

  it('ends when the settings give another secret, and other keys of the name stay', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await ensureKey(engine, first)
    const maker = callOf({ permissions: ['*'] })
    const { secret } = await createKey(engine, maker, { name: 'bootstrap', permissions: ['*'] })
    const second = await ensureKey(engine, { ...first, secret: 'second secret of all' })
    await assert.rejects(authenticateKey(engine, first.secret), refused('UNAUTHENTICATED'))
    assert.equal((await authenticateKey(engine, 'second secret of all')).id, second.id)
    await authenticateKey(engine, secret)
    assert.equal((await listKeys(engine, call)).length, 3)
  })

  it('is an administrator after every start, revoked or not', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const key = await ensureKey(engine, { ...first, permissions: ['assets:read'] })
    await revokeKey(engine, call, key.id)
    await assert.rejects(authenticateKey(engine, first.secret), refused('UNAUTHENTICATED'))
    await ensureKey(engine, first)
    await using again = await opened.reopen('rebuild')
    const principal = await authenticateKey(again.engine, first.secret)
    assert.deepEqual([principal.id, principal.permissions], [key.id, ['*']])
    assert.equal((await listKeys(again.engine, call)).length, 1)
  })

  it('is none that somebody made', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const people = callOf({ permissions: ['keys:admin', 'assets:read'] })
    const { key, secret } = await createKey(engine, people, {
      name: 'reader',
      permissions: ['assets:read'],
    })
    await assert.rejects(ensureKey(engine, { ...first, secret }), refused('VALIDATION_ERROR'))
    assert.deepEqual(await engine.catalog.view.keys.byId(key.id), key)
  })

  it('must not be short', async () => {
    await using opened = await openTestStore()
    const weak = ensureKey(opened.engine, { ...first, secret: 'short' })
    await assert.rejects(weak, refused('VALIDATION_ERROR'))
  })
})
