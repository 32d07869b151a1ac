import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEntry } from '@holdfast/core/identities.ts'
import { commit } from '../commit.ts'
import { callOf, openTestStore, refused, type TestStore } from '../test-store.test.ts'
import { reportAudits } from './report-audits.ts'

function entryOf(at: string, action: string, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    ...{ at, actor: 'a', actorKind: 'user', actorName: 'ann', ip: '127.0.0.1', agent: 'tests' },
    ...{ requestId: 'r', action, outcome: 'success', status: 200, code: null },
    ...{ resource: {}, detail: {} },
    ...more,
  }
}

async function append({ engine, call }: TestStore, entries: readonly AuditEntry[]) {
  const [key] = engine.auditKeys.ring
  await commit(engine, call, { name: 'audits.append', args: { entries, key } })
}

const refusal = { outcome: 'refused', status: 401, actorKind: 'anonymous' } as const
const IN = '2026-02-15T00:00:00.000Z'
const period = { from: '2026-02-01T00:00:00Z', until: '2026-03-01T00:00:00Z' }

test('a period is told by what happened in it, and the whole log by its chain', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await append(opened, [
    entryOf('2026-01-31T23:59:59.999Z', 'createUser'),
    entryOf('2026-02-01T00:00:00.000Z', 'createUser', { administers: true }),
    entryOf(IN, 'login', { ...refusal, code: 'UNAUTHENTICATED' }),
    entryOf(IN, 'login', { ...refusal, status: 423, code: 'ACCOUNT_LOCKED' }),
    entryOf(IN, 'createGroup', { outcome: 'failed', status: 409 }),
    entryOf(IN, 's3.PutBucketPolicy'),
    entryOf(IN, 'lockUser', { actorKind: 'system' }),
    entryOf(IN, 'rotateSigningKey', { actorKind: 'system' }),
    entryOf(IN, 'rotateSecret', { actorKind: 'service_account' }),
    entryOf(IN, 'createKey'),
    entryOf(IN, 'listUsers', { administers: true }),
    entryOf(IN, 'listUsers', { ...refusal, status: 403 }),
    entryOf(IN, 'refusals', { outcome: 'refused', actorKind: 'system', detail: { count: 40 } }),
    entryOf('2026-03-01T00:00:00.000Z', 'login'),
  ])
  const report = await reportAudits(engine, call, period)
  assert.deepEqual(report.chain.problems, [])
  assert.deepEqual([report.rows, report.complete, report.chain.rows], [12, true, 14])
  assert.equal(report.sealedBy, engine.auditKeys.ring[0].id)
  assert.deepEqual(report.byOutcome, { success: 7, refused: 4, failed: 1 })
  const bySeverity = { info: 1, notice: 5, warning: 5, error: 1, critical: 0 }
  assert.deepEqual(report.bySeverity, bySeverity)
  const byActor = { user: 3, admin_user: 2, service_account: 1, system: 3, anonymous: 3 }
  assert.deepEqual(report.byActorType, byActor)
  assert.deepEqual([report.byAction.login, report.byAction.listUsers], [2, 2])
  assert.deepEqual(report.counts, {
    ...{ refusedLogins: 2, lockouts: 1, rightsChanges: 1, policyChanges: 1, keyChanges: 3 },
    ...{ keyRotations: 2, administrativeReads: 1, countedRefusals: 40 },
    ...{ chainBreaks: 0, acknowledgements: 0, retentionRuns: 0 },
  })
})

test('a limit of rows is told, on both sides of it and over several pages', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await append(
    opened,
    Array.from({ length: 1500 }, () => entryOf(IN, 'login')),
  )
  for (const [rowsMax, rows, complete] of [
    [1499, 1499, false],
    [1500, 1500, true],
  ] as const) {
    const report = await reportAudits(engine, call, { ...period, rowsMax })
    assert.deepEqual([report.rows, report.complete], [rows, complete])
  }
})

test('only who may view the log is told, of a period that can be', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const nobody = callOf({ id: 'x', permissions: ['admin:users', 'audit:export'] })
  await assert.rejects(reportAudits(engine, nobody, {}), refused('FORBIDDEN'))
  for (const wrong of [{ from: 'soon' }, { from: period.until, until: period.from }]) {
    await assert.rejects(reportAudits(engine, call, wrong), refused('VALIDATION_ERROR'))
  }
  const signal = AbortSignal.abort(new Error('gone'))
  await assert.rejects(reportAudits(engine, { ...call, signal }, {}), /gone/)
})
