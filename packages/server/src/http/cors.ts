import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { pathValues, splitUrl } from './parse/raw-path.ts'

/**
 * Which pages may call (Fetch standard, CORS protocol): those of the settings, and for one bucket
 * also those that it names. Credentials travel in headers that pages set themselves, never in
 * cookies, so they are never allowed here.
 */
const LOCAL = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/
const METHODS = 'GET, HEAD, POST, PUT, DELETE'
const EXPOSED = [
  'Content-Disposition',
  'Content-Range',
  'ETag',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Repr-Digest',
  'Retry-After',
  'X-Checksum',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'X-Request-ID',
  'X-Version',
].join(', ')

/** True when the request was a preflight and is answered. */
export async function allowOrigin(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<boolean> {
  const { origin } = request.headers
  if (origin === undefined) return false
  reply.header('vary', 'Origin')
  const asked = request.headers['access-control-request-method']
  const preflight = request.method === 'OPTIONS' && asked !== undefined
  if (await isAllowed(context, request, origin)) {
    reply.header('access-control-allow-origin', origin)
    reply.header('access-control-expose-headers', EXPOSED)
    reply.header('cross-origin-resource-policy', 'cross-origin')
    if (preflight) {
      const headers = request.headers['access-control-request-headers'] ?? ''
      reply.header('access-control-allow-methods', METHODS)
      // Any header may be sent: which ones count is not a secret, and none opens anything.
      if (/^[\w!#$%&'*+.^`|~, -]{1,2000}$/.test(headers)) {
        reply.header('access-control-allow-headers', headers)
      }
      reply.header('access-control-max-age', '600')
    }
  }
  if (preflight) await reply.code(204).send()
  return preflight
}

/** Whether pages of that origin may call. */
export async function isAllowed(
  { settings, engine }: Context,
  request: FastifyRequest,
  origin: string,
): Promise<boolean> {
  const listed = settings.corsOrigins
  if (listed.includes('*') || listed.includes(origin)) return true
  const open = settings.environment === 'development' && listed.length === 0
  if (open && LOCAL.test(origin)) return true
  const { path } = splitUrl(request.raw.url ?? '')
  if (!path.startsWith('/api/v2/buckets/')) return false
  const { bucket = '' } = pathValues(path, '/api/v2/buckets/{bucket}/{rest+}')
  const found = await engine.catalog.view.buckets.byName(bucket)
  const origins = found?.settings.corsOrigins ?? []
  return origins.includes(origin) || origins.includes('*')
}
