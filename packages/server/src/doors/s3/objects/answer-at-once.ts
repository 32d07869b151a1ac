import { canWriteWhole } from '../../../http/direct/write-whole.ts'
import { plainTarget } from '../requests/marks.ts'
import type { S3Request } from '../requests/request.ts'
import { changingHeaders } from '../send.ts'
import { findPlainObject, heldBody } from './plain-object.ts'

/**
 * Answers plain requests for small objects that are in memory within this turn of the event loop,
 * on connections that are Node's. False: nothing was done.
 */
export function answerAtOnce(request: S3Request): boolean {
  const { method, raw, response, context, headers: wire, remote, forwarded } = request
  if (method !== 'GET' && method !== 'HEAD') return false
  const { load, settings, limits } = context
  if (load.stopping || load.active > settings.requestsMax || limits.concerns(raw)) return false
  if (!canWriteWhole(response) || raw.httpVersionMinor !== 1) return false
  const target = plainTarget(raw.url ?? '')
  const found = target && findPlainObject({ context, method, wire, remote, forwarded, ...target })
  const body = found && heldBody(context.engine, found)
  if (found === undefined || body === undefined) return false
  const { operation, principal, head } = found
  const { bytes } = body
  Object.assign(request.told, { operation, principal, sentBytes: bytes.length })
  request.writer.write(response, head, { fields: changingHeaders(request), bytes })
  return true
}
