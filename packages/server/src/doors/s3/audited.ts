import { HIDDEN, isHoldfastError } from '@holdfast/core/errors.ts'
import type { AuditEntry } from '@holdfast/core/identities.ts'
import { administers } from '@holdfast/core/principal.ts'
import { isOfAnother } from '@holdfast/engine/access/bucket-owners.ts'
import { manyOf } from '../../http/caller/tell-changed.ts'
import { isOfGuesses } from '../../http/limits/guesses.ts'
import { resourceOf } from '../../telemetry/hidden-credentials.ts'
import type { S3Error } from './errors.ts'
import { operations } from './operations.ts'
import { addressOfCaller, type S3Request } from './requests/request.ts'

/**
 * What stands in the audit log of this door: every change of a bucket, durable before the answer
 * goes out, every refusal, and every look of administrators at the settings and unfinished uploads
 * of a bucket of somebody else. Changes of objects stand there only if the settings ask for it.
 */
export async function auditAnswer(request: S3Request, status: number): Promise<void> {
  const { audit, settings } = request.context
  const change = changeOf(request.told.operation)
  if (change === undefined) {
    if (!(await showsOthers(request))) return
  } else if (change === 'object' && !settings.auditData) return
  const { removed } = request.told
  // What was refused of a list has a row of its own.
  if (removed?.length === 0) return
  const result = { outcome: 'success', status, code: null } as const
  const entry = { ...entryOf(request, result), detail: detailOf(removed) }
  if (change === 'bucket') await audit.recordDurably(entry)
  else audit.record(entry)
}

/** Somebody was kept from something (of a list: from these keys), or a bucket's change failed. */
export function auditRefusal(request: S3Request, error: S3Error, keys?: readonly string[]): void {
  const { status, code } = error
  const { cause } = error
  const isHidden = isHoldfastError(cause) && cause.cause === HIDDEN
  const isRefusal = status === 401 || status === 403 || isHidden || isOfGuesses(cause)
  if (!isRefusal && changeOf(request.told.operation) !== 'bucket') return
  const outcome = isRefusal ? 'refused' : 'failed'
  const entry = { ...entryOf(request, { outcome, status, code }), detail: detailOf(keys) }
  request.context.audit.recordRefusal(entry)
}

function detailOf(keys: readonly string[] | undefined): AuditEntry['detail'] {
  return keys === undefined ? {} : manyOf('keys', keys)
}

/** Operations named by a bucket that are about the objects in it. */
const OF_OBJECTS: ReadonlySet<string> = new Set(['DeleteObjects', 'PostObject'])

function changeOf(name: string): 'bucket' | 'object' | undefined {
  if (!isOperation(name)) return undefined
  const { method, level } = operations[name]
  if (method !== 'PUT' && method !== 'POST' && method !== 'DELETE') return undefined
  return level === 'bucket' && !OF_OBJECTS.has(name) ? 'bucket' : 'object'
}

/** Of the reads of a bucket those that list objects, of which none is noted, and what all ask. */
const PLAIN_LOOKS: ReadonlySet<string> = new Set([
  ...['ListObjects', 'ListObjectsV2', 'ListObjectVersions', 'GetBucketVersioning'],
  ...['GetBucketLocation', 'GetBucketAccelerateConfiguration', 'GetBucketRequestPayment'],
])

async function showsOthers({ context, told }: S3Request): Promise<boolean> {
  const { operation: name, principal, resource } = told
  if (!isOperation(name) || PLAIN_LOOKS.has(name)) return false
  const { method, level } = operations[name]
  if (method !== 'GET' || level !== 'bucket' || !administers(principal.permissions)) return false
  const bucket = await context.engine.catalog.view.buckets.byName(String(resource.bucket))
  return isOfAnother(principal, bucket)
}

function isOperation(name: string): name is keyof typeof operations {
  return Object.hasOwn(operations, name)
}

const TEXT_CHARS_MAX = 512

function entryOf(
  request: S3Request,
  result: Pick<AuditEntry, 'outcome' | 'status' | 'code'>,
): Omit<AuditEntry, 'detail'> {
  const { context, told, raw, requestId } = request
  return {
    at: new Date(context.clock.now()).toISOString(),
    actor: told.principal.id,
    actorKind: told.principal.kind,
    actorName: told.principal.name,
    administers: administers(told.principal.permissions),
    ip: addressOfCaller(request),
    agent: (raw.headers['user-agent'] ?? '').slice(0, TEXT_CHARS_MAX),
    requestId,
    action: `s3.${told.operation}`,
    ...result,
    resource: resourceOf(told.resource),
  }
}
