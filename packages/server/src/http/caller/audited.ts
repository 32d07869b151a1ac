import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { type ErrorCode, HIDDEN, type HoldfastError } from '@holdfast/core/errors.ts'
import type { AuditEntry } from '@holdfast/core/identities.ts'
import { administers } from '@holdfast/core/principal.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import type { FastifyRequest } from 'fastify'
import type { Context } from '../../context.ts'
import { resourceOf } from '../../telemetry/hidden-credentials.ts'
import { attemptOperations } from '../../telemetry/identity-metrics.ts'
import { isOfGuesses } from '../limits/guesses.ts'

/**
 * What stands in the audit log: every login and what follows from it, every change of a bucket or
 * by an administrator, every share link, every look at what only administrators see, and every
 * refusal. These are durable before the answer goes out, except refusals, looks, visits by share
 * link and requests for a reset, which follow within milliseconds. Changes of assets stand in the
 * change log, and here, with presigned links, only if the settings ask for it.
 */
export type Duty = 'none' | 'soon' | 'visit' | 'reset' | 'before-answer'

export function dutyOf(operationId: string, route: Route, isDataAudited: boolean): Duty {
  const { method, permission, path } = route
  // A question whose secret stands in the body; what is told of others is noted by its operation.
  if (operationId === 'validateToken') return 'none'
  // Anybody may ask, for any name, and nothing is changed by it: floods counted.
  if (operationId === 'forgotPassword') return 'reset'
  const changes = method !== 'GET' && method !== 'HEAD'
  if (isAdministrative(permission)) return changes ? 'before-answer' : 'soon'
  if (OWN_AFFAIRS.test(path)) return changes ? 'before-answer' : 'none'
  // Whoever comes with a share link has no name of their own: visits are noted, floods counted.
  if (/^\/(s|api\/v2\/shared)\//.test(path)) return 'visit'
  if ((permission === 'open' && !changes) || operationId.startsWith('get')) return 'none'
  return (changes || LENDING.has(operationId)) && isDataAudited ? 'soon' : 'none'
}

/** They change nothing, but make a credential for others. */
const LENDING: ReadonlySet<string> = new Set(['presignDownload'])

/** Of the caller, but with consequences for what others can do. */
const OWN_AFFAIRS = /^\/api\/v2\/(?:auth|shares|s3\/keys)(?:\/|$)/

function isAdministrative(permission: string): boolean {
  return /^admin:|^audit:|:admin$|^buckets:create$/.test(permission)
}

/** A request that succeeded. Resolves when as much is written as is due before the answer. */
export async function auditSuccess(
  context: Context,
  request: FastifyRequest,
  what: { readonly duty: Duty; readonly status: number; readonly params: unknown },
): Promise<void> {
  const { duty, status, params } = what
  countAttempt(context, request, 'success')
  if (duty === 'none') return
  const entry = entryOf(context, request, { outcome: 'success', status, code: null })
  const full = { ...entry, resource: namedBy(params, request) }
  if (duty === 'visit') context.audit.recordVisit(full)
  else if (duty === 'reset') context.audit.recordReset(full)
  else if (duty === 'soon') context.audit.record(full)
  else await context.audit.recordDurably(full)
}

/** Credentials that are not good, told in another way. */
const ALSO: ReadonlySet<ErrorCode> = new Set(['SHARE_NOT_FOUND', 'GRANT_INVALID'])
const REFUSALS: ReadonlySet<string> = new Set(['unauthenticated', 'forbidden', 'locked'])

/** Somebody was kept from something, or an administrator's change failed. */
export function auditFailure(
  context: Context,
  request: FastifyRequest,
  { error, status }: { readonly error: HoldfastError; readonly status: number },
): void {
  countAttempt(context, request, error.code)
  if (!isRefusal(error) && !isGuardedChange(request)) return
  const outcome = isRefusal(error) ? 'refused' : 'failed'
  const entry = entryOf(context, request, { outcome, status, code: error.code })
  const resource = namedBy(request.params, request)
  context.audit.recordRefusal({ ...entry, resource, ...ofHolder(entry, error) })
}

/** Who shows a token of ours that is authentic and not good: nobody acts, but one is named. */
function ofHolder(
  { sessionId = null, detail }: Pick<AuditEntry, 'sessionId' | 'detail'>,
  { holder }: HoldfastError,
): Pick<AuditEntry, 'sessionId' | 'detail'> {
  if (holder === undefined) return { sessionId, detail }
  return { sessionId: holder.sessionId ?? sessionId, detail: { ...detail, ...holder.who } }
}

const ATTEMPTS: ReadonlySet<string> = new Set(attemptOperations)

/**
 * One of several things that a request did, as a row of its own under the name of the operation
 * that does it alone.
 */
export async function auditPart(
  context: Context,
  request: FastifyRequest,
  part: Pick<AuditEntry, 'action' | 'resource' | 'detail' | 'status'> & {
    readonly error: HoldfastError | undefined
  },
): Promise<void> {
  const { error, status, ...what } = part
  if (error === undefined) {
    const result = { outcome: 'success', status, code: null } as const
    await context.audit.recordDurably({ ...entryOf(context, request, result), ...what })
    return
  }
  const outcome = isRefusal(error) ? 'refused' : 'failed'
  const entry = entryOf(context, request, { outcome, status, code: error.code })
  context.audit.recordRefusal({ ...entry, ...what })
}

/** The same for what was refused within a good answer; what failed otherwise has no row. */
export async function auditRefusedParts(
  context: Context,
  request: FastifyRequest,
  parts: readonly Parameters<typeof auditPart>[2][],
): Promise<void> {
  for (const part of parts) {
    if (part.error !== undefined && isRefusal(part.error)) await auditPart(context, request, part)
  }
}

function isRefusal(error: HoldfastError): boolean {
  const isTold = isOfGuesses(error) || ALSO.has(error.code) || error.cause === HIDDEN
  return REFUSALS.has(error.kind) || isTold
}

function countAttempt(
  { metrics }: Context,
  { routeOptions }: FastifyRequest,
  result: string,
): void {
  const { operationId: operation } = routeOptions.config
  if (operation !== undefined && ATTEMPTS.has(operation))
    metrics.identity.attempts.inc({ operation, result })
}

/** Steps of a login that a browser makes by following addresses, and what stands in for one. */
const LOGIN_STEPS: ReadonlySet<string> = new Set(['beginOpenId', 'finishOpenId', 'forgotPassword'])

function isGuardedChange(request: FastifyRequest): boolean {
  const operationId = request.routeOptions.config.operationId ?? ''
  if (LOGIN_STEPS.has(operationId)) return true
  const route = routeOf(request)
  return route !== undefined && dutyOf(operationId, route, false) === 'before-answer'
}

function routeOf({ routeOptions }: FastifyRequest): Route | undefined {
  const operationId = routeOptions.config.operationId ?? ''
  const table: Readonly<Record<string, Route>> = routes
  return Object.hasOwn(table, operationId) ? table[operationId] : undefined
}

const TEXT_CHARS_MAX = 512

function entryOf(
  { clock }: Context,
  request: FastifyRequest,
  result: Pick<AuditEntry, 'outcome' | 'status' | 'code'>,
): Omit<AuditEntry, 'resource'> {
  const { state } = request
  const { principal } = state
  return {
    at: new Date(clock.now()).toISOString(),
    actor: principal.id,
    actorKind: principal.kind,
    actorName: principal.name,
    administers: administers(principal.permissions),
    ip: state.ip,
    agent: (request.headers['user-agent'] ?? '').slice(0, TEXT_CHARS_MAX),
    requestId: state.requestId,
    sessionId: principal.sessionId ?? null,
    action: request.routeOptions.config.operationId ?? 'none',
    ...result,
    detail: state.told,
  }
}

/**
 * The names in the path, and those that this route takes in the query instead. What is not asked
 * for there may be a credential that somebody sent by mistake.
 */
function namedBy(given: unknown, request: FastifyRequest): JsonObject {
  const { '*': rest, ...names } = resourceOf(given)
  const path = { ...names, ...(rest !== undefined && { key: rest }) }
  // What a visitor by a link looks at is told by the operation.
  if (typeof given === 'object' && given !== null && 'token' in given) return path
  const taken = routeOf(request)?.query?.properties ?? {}
  const { bucket, key } = resourceOf(request.query)
  const asked = {
    ...(bucket !== undefined && Object.hasOwn(taken, 'bucket') && { bucket }),
    ...(key !== undefined && Object.hasOwn(taken, 'key') && { key }),
  }
  return { ...asked, ...path }
}
