import type { JsonObject } from '@holdfast/core/records.ts'
import Type, { type Static } from 'typebox'
import { closed, cursor, limit, nullable, time, total } from '../fields.ts'

const text = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 255, description }))
const moment = (description: string) => Type.Optional(time(description))

const severity = Type.Enum(['info', 'notice', 'warning', 'error', 'critical'], {
  description:
    '`critical`: the log itself; `error`: failed; `warning`: refused; `notice`: rights, ' +
    'policies, keys or the log were changed; `info`: all else.',
})
const actorType = Type.Enum(['user', 'admin_user', 'service_account', 'system', 'anonymous'], {
  description: 'API keys are of programs; whoever comes with a link is anonymous.',
})

const filter = {
  actor: text('Id of the principal.'),
  action: text('Name of the operation, such as `login`.'),
  outcome: Type.Optional(Type.Enum(['success', 'refused', 'failed'])),
  severity: Type.Optional(severity),
  actor_type: Type.Optional(actorType),
  session_id: text('Id of the login.'),
  ip: text('Address of the caller.'),
  from: moment('Not before.'),
  until: moment('Before.'),
}

export const auditQuery = Type.Object({ ...filter, limit, cursor }, closed)

export const auditExportQuery = Type.Object(
  { ...filter, format: Type.Optional(Type.Enum(['jsonl', 'csv'], { default: 'jsonl' })) },
  closed,
)

const facts = (description: string) => Type.Unsafe<JsonObject>({ type: 'object', description })

export const auditRow = Type.Object(
  {
    seq: Type.Integer({ minimum: 1, description: 'From 1, without gaps.' }),
    at: time('When.'),
    actor: Type.String({ description: 'Id of the principal.' }),
    actor_kind: Type.String(),
    actor_name: Type.String(),
    actor_type: actorType,
    ip: Type.String({ description: 'Address of the caller.' }),
    agent: Type.String({ description: 'User-Agent of the caller.' }),
    request_id: Type.String(),
    session_id: nullable(Type.String({ description: 'Of the login that the caller acted in.' })),
    action: Type.String({ description: 'Name of the operation.' }),
    outcome: Type.Enum(['success', 'refused', 'failed']),
    severity,
    status: Type.Integer(),
    code: nullable(Type.String({ description: 'Code of the refusal.' })),
    resource: facts('What it was done to, by the names of the path.'),
    detail: facts('What was and what is, where there is more to tell.'),
    previous: Type.String({ description: 'Hash of the row before.' }),
    hash: Type.String({ description: 'SHA-256 over the row and the hash of the one before.' }),
    seal: Type.String({
      description: 'Id of the key of the audit log, and its HMAC-SHA-256 over number and hash.',
    }),
  },
  { title: 'AuditRow' },
)
export type AuditRowResponse = Static<typeof auditRow>

export const auditList = Type.Object(
  {
    items: Type.Array(auditRow),
    total,
    limit: Type.Integer({ minimum: 1 }),
    next_cursor: nullable(Type.String()),
  },
  { title: 'AuditList' },
)
export type AuditList = Static<typeof auditList>

export const auditVerifyQuery = Type.Object(
  {
    head: Type.Optional(
      Type.String({
        pattern: '^\\d{1,15}:[0-9a-f]{64}$',
        description: 'A `head` of an earlier answer, which the log must still have.',
      }),
    ),
  },
  closed,
)

export const auditReport = Type.Object(
  {
    ok: Type.Boolean(),
    rows: Type.Integer({ minimum: 0 }),
    dropped: Type.Integer({
      minimum: 0,
      description: 'Rows before them that STORAGE_AUDIT_RETENTION_DAYS dropped.',
    }),
    problems: Type.Array(Type.String(), { description: 'Where the log breaks.' }),
    acknowledged: Type.Array(Type.String(), {
      description: 'Where it breaks and somebody took note of it.',
    }),
    unproven: Type.Array(Type.String(), {
      description: 'Rows whose key the server does not have: only their chain was checked.',
    }),
    head: Type.String({
      description:
        'Number and hash of the last row. Kept elsewhere, it proves the log up to there.',
    }),
  },
  { title: 'AuditReport' },
)
export type AuditReport = Static<typeof auditReport>

export const auditAcknowledgement = Type.Object(
  {
    reason: Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'What was found out about it; stands in the log.',
    }),
  },
  { ...closed, title: 'AuditAcknowledgement' },
)

export const auditAcknowledged = Type.Object(
  {
    findings: Type.Array(Type.String(), {
      description: 'What was wrong and is known from now on; whatever happens later is told again.',
    }),
    more: Type.Boolean({ description: 'More is wrong than one row names: acknowledge once more.' }),
  },
  { title: 'AuditAcknowledged' },
)

export const complianceQuery = Type.Object(
  {
    from: moment('Not before; 30 days before `until` unless set.'),
    until: moment('Before; now unless set.'),
  },
  closed,
)

const number = (description: string) => Type.Integer({ minimum: 0, description })
const numbers = (description: string) =>
  Type.Record(Type.String(), Type.Integer({ minimum: 0 }), { description })

export const complianceReport = Type.Object(
  {
    from: time('Beginning of the period.'),
    until: time('End of the period, itself not in it.'),
    chain: Type.Object(
      {
        ...auditReport.properties,
        key: Type.String({ description: 'Id of the key that seals rows now.' }),
        retention_days: number('Age at which rows are dropped; 0: all are kept.'),
      },
      { description: 'Of the whole log, as `verifyAudits` tells it.' },
    ),
    rows: number('Rows of the period that were counted.'),
    complete: Type.Boolean({
      description: 'False where the period has more rows than the 1,000,000 that are counted.',
    }),
    by_action: numbers('Rows of each operation; beyond 500 of them, of `others`.'),
    by_outcome: numbers('Rows of each outcome.'),
    by_severity: numbers('Rows of each severity.'),
    by_actor_type: numbers('Rows of each type of actor.'),
    refused_logins: number('Logins, refreshes and tokens that were refused.'),
    lockouts: number('Accounts that wrong guesses locked.'),
    counted_refusals: number('Refusals of floods, which have one row for many.'),
    rights_changes: number('Changes of users, groups, grants, accounts, factors and share links.'),
    policy_changes: number('Changes of policies, settings and quotas of buckets.'),
    key_changes: number('Keys and secrets made, changed and revoked; with the rotations.'),
    key_rotations: number('Signing keys and secrets rotated by somebody, keys of the log changed.'),
    administrative_reads: number('Looks at what only administrators and auditors see.'),
    chain_breaks: number('Times that the log was found broken.'),
    acknowledgements: number('Times that somebody took note of it.'),
    retention_runs: number('Times that rows were dropped for their age.'),
  },
  { title: 'ComplianceReport' },
)
export type ComplianceReport = Static<typeof complianceReport>
