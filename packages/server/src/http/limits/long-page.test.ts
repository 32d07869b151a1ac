import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../../started-server.test.ts'

const user = { username: 'ann', password: 'Lower-Salmon-71-Kettle' }

for (const limit of [50, 1000]) {
  test(`who is shut out while a page of ${limit} waits for its turn gets none`, async () => {
    await using server = await startServer()
    const json = { ...user, roles: ['AUDITOR'], must_change_password: false }
    const made = await server.ask('POST /api/v2/users', { json })
    const { json: tokens } = await server.ask('POST /api/v2/auth/login', { json: user, key: null })
    const own = { key: null, headers: { authorization: `Bearer ${tokens.access_token}` } }
    const list = `GET /api/v2/assets?limit=${limit}`
    assert.equal((await server.ask(list, own)).status, 200)
    const { lists } = server.running.context.engine
    const next = lists.next.bind(lists)
    lists.next = async caller => {
      lists.next = next
      await next(caller)
      const shut = { json: { status: 'INACTIVE' } }
      assert.equal((await server.ask(`PUT /api/v2/users/${made.json.id}`, shut)).status, 200)
    }
    const late = await server.ask(list, own)
    assert.deepEqual([late.status, late.json.code], [401, 'UNAUTHENTICATED'])
  })
}
