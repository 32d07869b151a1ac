import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callOf, openTestStore, refused, type TestStore } from '../../test-store.test.ts'
import { authenticateToken } from '../sessions/authenticate-token.ts'
import { login } from '../sessions/login.ts'
import { type ActedUser, actOnUsers, type UserAction } from './act-on-users.ts'
import { changePassword, createUser, ensureAdministrator, getUser } from './users.ts'

const password = 'Correct-Horse-7-Battery'
const origin = { ip: '', agent: '' }
const nobody = '00000000-0000-4000-8000-000000000000'

async function people(opened: TestStore, roles: Readonly<Record<string, string>>) {
  const { engine, call } = opened
  const made: Record<string, string> = {}
  for (const [username, role] of Object.entries(roles)) {
    const input = { username, password, roles: [role], mustChangePassword: false }
    made[username] = (await createUser(engine, call, input)).id
  }
  return made
}

async function enter({ engine, call }: TestStore, name: string) {
  const { tokens } = await login(engine, { name, password }, origin)
  const principal = await authenticateToken(engine, tokens.accessToken)
  return { ...call, principal, token: tokens.accessToken }
}

const outcomes = (results: readonly ActedUser[]) =>
  results.map(({ error }) => error?.code ?? 'done')

test('each user is judged for itself, by the rules of the single routes', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await ensureAdministrator(engine, { username: 'chief', password })
  const {
    ann = '',
    bob = '',
    boss = '',
  } = await people(opened, {
    ...{ ann: 'USER', bob: 'USER', boss: 'ADMIN' },
  })
  const chief = (await engine.catalog.view.identities.byName('user', 'chief'))?.id ?? ''
  const told: string[] = []
  const act = async (action: UserAction, ids: string[], as = call) => {
    const tell = async ({ id }: ActedUser) => void told.push(id)
    return outcomes(await actOnUsers(engine, as, { action, ids, tell }))
  }
  const all = [ann, nobody, chief, bob]
  assert.deepEqual(await act('deactivate', all), [
    ...['done', 'USER_NOT_FOUND', 'USER_PROTECTED', 'done'],
  ])
  assert.deepEqual(told, all)
  assert.equal((await getUser(engine, call, bob)).status, 'INACTIVE')
  assert.deepEqual(await act('activate', [ann, bob.toUpperCase(), bob]), ['done', 'done'])
  const limited = callOf({ permissions: ['admin:users'] })
  assert.deepEqual(await act('delete', [boss, chief], limited), ['FORBIDDEN', 'FORBIDDEN'])
  assert.deepEqual(await act('end_sessions', [boss], limited), ['FORBIDDEN'])
  assert.deepEqual(await act('require_password_change', [boss], limited), ['FORBIDDEN'])
  await assert.rejects(act('delete', [ann], callOf({ permissions: ['keys:admin'] })), error => {
    return refused('FORBIDDEN')(error)
  })
  assert.deepEqual(await act('delete', [ann, ann, bob]), ['done', 'done'])
  assert.deepEqual(await act('unlock', [ann, boss]), ['USER_NOT_FOUND', 'done'])
})

test('who must change the password is out, and in again with another one only', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { ann = '' } = await people(opened, { ann: 'USER' })
  const { token } = await enter(opened, 'ann')
  const tell = async () => {}
  const action = 'require_password_change'
  const [acted] = await actOnUsers(engine, call, { action, ids: [ann], tell })
  assert.equal(acted?.done?.user?.password?.mustChange, true)
  await assert.rejects(
    async () => await authenticateToken(engine, token),
    refused('UNAUTHENTICATED'),
  )
  await assert.rejects(enter(opened, 'ann'), refused('PASSWORD_CHANGE_REQUIRED'))
  const newPassword = 'Another-Horse-8'
  await changePassword(engine, call, { name: 'ann', password, newPassword })
  await login(engine, { name: 'ann', password: newPassword }, origin)
})

test('whoever is shut out by it does no more, and the own account comes last', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  const {
    root = '',
    ann = '',
    boss = '',
  } = await people(opened, {
    ...{ root: 'ADMIN', ann: 'USER', boss: 'ADMIN' },
  })
  const own = await enter(opened, 'root')
  await enter(opened, 'ann')
  const tell = async () => {}
  const ended = await actOnUsers(engine, own, { action: 'end_sessions', ids: [root, ann], tell })
  const told = ended.map(({ id, done }) => [id, done?.before.id, done?.ended])
  assert.deepEqual(told, [
    [root, root, 1],
    [ann, ann, 1],
  ])
  const again = await enter(opened, 'root')
  // Another administrator acts in between.
  const shut = async () => {
    const by = await enter(opened, 'boss')
    await actOnUsers(engine, by, { action: 'deactivate', ids: [root], tell })
  }
  const ids = [ann, boss]
  const first = await actOnUsers(engine, again, { action: 'deactivate', ids, tell: shut })
  assert.deepEqual(outcomes(first), ['done', 'UNAUTHENTICATED'])
})

test('what takes a proof is refused as a whole without one', async () => {
  await using opened = await openTestStore()
  const { engine, clock } = opened
  const { ann = '' } = await people(opened, { root: 'ADMIN', ann: 'USER' })
  const own = await enter(opened, 'root')
  await clock.advance(16 * 60_000)
  const tell = async () => {}
  for (const action of ['activate', 'unlock'] as const) {
    const asked = actOnUsers(engine, own, { action, ids: [ann], tell })
    await assert.rejects(asked, refused('CONFIRMATION_REQUIRED'))
  }
  const taken = await actOnUsers(engine, own, { action: 'deactivate', ids: [ann], tell })
  assert.deepEqual(outcomes(taken), ['done'])
})
