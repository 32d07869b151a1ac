import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { decodeJwt } from 'jose'
import { rightsMoment } from '../../access/rights-now.ts'
import { openTestStore, refused, type TestStore } from '../../test-store.test.ts'
import { createUser, removeUser, unlockUser, updateUser } from '../users/users.ts'
import { authenticateToken } from './authenticate-token.ts'
import { login, logout, refresh } from './login.ts'

const password = 'Correct-Horse-7-Battery'
const origin = { ip: '127.0.0.1', agent: 'tests' }
const MINUTE = 60_000

async function person(opened: TestStore, username = 'ann', roles = ['USER']): Promise<User> {
  const email = `${username}@example.org`
  const input = { username, email, password, roles, mustChangePassword: false }
  return await createUser(opened.engine, opened.call, input)
}

function enter(opened: TestStore, name = 'ann', given = password) {
  return login(opened.engine, { name, password: given }, origin)
}

test('a user logs in by name or e-mail and acts with the rights of the roles', async () => {
  await using opened = await openTestStore()
  const user = await person(opened)
  for (const name of ['ann', 'ANN', 'Ann@Example.ORG']) {
    const { tokens } = await enter(opened, name)
    const principal = await authenticateToken(opened.engine, tokens.accessToken)
    assert.equal(principal.id, user.id)
    assert.deepEqual(principal.permissions, ['buckets:read', 'buckets:create'])
    assert.ok(principal.ownPermissions?.includes('assets:write'))
  }
})

test('five wrong passwords lock for 30 minutes, however many come at once', async () => {
  await using opened = await openTestStore()
  const user = await person(opened)
  const guesses = Array.from({ length: 12 }, (_, n) => enter(opened, 'ann', `Guess-${n}-guess`))
  const codes = (await Promise.allSettled(guesses)).map(result =>
    result.status === 'rejected' ? result.reason.code : 'in',
  )
  assert.equal(codes.filter(code => code === 'UNAUTHENTICATED').length, 5)
  assert.equal(codes.filter(code => code === 'ACCOUNT_LOCKED').length, 7)
  await assert.rejects(enter(opened), refused('ACCOUNT_LOCKED', { retry_after: 1800 }))
  await assert.rejects(enter(opened, 'ann@example.org'), refused('UNAUTHENTICATED'))
  opened.clock.jump(30 * MINUTE)
  await enter(opened)
  const after = await opened.engine.catalog.view.identities.byId('user', user.id)
  assert.deepEqual([after?.failures, after?.lockedUntil], [0, null])
})

test('failures are counted across restarts, and a success forgets them', async () => {
  let opened = await openTestStore()
  await person(opened)
  const fail = () => assert.rejects(enter(opened, 'ann', 'wrong'), refused('UNAUTHENTICATED'))
  for (let n = 0; n < 4; n += 1) await fail()
  await enter(opened)
  for (let n = 0; n < 4; n += 1) await fail()
  opened = await opened.reopen('rebuild')
  await fail()
  await assert.rejects(enter(opened), refused('UNAUTHENTICATED'))
  opened.clock.jump(30 * MINUTE)
  await enter(opened)
  await opened[Symbol.asyncDispose]()
})

test('an administrator ends a lock early', async () => {
  await using opened = await openTestStore()
  const user = await person(opened)
  for (let n = 0; n < 5; n += 1) await assert.rejects(enter(opened, 'ann', 'wrong'))
  await unlockUser(opened.engine, opened.call, user.id)
  await enter(opened)
})

test('a name that nobody has is answered, and locked, like one that somebody has', async () => {
  await using opened = await openTestStore()
  await person(opened)
  for (const name of ['ann', 'nobody']) {
    for (let n = 0; n < 5; n += 1) {
      await assert.rejects(enter(opened, name, 'wrong'), refused('UNAUTHENTICATED'))
    }
    await assert.rejects(enter(opened, name, 'wrong'), refused('ACCOUNT_LOCKED'))
  }
})

test('a wrong guess has rights asked for anew, whoever has the name', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  await person(opened)
  for (const name of ['ann', 'nobody']) {
    const moment = rightsMoment(engine)
    await assert.rejects(enter(opened, name, 'wrong'), refused('UNAUTHENTICATED'))
    assert.notEqual(rightsMoment(engine), moment, name)
  }
})

test('a lock does not tell which names belong together', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  const user = await person(opened)
  const answers = async (name: string, order: string) => {
    const told: unknown[] = []
    for (const letter of order) {
      const typed = letter === 'a' ? name : `${name}@example.org`
      await assert.rejects(enter(opened, typed, 'wrong'), error => {
        assert.ok(isHoldfastError(error))
        told.push([error.code, error.details.retry_after])
        return true
      })
    }
    return told
  }
  for (const order of ['aaaaaab', 'aaabbbabbbab', 'ababababababa']) {
    const stranger = `no-${order}`
    assert.deepEqual(await answers('ann', order), await answers(stranger, order), order)
    clock.jump(29 * MINUTE)
    assert.deepEqual(await answers('ann', order), await answers(stranger, order), order)
    await unlockUser(engine, call, user.id)
    await enter(opened)
  }
})

test('the right password opens nothing under the other name of a locked account', async () => {
  await using opened = await openTestStore()
  const user = await person(opened)
  for (let n = 0; n < 5; n += 1) await assert.rejects(enter(opened, 'ann', 'wrong'))
  for (let n = 0; n < 5; n += 1) {
    await assert.rejects(enter(opened, 'ann@example.org'), refused('UNAUTHENTICATED'))
  }
  await assert.rejects(enter(opened, 'ann@example.org'), refused('ACCOUNT_LOCKED'))
  const after = await opened.engine.catalog.view.identities.byId('user', user.id)
  assert.equal(after?.failures, 5)
  await unlockUser(opened.engine, opened.call, user.id)
  await enter(opened, 'ann@example.org')
})

test('a name that nobody has costs the work of a wrong password', async () => {
  await using opened = await openTestStore()
  await person(opened)
  const { identity, catalog } = opened.engine
  const done: string[] = []
  const { hasher } = identity
  const verify = hasher.verify.bind(hasher)
  hasher.verify = async (password, known) => {
    done.push('verify')
    return await verify(password, known)
  }
  const write = catalog.write.bind(catalog)
  catalog.write = async (name, args, options) => {
    done.push(name)
    return await write(name, args, options)
  }
  const workOf = async (name: string, given: string) => {
    done.length = 0
    await assert.rejects(enter(opened, name, given), refused('UNAUTHENTICATED'))
    return [...done]
  }
  const known = await workOf('ann', 'wrong')
  assert.deepEqual(known, ['verify', 'users.fail'])
  assert.deepEqual(await workOf('nobody', 'wrong'), known)
  assert.deepEqual(await workOf('nobody', 'x'.repeat(5000)), known)
  assert.deepEqual(await workOf('ann', 'x'.repeat(5000)), known)
  for (let n = 0; n < 3; n += 1) await workOf('ann', 'wrong')
  assert.deepEqual(await workOf('ann@example.org', password), known)
})

test('two names at once take no longer for being of one account', async () => {
  await using opened = await openTestStore()
  await person(opened)
  const { hasher } = opened.engine.identity
  const verify = hasher.verify.bind(hasher)
  const mostOf = async (...names: string[]) => {
    let [inside, most] = [0, 0]
    hasher.verify = async (given, known) => {
      inside += 1
      most = Math.max(most, inside)
      return await verify(given, known).finally(() => {
        inside -= 1
      })
    }
    const tries = names.map(name => assert.rejects(enter(opened, name, 'wrong')))
    await Promise.all(tries)
    return most
  }
  assert.equal(await mostOf('nobody', 'nobody@example.org'), 2)
  assert.equal(await mostOf('ann', 'ann@example.org'), 2)
  assert.equal(await mostOf('ann', 'ann'), 1)
})

test('guesses under both names of an account at once are counted together', async () => {
  await using opened = await openTestStore()
  const user = await person(opened)
  const names = ['ann', 'ann@example.org']
  const guesses = Array.from({ length: 16 }, (_, n) => enter(opened, names[n % 2], `Guess-${n}`))
  await Promise.allSettled(guesses)
  const after = await opened.engine.catalog.view.identities.byId('user', user.id)
  assert.equal(after?.failures, 5)
  await assert.rejects(enter(opened), refused('ACCOUNT_LOCKED'))
})

test('of two guesses at once under both names only one is the fifth', async () => {
  await using opened = await openTestStore()
  const user = await person(opened)
  for (let n = 0; n < 4; n += 1) await assert.rejects(enter(opened, 'ann', `Guess-${n}`))
  const { hasher } = opened.engine.identity
  const verify = hasher.verify.bind(hasher)
  const both = Promise.withResolvers<void>()
  let done = 0
  hasher.verify = async (given, known) => {
    const isRight = await verify(given, known)
    done += 1
    if (done === 2) both.resolve()
    await both.promise
    return isRight
  }
  const names = ['ann', 'ann@example.org']
  await Promise.allSettled(names.map(name => enter(opened, name, 'Guess-4')))
  const after = await opened.engine.catalog.view.identities.byId('user', user.id)
  assert.equal(after?.failures, 5)
})

test('what is wrong with an account is told only to who knows the password', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const user = await person(opened)
  await updateUser(engine, call, { id: user.id, patch: { status: 'INACTIVE' } })
  await assert.rejects(enter(opened, 'ann', 'wrong'), refused('UNAUTHENTICATED'))
  await assert.rejects(enter(opened), refused('ACCOUNT_DISABLED'))
})

test('tokens end at once with the session, the account and its rights', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const user = await person(opened)
  const acts = async (token: string) => await authenticateToken(engine, token)
  const first = (await enter(opened)).tokens
  const second = (await enter(opened)).tokens
  await acts(first.accessToken)
  const principal = await acts(second.accessToken)
  await logout(engine, { ...call, principal })
  await assert.rejects(async () => acts(second.accessToken), refused('UNAUTHENTICATED'))
  await assert.rejects(refresh(engine, second.refreshToken, origin), refused('UNAUTHENTICATED'))
  await updateUser(engine, call, { id: user.id, patch: { roles: ['AUDITOR'] } })
  assert.ok((await acts(first.accessToken)).permissions.includes('audit:view'))
  await removeUser(engine, call, user.id)
  await assert.rejects(async () => acts(first.accessToken), refused('UNAUTHENTICATED'))
  await assert.rejects(enter(opened), refused('UNAUTHENTICATED'))
})

test('a lock holds up sessions that are open, and they go on when it has ended', async () => {
  await using opened = await openTestStore()
  const { engine, clock } = opened
  await person(opened)
  const { tokens } = await enter(opened)
  const act = async () => await authenticateToken(engine, tokens.accessToken)
  await act()
  for (let n = 0; n < 5; n += 1) await assert.rejects(enter(opened, 'ann', 'wrong'))
  await assert.rejects(act, refused('ACCOUNT_LOCKED', { retry_after: 1800 }))
  await assert.rejects(refresh(engine, tokens.refreshToken, origin), refused('ACCOUNT_LOCKED'))
  clock.jump(30 * MINUTE)
  const next = (await refresh(engine, tokens.refreshToken, origin)).tokens
  assert.equal((await authenticateToken(engine, next.accessToken)).name, 'ann')
})

test('a refresh token is good once; used twice it ends its whole session', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  await person(opened)
  const first = (await enter(opened)).tokens
  const other = (await enter(opened)).tokens
  const second = (await refresh(engine, first.refreshToken, origin)).tokens
  await authenticateToken(engine, second.accessToken)
  await assert.rejects(refresh(engine, first.refreshToken, origin), refused('UNAUTHENTICATED'))
  const access = async () => await authenticateToken(engine, second.accessToken)
  await assert.rejects(access, refused('UNAUTHENTICATED'))
  await assert.rejects(refresh(engine, second.refreshToken, origin), refused('UNAUTHENTICATED'))
  await refresh(engine, other.refreshToken, origin)
})

test('a session ends with its time, however often it is refreshed', async () => {
  const HOUR = 60 * MINUTE
  await using opened = await openTestStore({
    identity: { refreshSeconds: 7200, sessionSeconds: 18_000 },
  })
  const { engine, clock } = opened
  await person(opened)
  let { tokens } = await enter(opened)
  const hoursLeft = () => ((decodeJwt(tokens.refreshToken).exp ?? 0) * 1000 - clock.now()) / HOUR
  for (const hours of [2, 2, 0.5]) {
    clock.jump(1.5 * HOUR)
    tokens = (await refresh(engine, tokens.refreshToken, origin)).tokens
    assert.ok(Math.abs(hoursLeft() - hours) < 0.01, `${hoursLeft()}`)
  }
  const { identity } = engine
  const stricter = { ...identity, settings: { ...identity.settings, sessionSeconds: 3600 } }
  const over = refused('CREDENTIAL_EXPIRED')
  const { refreshToken } = tokens
  await assert.rejects(refresh({ ...engine, identity: stricter }, refreshToken, origin), over)
  clock.jump(0.5 * HOUR)
  await assert.rejects(refresh(engine, refreshToken, origin), over)
})

test('without a setting a session is refreshed for 30 days', async () => {
  const DAY = 24 * 60 * MINUTE
  await using opened = await openTestStore()
  const { engine, clock } = opened
  await person(opened)
  let { refreshToken } = (await enter(opened)).tokens
  for (let day = 6; day < 30; day += 6) {
    clock.jump(6 * DAY)
    ;({ refreshToken } = (await refresh(engine, refreshToken, origin)).tokens)
  }
  clock.jump(6 * DAY - MINUTE)
  ;({ refreshToken } = (await refresh(engine, refreshToken, origin)).tokens)
  clock.jump(2 * MINUTE)
  await assert.rejects(refresh(engine, refreshToken, origin), refused('CREDENTIAL_EXPIRED'))
})

test('of refreshes in parallel one wins, and the session is over', async () => {
  await using opened = await openTestStore({ thread: true })
  const { engine } = opened
  await person(opened)
  const { refreshToken } = (await enter(opened)).tokens
  const tries = Array.from({ length: 4 }, () => refresh(engine, refreshToken, origin))
  const results = await Promise.allSettled(tries)
  const won = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  assert.ok(won.length <= 1)
  for (const { tokens } of won) {
    await assert.rejects(async () => await authenticateToken(engine, tokens.accessToken))
  }
})

test('sessions and accounts survive a restart and a rebuild', async () => {
  let opened = await openTestStore()
  await person(opened)
  const { tokens } = await enter(opened)
  for (const how of [undefined, 'rebuild'] as const) {
    opened = await opened.reopen(how)
    const principal = await authenticateToken(opened.engine, tokens.accessToken)
    assert.equal(principal.name, 'ann')
  }
  await refresh(opened.engine, tokens.refreshToken, origin)
  await opened[Symbol.asyncDispose]()
})
