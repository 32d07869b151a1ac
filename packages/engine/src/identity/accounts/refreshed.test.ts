import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { decodeJwt } from 'jose'
import { openTestStore, refused, type TestStore } from '../../test-store.test.ts'
import { authenticateToken } from '../sessions/authenticate-token.ts'
import { endSession, endSessions, listSessions } from '../sessions/sessions.ts'
import { createAccount, rotateSecret } from './accounts.ts'
import { issueClientToken } from './client-token.ts'

async function runner({ engine, call }: TestStore) {
  const made = await createAccount(engine, call, { name: 'runner', roles: ['ADMIN'] })
  const { clientId, id } = made.account
  const enter = async (more: { scope?: string; secret?: string; refreshToken?: string } = {}) =>
    await issueClientToken(engine, { clientId, secret: made.secret, ...more })
  const act = async (token: string): Promise<Call> => {
    return { ...call, principal: await authenticateToken(engine, token) }
  }
  return { id, enter, act }
}

test('a token with a scope neither sees nor ends the sessions of its account', async () => {
  await using opened = await openTestStore({ identity: { accountRefresh: true } })
  const { engine } = opened
  const { enter, act } = await runner(opened)
  const whole = await enter()
  const narrowed = await act((await enter({ scope: 'metrics:read' })).accessToken)
  const sessions = await listSessions(engine, await act(whole.accessToken))
  assert.equal(sessions.length, 2)
  const { id = '' } = sessions[1]?.session ?? {}
  for (const asked of [
    listSessions(engine, narrowed),
    endSession(engine, narrowed, { id }),
    endSessions(engine, narrowed, { keepCurrent: true }),
    endSessions(engine, narrowed, { keepCurrent: false }),
  ]) {
    await assert.rejects(asked, refused('FORBIDDEN'))
  }
  assert.equal(await endSessions(engine, await act(whole.accessToken), { keepCurrent: true }), 1)
})

test('a token of a session ends with the secret that the session began with', async () => {
  await using opened = await openTestStore({ identity: { accountRefresh: true } })
  const { engine, call, clock } = opened
  const { id, enter, act } = await runner(opened)
  const { refreshToken = '' } = await enter()
  const { secret } = await rotateSecret(engine, call, { id, overlapS: 60 })
  clock.jump(50_000)
  const renewed = await enter({ secret, refreshToken })
  assert.equal(renewed.expiresInS, 10)
  assert.equal(decodeJwt(renewed.accessToken).exp, renewed.issuedAtS + 10)
  await act(renewed.accessToken)
  assert.equal((await enter({ secret })).expiresInS, 1800)
})
