import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refused, startServer, type Tree } from '../../../started-server.test.ts'

const password = 'Correct-Horse-7-Battery'

test('users are counted and acted on together, and each stands in the audit log', async () => {
  await using server = await startServer({
    env: { STORAGE_INITIAL_ADMIN_USERNAME: 'chief', STORAGE_INITIAL_ADMIN_PASSWORD: password },
  })
  const make = async (username: string): Promise<string> => {
    const json = { username, password, roles: ['USER'], must_change_password: false }
    return (await server.ask('POST /api/v2/users', { json })).json.id
  }
  const [ann, bob] = [await make('ann'), await make('bob')]
  const [chief] = (await server.ask('GET /api/v2/users?search=chief')).json.items
  const act = async (action: string, ids: string[], as: object = {}) =>
    await server.ask('POST /api/v2/users/batch', { ...as, json: { action, ids } })
  const off = await act('deactivate', [ann, chief.id, bob])
  assert.equal(off.status, 207, off.text)
  assert.deepEqual([off.json.succeeded, off.json.failed], [2, 1])
  assert.deepEqual(
    off.json.results.map(({ status, user, error }: Tree) => [status, user?.status, error?.code]),
    [
      [200, 'INACTIVE', undefined],
      [409, undefined, 'USER_PROTECTED'],
      [200, 'INACTIVE', undefined],
    ],
  )
  const disabled = await server.ask('GET /api/v2/users?enabled=false&limit=1')
  assert.deepEqual([disabled.json.total, disabled.json.items.length], [2, 1])
  const counted = (await server.ask('GET /api/v2/users/statistics')).json
  assert.deepEqual([counted.total, counted.by_status.INACTIVE, counted.by_role.ADMIN], [3, 2, 1])
  assert.equal((await act('activate', [ann, bob])).status, 200)
  const entered = { json: { username: 'ann', password }, key: null }
  const { access_token } = (await server.ask('POST /api/v2/auth/login', entered)).json
  const asAnn = { key: null, headers: { authorization: `Bearer ${access_token}` } }
  refused(await act('delete', [bob], asAnn), 403, 'FORBIDDEN')
  assert.equal((await act('end_sessions', [ann])).json.results[0].ended, 1)
  refused(await server.ask('GET /api/v2/auth/me', asAnn), 401, 'UNAUTHENTICATED')
  const many = Array.from({ length: 101 }, () => ann)
  for (const ids of [[], many, ['none']]) refused(await act('delete', ids), 422, 'VALIDATION_ERROR')
  refused(await act('promote', [ann]), 422, 'VALIDATION_ERROR')
  assert.equal((await act('delete', [ann, bob])).status, 200)
  await server.running.context.audit.flush()
  const rows = async (action: string) =>
    (await server.ask(`GET /api/v2/audit?action=${action}`)).json.items
  const removed = await rows('removeUser')
  assert.deepEqual(
    removed.map(({ outcome, resource, detail: { by, before, after } }: Tree) => {
      return [outcome, resource.id, by, before.username, after]
    }),
    [
      ['success', bob, 'actOnUsers', 'bob', null],
      ['success', ann, 'actOnUsers', 'ann', null],
    ],
  )
  const updated = await rows('updateUser')
  assert.ok(
    updated.some(({ code, resource }: Tree) => {
      return code === 'USER_PROTECTED' && resource.id === chief.id
    }),
  )
  const statuses = updated.flatMap(({ resource, detail: { before, after } }: Tree) => {
    return resource.id === ann ? [[before.status, after.status]] : []
  })
  assert.deepEqual(statuses, [
    ['INACTIVE', 'ACTIVE'],
    ['ACTIVE', 'INACTIVE'],
  ])
  const [sessions] = await rows('endUserSessions')
  assert.deepEqual([sessions.detail.before.username, sessions.detail.ended], ['ann', 1])
  const [whole] = await rows('actOnUsers')
  assert.deepEqual(whole.detail, { action: 'delete', succeeded: 2, failed: 0 })
})

test('changes of accounts are told with before and after, locks and keys by rows', async () => {
  await using server = await startServer()
  const json = { username: 'ann', password, roles: ['USER'], must_change_password: false }
  const { id } = (await server.ask('POST /api/v2/users', { json })).json
  const enter = async (given: string) => {
    return await server.ask('POST /api/v2/auth/login', {
      json: { username: 'ann', password: given },
      key: null,
    })
  }
  assert.equal((await enter(password)).status, 200)
  for (let n = 0; n < 5; n += 1) await enter('wrong')
  for (const action of ['unlock', 'require_password_change']) {
    await server.ask('POST /api/v2/users/batch', { json: { action, ids: [id] } })
  }
  for (let n = 0; n < 5; n += 1) await enter('wrong')
  await server.ask(`POST /api/v2/users/${id}/unlock`)
  await server.ask(`DELETE /api/v2/users/${id}`)
  const group = (await server.ask('POST /api/v2/groups', { json: { name: 'crew' } })).json
  await server.ask(`DELETE /api/v2/groups/${group.id}`)
  await server.running.context.audit.flush()
  const rows = async (action: string): Promise<Tree[]> =>
    (await server.ask(`GET /api/v2/audit?action=${action}`)).json.items
  const changes = async (action: string, field: string) =>
    (await rows(action)).map(({ detail: { before, after } }) => [before?.[field], after?.[field]])
  const unlocked = ['LOCKED', 'ACTIVE']
  assert.deepEqual(await changes('unlockUser', 'status'), [unlocked, unlocked])
  const forced = await changes('requirePasswordChange', 'must_change_password')
  assert.deepEqual(forced, [[false, true]])
  assert.deepEqual(await changes('removeUser', 'username'), [['ann', undefined]])
  assert.deepEqual(await changes('removeGroup', 'name'), [['crew', undefined]])
  const locks = await rows('lockUser')
  assert.deepEqual(
    locks.map(({ resource, severity, actor_type: type }) => [resource.id, severity, type]),
    [
      [id, 'warning', 'system'],
      [id, 'warning', 'system'],
    ],
  )
  const [key] = await rows('rotateSigningKey')
  assert.deepEqual([key.actor_type, key.detail.by], ['system', 'interval'])
  const report = (await server.ask('GET /api/v2/audit/report')).json
  assert.deepEqual([report.lockouts, report.key_rotations], [2, 1])
})
