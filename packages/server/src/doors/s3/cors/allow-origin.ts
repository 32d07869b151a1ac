import type { Bucket, JsonObject } from '@holdfast/core/records.ts'
import { object, objects } from '../documents/kept-objects.ts'
import { S3Error } from '../errors.ts'
import { type Answer, emptyAnswer } from '../requests/answer.ts'
import type { ReadRequest } from '../requests/request.ts'

/**
 * The CORS rules of a bucket (https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html).
 * Sets the headers that the answer of this request carries, refusals too; a preflight is answered.
 */
export async function allowOrigin(request: ReadRequest): Promise<Answer | undefined> {
  const { method, headers, address, context } = request
  const origin = headers.get('origin')
  if (method !== 'OPTIONS' && origin === undefined) return undefined
  const found =
    address.bucket === undefined
      ? undefined
      : await context.engine.catalog.view.buckets.byName(address.bucket)
  if (method === 'OPTIONS') return preflight(request, found)
  // AWS holds also what is no preflight to the method that it names as one.
  const named = headers.get('access-control-request-method') ?? method
  const asked = { origin: origin ?? '', method: named, headers: [] }
  const rule = rulesOf(found).find(one => fits(one, asked))
  if (rule !== undefined) Object.assign(request.allowed, corsHeaders(rule, asked.origin, named))
  return undefined
}

const ASKED_MAX = 200
/** In AWS's own spelling: programs look for it. */
const NO_RULE =
  'CORSResponse: This CORS request is not allowed. This is usually because the evalution of ' +
  'Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers ' +
  "are not whitelisted by the resource's CORS spec."
const NO_BUCKET = 'CORSResponse: Bucket not found'
const NO_RULES = 'CORSResponse: CORS is not enabled for this bucket.'

function preflight({ headers, address }: ReadRequest, bucket: Bucket | undefined): Answer {
  const origin = headers.get('origin')
  const method = headers.get('access-control-request-method')
  if (origin === undefined) {
    const message = 'Insufficient information. Origin request header needed.'
    throw new S3Error('BadRequest', { message })
  }
  const names = (headers.get('access-control-request-headers') ?? '').split(',')
  requireReadable(method, names)
  const rules = rulesOf(bucket)
  const type = address.key === undefined ? 'BUCKET' : 'OBJECT'
  if (rules.length === 0) {
    const message = bucket === undefined ? NO_BUCKET : NO_RULES
    throw new S3Error('AccessForbidden', {
      ...{ message, Method: method?.slice(0, 100) ?? 'OPTIONS' },
      ResourceType: 'BUCKET',
    })
  }
  if (method === undefined) throw invalidMethod('null')
  const asked = names.map(name => name.trim().toLowerCase()).filter(name => name !== '')
  // Each is held against every pattern of every rule, and nobody has to be anybody to ask.
  if (asked.length > ASKED_MAX) {
    const message = `At most ${ASKED_MAX} names of headers can be asked about.`
    throw new S3Error('InvalidRequest', { message })
  }
  const rule = rules.find(one => fits(one, { origin, method, headers: asked }))
  if (rule === undefined) {
    const facts = { message: NO_RULE, Method: method, ResourceType: type }
    throw new S3Error('AccessForbidden', facts)
  }
  const allowed = asked.length === 0 ? {} : { 'access-control-allow-headers': asked.join(', ') }
  return emptyAnswer(200, { ...corsHeaders(rule, origin, method), ...allowed })
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE'])

/** What no rule could name is refused whatever the rules are. */
function requireReadable(method: string | undefined, names: readonly string[]): void {
  if (method !== undefined && !METHODS.has(method)) throw invalidMethod(method)
  const wrong = names.find(name => /[^!#$%&'*+.^_`|~\w-]/.test(name.trim()))
  if (wrong === undefined) return
  const named = `Access-Control-Request-Headers "${wrong.slice(0, 100)}"`
  const message = `${named} contains invalid character.`
  throw new S3Error('BadRequest', { message })
}

function invalidMethod(method: string): S3Error {
  const message = `Invalid Access-Control-Request-Method: ${method.slice(0, 100)}`
  return new S3Error('BadRequest', { message })
}

function rulesOf(bucket: Bucket | undefined): JsonObject[] {
  if (bucket === undefined) return []
  const rules = objects(object(bucket.documents?.cors).CORSRule)
  const { corsOrigins } = bucket.settings
  if (rules.length > 0 || corsOrigins.length === 0) return rules
  // Origins that REST allows for the bucket.
  return [{ AllowedOrigin: corsOrigins, AllowedMethod: [...METHODS], AllowedHeader: ['*'] }]
}

interface Asked {
  readonly origin: string
  readonly method: string
  readonly headers: readonly string[]
}

function fits(rule: JsonObject, { origin, method, headers }: Asked): boolean {
  return (
    texts(rule.AllowedOrigin).some(pattern => matches(pattern, origin)) &&
    texts(rule.AllowedMethod).includes(method) &&
    allowsAll(rule, headers)
  )
}

interface AllowedNames {
  readonly whole: ReadonlySet<string>
  readonly wild: readonly string[]
}

/** Read once for each rule: it is held against hundreds of names. */
const allowedNames = new WeakMap<JsonObject, AllowedNames>()

function allowsAll(rule: JsonObject, headers: readonly string[]): boolean {
  if (headers.length === 0) return true
  const known = allowedNames.get(rule) ?? namesOf(rule)
  allowedNames.set(rule, known)
  return headers.every(
    name => known.whole.has(name) || known.wild.some(pattern => matches(pattern, name)),
  )
}

function namesOf(rule: JsonObject): AllowedNames {
  const allowed = texts(rule.AllowedHeader).map(name => name.toLowerCase())
  const wild = allowed.filter(name => name.includes('*'))
  return { whole: new Set(allowed), wild }
}

/** One star at most. */
function matches(pattern: string, value: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === value
  const [start, end] = [pattern.slice(0, star), pattern.slice(star + 1)]
  return value.length >= start.length + end.length && value.startsWith(start) && value.endsWith(end)
}

function corsHeaders(rule: JsonObject, origin: string, method: string): Record<string, string> {
  const any = texts(rule.AllowedOrigin).includes('*')
  const exposed = texts(rule.ExposeHeader)
  const age = rule.MaxAgeSeconds
  return {
    'access-control-allow-origin': any ? '*' : origin,
    'access-control-allow-methods': texts(rule.AllowedMethod).join(', ') || method,
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
    ...(any ? {} : { 'access-control-allow-credentials': 'true' }),
    ...(exposed.length === 0 ? {} : { 'access-control-expose-headers': exposed.join(', ') }),
    ...(typeof age === 'number' ? { 'access-control-max-age': String(age) } : {}),
  }
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : []
}
