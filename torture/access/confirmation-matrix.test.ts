import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Route } from '@holdfast/contract/route.ts'
import { type OperationId, routes } from '@holdfast/contract/routes.ts'
import { openLab } from './open-lab.ts'
import { type Caller, password } from './people.ts'
import { requestOf } from './rest/requests.ts'
import type { Row } from './rest/row.ts'
import { rows } from './rest/rows/all-rows.ts'
import { Worlds } from './rest/worlds.ts'
import { jsonOf } from './wire.ts'

/** Changes of identities that ask for no proof, and why. A new route is here, or asks. */
const spared: Partial<Record<OperationId, string>> = {
  confirmSession: 'is the proof',
  logout: 'takes away',
  endSession: 'takes away',
  endSessions: 'takes away',
  endUserSession: 'takes away',
  endUserSessions: 'takes away',
  removeUser: 'takes away',
  removeGroup: 'takes away',
  removeGrant: 'takes away',
  removeAccount: 'takes away',
  removeSecret: 'takes away',
  revokeKey: 'takes away',
  revokeS3Key: 'takes away',
  revokeShare: 'takes away',
  rotateSigningKey: 'gives nothing to anybody',
  explainAccess: 'changes nothing',
  validateToken: 'changes nothing',
  verifyAudits: 'changes nothing',
  collectGarbage: 'gives nothing to anybody',
  verifyStore: 'changes nothing',
}
/** About assets, buckets and their limits: what is stored, not who may come. */
const isAboutData = ({ permission }: Route): boolean =>
  /^(assets|versions|metadata|buckets|quotas):/.test(permission)
/** These ask for what only some of their bodies do; tests of the engine try those. */
const asksForSome: ReadonlySet<string> = new Set<OperationId>(['createShare', 'updateBucket'])

const PASSED_MS = 16 * 60_000

test('every route that gives rights or outlives a session asks who is there', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-confirmation-'))
  const asked: string[] = []
  try {
    await using lab = await openLab(join(dir, 'data'))
    const username = 'mx-admin'
    const user = { username, password, roles: ['ADMIN'], must_change_password: false }
    const { id } = await lab.must('POST', '/api/v2/users', user)
    const enter = async (): Promise<Caller> => {
      const tokens = await lab.must('POST', '/api/v2/auth/login', { username, password })
      return { name: 'admin', id, headers: { authorization: `Bearer ${tokens.access_token}` } }
    }
    const admin = await enter()
    const worlds = await Worlds.open(lab)
    lab.jump(PASSED_MS)
    const fresh = await enter()
    const key = await lab.must('POST', '/api/v2/keys', { name: 'program', permissions: ['*'] })
    const program = { ...admin, headers: { 'x-api-key': key.key } }
    for (const [operation, route] of Object.entries<Route>(routes)) {
      if (/^(GET|HEAD)$/.test(route.method) || route.permission === 'open') continue
      const asks = route.errors?.includes('CONFIRMATION_REQUIRED') === true
      const isSpared =
        (isAboutData(route) && !asksForSome.has(operation)) || Object.hasOwn(spared, operation)
      assert.notEqual(asks, isSpared, `${operation} asks for a proof, or is spared with a reason`)
      if (!asks || asksForSome.has(operation)) continue
      const row: Row = rows[operation as OperationId]
      const ask = async (who: Caller) => {
        const world = await worlds.get(who, 'foreign', false)
        const made = (await row.prepare?.(world)) ?? {}
        return await lab.rest.ask(requestOf(route, row.ask({ ...world, made }), who.headers))
      }
      const stale = await ask(admin)
      assert.equal(stale.status, 403, `${operation}: ${stale.text}`)
      assert.equal(jsonOf(stale).code, 'CONFIRMATION_REQUIRED', operation)
      for (const who of [fresh, program]) {
        const answer = await ask(who)
        assert.notEqual(jsonOf(answer)?.code, 'CONFIRMATION_REQUIRED', operation)
      }
      asked.push(operation)
    }
    const own = { headers: { ...admin.headers, 'content-type': 'application/json' } }
    const confirm = async (body: object) => {
      const request = { ...own, method: 'POST', path: '/api/v2/auth/confirm' }
      return await lab.rest.ask({ ...request, body: Buffer.from(JSON.stringify(body)) })
    }
    assert.equal((await confirm({ password: 'wrong' })).status, 401)
    assert.equal((await confirm({ password })).status, 200)
    const body = Buffer.from(JSON.stringify({ name: 'after', permissions: ['*'] }))
    const made = await lab.rest.ask({ ...own, method: 'POST', path: '/api/v2/keys', body })
    assert.equal(made.status, 201, made.text)
    const query = '/api/v2/audit?action=confirmSession'
    const { items } = await lab.must('GET', query)
    assert.deepEqual(
      items.map((item: { outcome: string }) => item.outcome),
      ['success', 'refused'],
    )
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  assert.ok(asked.length >= 13, asked.join(' '))
})
