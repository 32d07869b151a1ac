import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import { isScope } from '@holdfast/core/principal.ts'
import { rightsMoment } from '@holdfast/engine/access/rights-now.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Settings } from '../config/settings-table.ts'
import type { Context } from '../context.ts'
import { FORM_BYTES_MAX, readForm } from './body/read-form.ts'
import { readJson } from './body/read-json.ts'
import { auditFailure, auditSuccess, type Duty, dutyOf } from './caller/audited.ts'
import { admit, admitToAsset } from './caller/authenticate.ts'
import { type Operations, type Scope, sent } from './exchange.ts'
import { bucketsNamed } from './limits/buckets-named.ts'
import { isGuess, isGuessAgain, requireOwnForm } from './limits/guesses.ts'
import { knownCaller } from './limits/known-caller.ts'
import { foundNow, makeLongPage, waitForTurn } from './limits/long-page.ts'
import { withFields } from './limits/with-fields.ts'
import { queryValues } from './parse/query-text.ts'
import { pathValues, splitUrl } from './parse/raw-path.ts'
import { compileCheck } from './parse/validate.ts'
import { noteFailure } from './refuse.ts'
import { sendJson } from './send-json.ts'

/** An exchange whose parts were checked against schemas that only run time knows. */
interface AnyExchange extends Scope {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}
type AnyOperation = (exchange: AnyExchange) => Promise<unknown>

/**
 * Serves the route table. Every request takes the same way: authenticate, admit, parse and check,
 * operate, answer. A route without a known permission keeps the server from starting.
 */
export function registerRoutes(
  app: FastifyInstance,
  context: Context,
  operations: Operations,
): void {
  // The types of a route and of its operation agree by `Operations`; here they meet as one.
  const table: Readonly<Record<string, unknown>> = operations
  for (const [operationId, route] of Object.entries<Route>(routes)) {
    requirePermission(operationId, route)
    const operate = table[operationId]
    if (!isOperation(operate)) throw new Error(`${operationId} has no operation`)
    const duty = dutyOf(operationId, route, context.settings.auditData)
    const serve = server(context, route, { operate, duty })
    app.route({
      method: route.method,
      url: fastifyPath(route.path),
      // A HEAD of its own answers with headers of content; other GETs answer HEAD by themselves.
      exposeHeadRoute: answersHead(route) && !hasHead(route.path),
      config: { operationId },
      handler: serve,
    })
  }
  refuseOtherMethods(app)
}

function isOperation(value: unknown): value is AnyOperation {
  return typeof value === 'function'
}

/** The server does not start with a route that nobody declared open or guarded. */
export function requirePermission(operationId: string, route: Pick<Route, 'permission'>): void {
  const { permission } = route
  if (permission === 'open' || permission === 'self') return
  if (isScope(permission) && !permission.includes('*')) return
  throw new Error(`${operationId} declares no permission`)
}

function changes({ method }: Route): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

function answersHead({ method, getOnly }: Route): boolean {
  return method === 'GET' && getOnly !== true
}

function hasHead(path: string): boolean {
  return Object.values<Route>(routes).some(route => route.method === 'HEAD' && route.path === path)
}

/** `{key+}` takes the rest; its value is read from the raw path, not from the router. */
function fastifyPath(path: string): string {
  return path.replaceAll(/\{\w+\+\}/g, '*').replaceAll(/\{(\w+)\}/g, ':$1')
}

function server(
  context: Context,
  route: Route,
  { operate, duty }: { readonly operate: AnyOperation; readonly duty: Duty },
) {
  const checks = checksOf(route)
  const guarded = isGuarded(route, context.settings)
  const serve = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { state } = request
    // What comes and nobody reads would have to be read before the next request.
    if (route.body === undefined && state.body.unread) reply.header('connection', 'close')
    if (guarded) {
      const moment = rightsMoment(context.engine)
      const principal = await withFields(reply, knownCaller(context, request))
      state.identify(principal, moment)
      admit(principal, route)
      await withFields(reply, state.admission.principal(state.principal))
    } else if (isGuess(route)) {
      await requireOwnForm(context, request)
      await withFields(reply, state.admission.guess())
    }
    const { path, query } = splitUrl(request.raw.url ?? '')
    refuseCoding(request)
    refusePart(request, route)
    refuseCondition(request, route)
    const values = pathValues(path, route.path)
    const params = checks.params(values)
    const checkedQuery = checks.query(query)
    const about = { route, id: values.id }
    if (route.body?.kind === 'json') await admitToAsset(context.engine, state.call(), about)
    if (guarded) {
      state.admitAgain = async call => {
        admit(call.principal, route)
        if (route.body?.kind === 'json') await admitToAsset(context.engine, call, about)
      }
    }
    const body = await checks.body(request, context)
    if (isGuessAgain(route, body)) await withFields(reply, state.admission.guess('again'))
    const call = state.call()
    const named = { call, params, query: checkedQuery, body }
    for (const [bucket, isKnown] of await bucketsNamed(context, route, named)) {
      await withFields(reply, state.admission.bucket(bucket, isKnown))
    }
    // Those who count may be slow; where a body came, too, this costs nothing.
    await state.renew()
    const exchange: AnyExchange = {
      context,
      call,
      params,
      query: checkedQuery,
      body,
      bytes: state.body,
      request,
      reply,
    }
    const items = pageItems(route, checkedQuery)
    if (items > SHORT_PAGE && items <= PAGE_ITEMS) await waitForTurn(exchange)
    const find = async () => {
      if (items <= PAGE_ITEMS) return await operate(exchange)
      return await makeLongPage(exchange, () => operate(exchange))
    }
    const renew = () => state.renew()
    state.begins = once(async () => {
      const due = duty === 'none' && state.showsOthers ? 'soon' : duty
      const { statusCode: status } = reply
      await auditSuccess(context, request, { duty: due, status, params: exchange.params })
    })
    const result = changes(route) ? await find() : await foundNow(exchange.call, { renew, find })
    if (result === sent) return
    // Writing may end in a refusal, which has a row of its own.
    const { status } = route.answer
    if (result !== undefined) await sendJson(reply, { status, body: result })
    else await reply.code(status).send()
  }
  const abandon = (request: FastifyRequest) => () => {
    const error = new HoldfastError('SHUTTING_DOWN')
    auditFailure(context, request, { error, status: 503 })
  }
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    try {
      await context.load.working.on(() => serve(request, reply), abandon(request))
    } catch (error) {
      if (!reply.sent) throw error
      // The connection was broken already; Fastify has nobody to tell, but the log has.
      const failure = noteFailure(context, request, error)
      auditFailure(context, request, { error: failure, status: reply.raw.statusCode })
    }
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= work()
    return done
  }
}

/** Of more, each may be tens of kilobytes: a page has a turn of the event loop for itself. */
const SHORT_PAGE = 10
/** Where nobody says. What is longer may be tens of megabytes. */
const PAGE_ITEMS = 100

function pageItems({ query: known }: Route, query: unknown): number {
  const { limit } = query as { readonly limit?: unknown }
  if (typeof limit === 'number') return limit
  return known?.properties.limit === undefined ? 0 : PAGE_ITEMS
}

/** Bodies are kept as they come; one in a content coding would be kept encoded. */
function refuseCoding(request: FastifyRequest): void {
  const coding = request.headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (coding === '' || coding === 'identity') return
  throw new HoldfastError('MALFORMED_REQUEST', {
    header: 'content-encoding',
    reason: 'bodies are taken without a content coding',
  })
}

/** It would be kept as the whole (https://www.rfc-editor.org/rfc/rfc9110.html#section-14.5). */
function refusePart({ headers }: FastifyRequest, { body }: Route): void {
  if (body?.kind !== 'bytes' || headers['content-range'] === undefined) return
  throw new HoldfastError('MALFORMED_REQUEST', {
    header: 'content-range',
    reason: 'parts of content are not taken, only the whole',
  })
}

/** To ignore it would change what the caller wanted to protect. */
function refuseCondition({ headers }: FastifyRequest, route: Route): void {
  const isJudged = !changes(route) || route.headers?.['if-match'] !== undefined
  if (isJudged || headers['if-match'] === undefined) return
  throw new HoldfastError('MALFORMED_REQUEST', {
    header: 'if-match',
    reason: 'this operation takes no condition',
  })
}

/** Metrics are open where the settings say so: scrapers often have no credential. */
function isGuarded({ permission }: Route, settings: Settings): boolean {
  if (permission !== 'metrics:read') return permission !== 'open'
  return settings.metricsAuth ?? settings.environment !== 'development'
}

const noQuery = Type.Object({}, { additionalProperties: false })

interface Checks {
  readonly params: (values: Record<string, string>) => unknown
  readonly query: (raw: string) => unknown
  readonly body: (request: FastifyRequest, context: Context) => Promise<unknown>
}

function checksOf(route: Route): Checks {
  const params = route.params === undefined ? undefined : compileCheck(route.params)
  const { body } = route
  // A misspelt parameter is refused, not ignored; probes and pages take any.
  const query = route.query ?? (route.permission === 'open' ? undefined : noQuery)
  const checkQuery = query === undefined ? undefined : compileCheck(query)
  const checkBody = body?.kind === 'json' ? compileCheck(body.schema) : undefined
  return {
    params: values => params?.(values) ?? {},
    query: raw => {
      if (query === undefined || checkQuery === undefined) return {}
      return checkQuery(queryValues(raw, query))
    },
    body: async (request, context) => {
      if (body?.kind !== 'json' || checkBody === undefined) return undefined
      if (body.alsoForm === true && isForm(request)) {
        return checkBody(await readForm(request.state.body.source(FORM_BYTES_MAX)))
      }
      const bytesMax = context.engine.limits.jsonBodyBytesMax
      using _ = context.documents.takeBody(request.state, bytesMax)
      return await jsonBody(request, { bytesMax, optional: body.optional === true }, checkBody)
    },
  }
}

async function jsonBody(
  request: FastifyRequest,
  options: { readonly bytesMax: number; readonly optional: boolean },
  check: (value: unknown) => unknown,
): Promise<unknown> {
  requireJsonType(request)
  const value = await readJson(request.state.body.source(options.bytesMax))
  if (value === undefined) {
    if (options.optional) return undefined
    throw invalidFields({ path: '', problem: 'a JSON body is needed' })
  }
  return check(value)
}

function isForm({ headers }: FastifyRequest): boolean {
  const type = headers['content-type'] ?? ''
  return /^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)
}

function requireJsonType(request: FastifyRequest): void {
  const type = request.headers['content-type']
  if (type === undefined && request.state.body.length === 0) return
  if (/^application\/(json|[\w.-]+\+json)\s*(;|$)/i.test(type ?? '')) return
  throw new HoldfastError('MALFORMED_REQUEST', {
    header: 'content-type',
    reason: 'must be application/json',
  })
}

/** Known paths answer other methods with 405 and what they take. */
function refuseOtherMethods(app: FastifyInstance): void {
  const taken = new Map<string, Set<string>>()
  for (const route of Object.values<Route>(routes)) {
    const url = fastifyPath(route.path)
    const methods = taken.get(url) ?? new Set<string>()
    methods.add(route.method)
    if (answersHead(route)) methods.add('HEAD')
    taken.set(url, methods)
  }
  for (const [url, methods] of taken) {
    const allow = [...methods].sort().join(', ')
    const others = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const
    app.route({
      method: others.filter(method => !methods.has(method)),
      url,
      exposeHeadRoute: false,
      handler: async () => {
        throw new HoldfastError('METHOD_NOT_ALLOWED', { allow })
      },
    })
  }
}
