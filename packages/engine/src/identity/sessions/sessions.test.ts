import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { callOf, openTestStore, refused, type TestStore } from '../../test-store.test.ts'
import { createUser } from '../users/users.ts'
import { authenticateToken } from './authenticate-token.ts'
import { login, refresh } from './login.ts'
import { endSession, endSessions, listSessions } from './sessions.ts'

const password = 'Correct-Horse-7-Battery'

async function person(opened: TestStore, username: string, roles = ['USER']) {
  const input = { username, password, roles, mustChangePassword: false }
  return await createUser(opened.engine, opened.call, input)
}

async function enter({ engine, call }: TestStore, name: string, ip = '192.0.2.1') {
  const { tokens } = await login(engine, { name, password }, { ip, agent: `agent of ${name}` })
  const act = async (): Promise<Call> => {
    return { ...call, principal: await authenticateToken(engine, tokens.accessToken) }
  }
  return { tokens, act, call: await act() }
}

test('a user sees where it is logged in, from where, and when it was used', async () => {
  await using opened = await openTestStore()
  const { engine, clock } = opened
  await person(opened, 'ann')
  await person(opened, 'bob')
  await enter(opened, 'bob')
  const first = await enter(opened, 'ann', '192.0.2.1')
  clock.jump(60_000)
  const second = await enter(opened, 'ann', '192.0.2.2')
  clock.jump(60_000)
  const shown = await listSessions(engine, await second.act())
  assert.deepEqual(
    shown.map(({ session, isCurrent }) => [session.ip, session.agent, isCurrent]),
    [
      ['192.0.2.2', 'agent of ann', true],
      ['192.0.2.1', 'agent of ann', false],
    ],
  )
  const now = new Date(clock.now()).toISOString()
  assert.equal(shown[0]?.lastUsedAt, now)
  assert.ok((shown[1]?.lastUsedAt ?? now) < now)
  const elsewhere = { ip: '198.51.100.7', agent: 'another agent' }
  await refresh(engine, first.tokens.refreshToken, elsewhere)
  const [, renewed] = await listSessions(engine, second.call)
  assert.deepEqual(
    [renewed?.session.ip, renewed?.session.lastIp, renewed?.session.lastAgent],
    ['192.0.2.1', '198.51.100.7', 'another agent'],
  )
  clock.jump(8 * 86_400_000)
  assert.deepEqual(await listSessions(engine, second.call), [])
})

test('a hundred sessions are open at once, and one more ends the oldest', async () => {
  await using opened = await openTestStore()
  const { engine, clock } = opened
  await person(opened, 'ann')
  const next = async () => {
    // Ids of one moment have no order.
    clock.jump(1000)
    return await enter(opened, 'ann')
  }
  const [first, second] = [await next(), await next()]
  for (let n = 2; n < 100; n += 1) await next()
  await first.act()
  const last = await next()
  await assert.rejects(first.act(), refused('UNAUTHENTICATED'))
  await second.act()
  assert.equal((await listSessions(engine, await last.act())).length, 100)
})

test('one ends one or all others; what ended opens nothing', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  await person(opened, 'ann')
  const [one, two, three] = [
    await enter(opened, 'ann'),
    await enter(opened, 'ann'),
    await enter(opened, 'ann'),
  ]
  const id = two.call.principal.sessionId ?? ''
  await endSession(engine, one.call, { id })
  await assert.rejects(two.act, refused('UNAUTHENTICATED'))
  const again = refresh(engine, two.tokens.refreshToken, { ip: '', agent: '' })
  await assert.rejects(again, refused('UNAUTHENTICATED'))
  await assert.rejects(endSession(engine, one.call, { id }), refused('SESSION_NOT_FOUND'))
  assert.equal(await endSessions(engine, one.call, { keepCurrent: true }), 1)
  await assert.rejects(three.act, refused('UNAUTHENTICATED'))
  await one.act()
  assert.equal(await endSessions(engine, one.call, { keepCurrent: false }), 1)
  await assert.rejects(one.act, refused('UNAUTHENTICATED'))
})

test('the sessions of others are for administrators of users, within their rights', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const ann = await person(opened, 'ann')
  const root = await person(opened, 'root', ['ADMIN'])
  const [inAnn, inRoot] = [await enter(opened, 'ann'), await enter(opened, 'root')]
  const bob = callOf({ kind: 'user', id: 'bob' })
  const id = inAnn.call.principal.sessionId ?? ''
  await assert.rejects(endSession(engine, bob, { id }), refused('SESSION_NOT_FOUND'))
  await assert.rejects(endSession(engine, bob, { userId: ann.id, id }), refused('FORBIDDEN'))
  await assert.rejects(listSessions(engine, bob, ann.id), refused('FORBIDDEN'))
  const ending = { userId: root.id, keepCurrent: false }
  await assert.rejects(endSessions(engine, inAnn.call, ending), refused('FORBIDDEN'))
  const clerk = callOf({ id: 'clerk', permissions: ['admin:users'] })
  await assert.rejects(endSessions(engine, clerk, ending), refused('FORBIDDEN'))
  await inRoot.act()
  assert.equal((await listSessions(engine, clerk, ann.id)).length, 1)
  const wrongOwner = { userId: root.id, id }
  await assert.rejects(endSession(engine, call, wrongOwner), refused('SESSION_NOT_FOUND'))
  await endSession(engine, call, { userId: ann.id, id })
  await assert.rejects(inAnn.act, refused('UNAUTHENTICATED'))
  assert.equal(await endSessions(engine, call, ending), 1)
  await assert.rejects(inRoot.act, refused('UNAUTHENTICATED'))
  const none = { userId: '0199d0c0-0000-7000-8000-000000000009', keepCurrent: false }
  await assert.rejects(endSessions(engine, call, none), refused('USER_NOT_FOUND'))
})
