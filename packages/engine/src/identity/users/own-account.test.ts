import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { TOTP } from 'otpauth'
import { authenticateKey, createKey } from '../../access/keys/keys.ts'
import { openTestStore, refused, type TestStore } from '../../test-store.test.ts'
import { beginFactor, confirmFactor, removeFactor } from '../factors/second-factor.ts'
import { authenticateToken } from '../sessions/authenticate-token.ts'
import { login } from '../sessions/login.ts'
import { loginWithCode } from '../sessions/login-with-code.ts'
import { createUser, resetPassword, updateUser } from './users.ts'

const password = 'Correct-Horse-7-Battery'
const origin = { ip: '', agent: '' }

test('a session is not enough to keep the own account, nor is a key made by it', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const input = { username: 'root', password, roles: ['ADMIN'], mustChangePassword: false }
  const email = 'root@example.org'
  const { id } = await createUser(engine, call, { ...input, email })
  const { secret: shown } = await beginFactor(engine, call, { name: 'root', password })
  const totp = new TOTP({ secret: shown })
  const codeNow = () => totp.generate({ timestamp: engine.clock.now() })
  await confirmFactor(engine, call, { name: 'root', password, code: codeNow() })
  opened.clock.jump(60_000)
  const entered = async () => {
    const { tokens } = await loginWithCode(
      engine,
      { challenge: await challengeOf(opened, 'root'), code: codeNow() },
      origin,
    )
    return { ...call, principal: await authenticateToken(engine, tokens.accessToken) }
  }
  const session = await entered()
  const { secret } = await createKey(engine, session, { name: 'kept', permissions: ['*'] })
  const byKey = { ...call, principal: await authenticateKey(engine, secret) }
  const evil = { id, patch: { email: 'evil@example.org' } }
  for (const own of [session, byKey]) {
    const given = { id, password: 'Taken-Over-1234', mustChange: false }
    await assert.rejects(resetPassword(engine, own, given), refused('FORBIDDEN'))
    await assert.rejects(removeFactor(engine, own, id), refused('FORBIDDEN'))
    await assert.rejects(updateUser(engine, own, evil), refused('FORBIDDEN'))
    const guess = { ...evil, password: 'Wrong-Horse-7-Battery' }
    await assert.rejects(updateUser(engine, own, guess), refused('UNAUTHENTICATED'))
    const half = { ...evil, password }
    await assert.rejects(updateUser(engine, own, half), refused('SECOND_FACTOR_REQUIRED'))
  }
  // What is no address is changed as ever, and so are the addresses of others.
  await updateUser(engine, session, { id, patch: { firstName: 'R', email } })
  const { id: other } = await createUser(engine, session, { ...input, username: 'other' })
  await updateUser(engine, session, { id: other, patch: { email: 'other@example.org' } })
  opened.clock.jump(60_000)
  const proven = { id, patch: { email: 'new@example.org' }, password, code: codeNow() }
  assert.equal((await updateUser(engine, session, proven)).email, 'new@example.org')
  // The code is spent.
  const again = { ...proven, patch: { email: 'next@example.org' } }
  await assert.rejects(updateUser(engine, session, again), refused('UNAUTHENTICATED'))
})

async function challengeOf({ engine }: TestStore, name: string): Promise<string> {
  try {
    await login(engine, { name, password }, origin)
  } catch (error) {
    if (isHoldfastError(error)) return String(error.details.challenge)
  }
  return assert.fail('a password alone opened a session')
}
