import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actorTypeOf, filedEntry, severityOf } from '@holdfast/core/audit-entries.ts'
import { auditText, firstAuditLink } from '@holdfast/core/identities.ts'

test('severity follows from action and outcome', () => {
  for (const [action, outcome, severity] of [
    ['audit.chain.broken', 'failed', 'critical'],
    ['auditOverflow', 'failed', 'critical'],
    ['createUser', 'failed', 'error'],
    ['createUser', 'refused', 'warning'],
    ['createUser', 'success', 'notice'],
    ['s3.PutBucketPolicy', 'success', 'notice'],
    ['rotateSecret', 'success', 'notice'],
    ['audit.rows.dropped', 'success', 'notice'],
    ['lockUser', 'success', 'warning'],
    ['endReusedSession', 'success', 'warning'],
    ['login', 'success', 'info'],
    ['listUsers', 'success', 'info'],
    ['s3.GetObject', 'refused', 'warning'],
  ] as const) {
    assert.equal(severityOf({ action, outcome }), severity, `${action} ${outcome}`)
  }
})

test('the type of an actor follows from its kind and rights', () => {
  for (const [actorKind, administers, type] of [
    ['user', true, 'admin_user'],
    ['user', false, 'user'],
    ['external', true, 'admin_user'],
    ['api_key', true, 'service_account'],
    ['service_account', true, 'service_account'],
    ['system', true, 'system'],
    ['anonymous', false, 'anonymous'],
    ['link', true, 'anonymous'],
    ['share', false, 'anonymous'],
  ] as const) {
    assert.equal(actorTypeOf({ actorKind, administers }), type, actorKind)
  }
})

test('whatever is changed about an entry changes what is sealed', () => {
  const entry = filedEntry({
    ...{ at: '2026-05-01T00:00:00.000Z', actor: 'a', actorKind: 'user', actorName: 'ann' },
    ...{ administers: true, ip: '127.0.0.1', agent: 'tests', requestId: 'r', action: 'act' },
    ...{ outcome: 'success', status: 200, code: null, resource: {}, detail: {} },
  })
  assert.ok(!('administers' in entry))
  const textOf = (changed: object) =>
    auditText({ seq: 1, previous: firstAuditLink, entry: { ...entry, ...changed } })
  const texts = Object.keys(entry).map(name => textOf({ [name]: 'changed' }))
  assert.equal(texts.length, 16)
  assert.equal(new Set([textOf({}), ...texts]).size, 17)
})
