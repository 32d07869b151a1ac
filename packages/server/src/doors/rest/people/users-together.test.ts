import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refused, startServer, type Tree } from '../../../started-server.test.ts'

const password = 'Correct-Horse-7-Battery'

test('users are counted and acted on together, and each stands in the audit log', async () => {
  await using server = await startServer({
    env: { STORAGE_INITIAL_ADMIN_USERNAME: 'system', STORAGE_INITIAL_ADMIN_PASSWORD: password },
  })
  const make = async (username: string): Promise<string> => {
    const json = { username, password, roles: ['USER'], must_change_password: false }
    return (await server.ask('POST /api/v2/users', { json })).json.id
  }
  const [ann, bob] = [await make('ann'), await make('bob')]
  const [system] = (await server.ask('GET /api/v2/users?search=system')).json.items
  const act = async (action: string, ids: string[], as: object = {}) =>
    await server.ask('POST /api/v2/users/batch', { ...as, json: { action, ids } })
  const off = await act('deactivate', [ann, system.id, bob])
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
    removed.map(({ outcome, resource, detail }: Tree) => [outcome, resource.id, detail.by]),
    [
      ['success', bob, 'actOnUsers'],
      ['success', ann, 'actOnUsers'],
    ],
  )
  const updated = await rows('updateUser')
  assert.ok(
    updated.some(({ code, resource }: Tree) => {
      return code === 'USER_PROTECTED' && resource.id === system.id
    }),
  )
  const statuses = updated.flatMap(({ resource, detail: { before, after } }: Tree) => {
    return resource.id === ann ? [[before.status, after.status]] : []
  })
  assert.deepEqual(statuses, [
    ['INACTIVE', 'ACTIVE'],
    ['ACTIVE', 'INACTIVE'],
  ])
  const [whole] = await rows('actOnUsers')
  assert.deepEqual(whole.detail, { action: 'delete', succeeded: 2, failed: 0 })
})
