import type { JsonObject } from '@holdfast/core/records.ts'
import Type, { type Static } from 'typebox'
import { closed, cursor, limit, nullable, time, total } from '../fields.ts'

const text = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 255, description }))
const moment = (description: string) => Type.Optional(time(description))

const filter = {
  actor: text('Id of the principal.'),
  action: text('Name of the operation, such as `login`.'),
  outcome: Type.Optional(Type.Enum(['success', 'refused', 'failed'])),
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
    ip: Type.String({ description: 'Address of the caller.' }),
    agent: Type.String({ description: 'User-Agent of the caller.' }),
    request_id: Type.String(),
    action: Type.String({ description: 'Name of the operation.' }),
    outcome: Type.Enum(['success', 'refused', 'failed']),
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
