import { type ErrorCode, errorTable } from '@holdfast/core/errors.ts'
import type { TSchema } from 'typebox'
import { componentsOf, type JsonTree, shared } from './openapi-components.ts'
import { type Answer, type Body, type FormBody, type Route, tagTexts } from './route.ts'
import { limited as limitHeaders } from './routes/headers.ts'
import { routes } from './routes.ts'
import { problem } from './schemas/problem.ts'

export interface OpenApiOptions {
  readonly version: string
  /** The REST door's map from codes to statuses. */
  readonly statusOf: (code: ErrorCode) => number
}

/** Codes that every route of a kind can answer, beyond those in its `errors`. */
function generalCodes(route: Route): ErrorCode[] {
  const codes: ErrorCode[] = ['STORAGE_UNAVAILABLE', 'INTERNAL']
  codes.push('TOO_MANY_REQUESTS', 'RATE_LIMITED', 'LIMITS_UNAVAILABLE')
  if (route.permission !== 'open') {
    codes.push('UNAUTHENTICATED', 'CREDENTIAL_EXPIRED', 'FORBIDDEN')
    // Whoever is locked is held up with all that is asked for, whatever it is.
    codes.push('ACCOUNT_LOCKED', 'VALIDATION_ERROR')
    // What is decided holds until it is done or told, or is decided again, a few times.
    codes.push('CHANGED_MEANWHILE')
  }
  if (route.params || route.query || route.body) codes.push('VALIDATION_ERROR')
  if (route.body) codes.push('MALFORMED_REQUEST', 'BODY_TOO_LARGE', 'REQUEST_TIMEOUT')
  if (route.body?.kind === 'json' || route.body?.kind === 'form-or-json') codes.push('INVALID_JSON')
  return codes
}

export function codesOf(route: Route): ErrorCode[] {
  return [...new Set([...generalCodes(route), ...(route.errors ?? [])])].sort()
}

/** The whole interface as an OpenAPI 3.1 document, made from the route table alone. */
export function openApi(options: OpenApiOptions): JsonTree {
  const paths: Record<string, JsonTree> = {}
  for (const [operationId, route] of Object.entries<Route>(routes)) {
    const path = route.path.replaceAll('+}', '}')
    const item = paths[path] ?? {}
    item[route.method.toLowerCase()] = operation(operationId, route, options)
    paths[path] = item
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Holdfast',
      version: options.version,
      summary: 'One store for files, behind several doors.',
      description:
        'Put files in, get every byte back, with versions, search, links and reversible deletes. ' +
        'A success answer means that the bytes are durable. Refusals carry a stable `code`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }, { bearer: [] }],
    tags: Object.entries(tagTexts).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: componentsOf(routes, [problem]),
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: {
          ...{ type: 'http', scheme: 'bearer' },
          description: 'An API key (`hf_...`) or an access token.',
        },
      },
    },
  }
}

function operation(operationId: string, route: Route, options: OpenApiOptions): JsonTree {
  const result: JsonTree = {
    operationId,
    tags: [route.tag],
    summary: route.summary,
    description: describe(route),
    parameters: parameters(route),
    responses: responses(route, options),
    'x-permission': route.permission,
  }
  if (route.permission === 'buckets:admin') result['x-permission-of-owner'] = OF_OWNER
  if (route.permission === 'open') result.security = []
  // Anyone may read where the bucket says so.
  if (route.permission === 'assets:read' || route.permission === 'metadata:read') {
    result.security = [{ apiKey: [] }, { bearer: [] }, {}]
  }
  if (route.body) result.requestBody = requestBody(route.body)
  return result
}

function describe(route: Route): string {
  const need = needOf(route)
  return [route.description, need].filter(Boolean).join(' ')
}

/** What rules the bucket that its holder owns, settings and all. */
const OF_OWNER = 'buckets:create'
/** Owners, grants, policies and access lists give these for some assets, too. */
const OF_ASSETS = /^(?:assets|versions|metadata):/

function needOf({ permission }: Route): string {
  if (permission === 'open') return ''
  if (permission === 'self') return 'Needs any credential.'
  if (permission === 'buckets:admin') {
    return `Needs \`${permission}\`, or to own the bucket and \`${OF_OWNER}\`.`
  }
  return `Needs \`${permission}\`${OF_ASSETS.test(permission) ? ' for what it is about' : ''}.`
}

function parameters(route: Route): JsonTree[] {
  const list: JsonTree[] = []
  for (const [name, schema] of Object.entries<TSchema>(route.params?.properties ?? {})) {
    list.push({ name, in: 'path', required: true, ...explained(schema) })
  }
  const required: readonly string[] = route.query?.required ?? []
  for (const [name, schema] of Object.entries<TSchema>(route.query?.properties ?? {})) {
    list.push({ name, in: 'query', required: required.includes(name), ...explained(schema) })
  }
  for (const [name, description] of Object.entries(route.headers ?? {})) {
    // OpenAPI reserves content-type for the request body.
    if (name === 'content-type') continue
    list.push({ name, in: 'header', required: false, description, schema: { type: 'string' } })
  }
  return list
}

function explained(schema: TSchema): JsonTree {
  const plain = shared(schema)
  const { description, ...rest } = plain
  return description === undefined ? { schema: plain } : { description, schema: rest }
}

function requestBody(body: Body): JsonTree {
  switch (body.kind) {
    case 'bytes':
      return {
        required: true,
        description: 'The bytes, streamed; never kept in memory.',
        content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
      }
    case 'json':
      return {
        required: body.optional !== true,
        content: {
          'application/json': { schema: shared(body.schema) },
          ...(body.alsoForm === true
            ? { 'application/x-www-form-urlencoded': { schema: shared(body.schema) } }
            : {}),
        },
      }
    case 'form':
      return { required: true, content: { 'multipart/form-data': formContent(body) } }
    case 'form-or-json':
      return {
        required: true,
        content: {
          'multipart/form-data': formContent(body.form),
          'application/json': { schema: shared(body.schema) },
        },
      }
  }
}

/** Lists and objects travel as JSON texts in one field each. */
function formContent(form: FormBody): JsonTree {
  const schema = formSchema(form)
  const properties: object = typeof schema.properties === 'object' ? (schema.properties ?? {}) : {}
  const json = Object.entries(properties).filter(([name, property]) => {
    return name !== 'file' && name !== 'files' && isStructured(property)
  })
  const encoding = json.map(([name]) => [name, { contentType: 'application/json' }])
  return encoding.length === 0 ? { schema } : { schema, encoding: Object.fromEntries(encoding) }
}

function isStructured(property: unknown): boolean {
  if (typeof property !== 'object' || property === null) return false
  if ('$ref' in property) return true
  return 'type' in property && (property.type === 'array' || property.type === 'object')
}

function formSchema(form: FormBody): JsonTree {
  const file = { type: 'string', format: 'binary' }
  if (form.files === 'many') {
    const field = form.field ?? 'request'
    return {
      type: 'object',
      required: ['files', field],
      properties: { files: { type: 'array', items: file }, [field]: shared(form.fields) },
    }
  }
  const fields = shared(form.fields, { inline: true })
  const properties = typeof fields.properties === 'object' ? fields.properties : {}
  const required = Array.isArray(fields.required) ? fields.required : []
  return {
    type: 'object',
    description: fields.description ?? '',
    required: form.files === 'one' ? ['file', ...required] : required,
    properties: { file, ...properties },
  }
}

function responses(route: Route, options: OpenApiOptions): JsonTree {
  const result: JsonTree = {}
  for (const answer of [route.answer, ...(route.also ?? [])]) {
    result[String(answer.status)] = response(answer)
  }
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of codesOf(route)) {
    const status = options.statusOf(code)
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    const sentences = codes.map(code => `- \`${code}\`: ${errorTable[code].message}`)
    // /health/ready and its like answer 503 with a body of their own.
    if (result[String(status)] !== undefined) continue
    result[String(status)] = {
      description: sentences.join('\n'),
      ...(status === 429 ? { headers: headerTree(limitHeaders) } : {}),
      content: { 'application/json': { schema: problemRef, example: problemExample(codes) } },
    }
  }
  return result
}

const problemRef = { $ref: '#/components/schemas/Problem' }

function problemExample([code = 'INTERNAL']: readonly ErrorCode[]): JsonTree {
  const request_id = '0199a7e2-8b11-7d02-9a55-3f6b8a2e4c10'
  return { message: errorTable[code].message, code, details: {}, request_id }
}

function headerTree(texts: Readonly<Record<string, string>>): JsonTree {
  const headers: JsonTree = {}
  for (const [name, description] of Object.entries(texts)) {
    // OpenAPI says Content-Type under `content`, not here.
    if (name !== 'Content-Type') headers[name] = { description, schema: { type: 'string' } }
  }
  return headers
}

function response(answer: Answer): JsonTree {
  const result: JsonTree = { description: answer.description }
  if (answer.headers) result.headers = headerTree(answer.headers)
  if (answer.schema) result.content = { 'application/json': { schema: shared(answer.schema) } }
  else if (answer.media) result.content = { [answer.media]: {} }
  return result
}
