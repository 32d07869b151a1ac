import type { AuditEntry, Session, User } from '@holdfast/core/identities.ts'
import { newId, newTime } from '../records.ts'

/** Whole identities with plain values; tests name only what they are about. */

export function newUser(given: Partial<User> & { username: string }): User {
  return {
    ...fields(),
    kind: 'user',
    names: [given.username],
    email: null,
    firstName: '',
    lastName: '',
    source: 'local',
    outside: null,
    status: 'ACTIVE',
    roles: ['USER'],
    buckets: null,
    password: null,
    failures: 0,
    lockedUntil: null,
    lastLoginAt: null,
    secondFactor: null,
    isSystem: false,
    isLaterBearer: false,
    ...given,
  }
}

export function newSession(given: Partial<Session>): Session {
  return {
    ...fields(),
    kind: 'session',
    generation: 1,
    expiresAt: newTime(),
    ip: '127.0.0.1',
    agent: 'tests',
    lastIp: '127.0.0.1',
    lastAgent: 'tests',
    ...given,
  }
}

function fields() {
  const at = newTime()
  return {
    id: newId(),
    seq: 0,
    names: [],
    belongsTo: null,
    createdAt: at,
    createdBy: 'tester',
    updatedAt: at,
  }
}

/** An entry of the audit log with plain values. */
export function entryOf(action: string): AuditEntry {
  return {
    at: '2026-05-01T00:00:00.000Z',
    actor: 'someone',
    actorKind: 'user',
    actorName: 'ann',
    ip: '127.0.0.1',
    agent: 'tests',
    requestId: 'request-1',
    action,
    outcome: 'success',
    status: 200,
    code: null,
    resource: {},
    detail: {},
  }
}
