import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { splitUrl } from './parse/raw-path.ts'

/** One log line and the metrics of a request, when its connection is done with it. */
export function recordRequest(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { metrics, log, clock } = context
  const { state } = request
  const { config } = request.routeOptions
  const operation = config.operationId ?? 'none'
  const finished = reply.raw.writableFinished
  // 499 is what nginx writes for a client that left; nobody received it.
  const status = finished ? reply.raw.statusCode : 499
  const durationMs = clock.monotonic() - state.startedMs
  const labels = { method: request.method, operation, status: String(status) }
  metrics.requestSeconds.observe(labels, durationMs / 1000)
  metrics.requests.inc(labels)
  if (operation !== 'none') metrics.operations.inc({ operation, status: outcomeOf(status) })
  if (state.body.received > 0) metrics.bytes.inc({ direction: 'in' }, state.body.received)
  if (state.sentBytes > 0) metrics.bytes.inc({ direction: 'out' }, state.sentBytes)
  if (!log.isLevelEnabled('info')) return
  const path = config.secretPath === true ? '(hidden)' : splitUrl(request.raw.url ?? '').path
  log.info(
    {
      request_id: state.requestId,
      trace_id: state.trace.traceId,
      span_id: state.trace.spanId,
      ...(state.trace.parentId === undefined ? {} : { parent_span_id: state.trace.parentId }),
      method: request.method,
      path: path.slice(0, 512),
      operation,
      status,
      ...(state.code === undefined ? {} : { code: state.code }),
      duration_ms: Math.round(durationMs * 100) / 100,
      bytes_in: state.body.received,
      bytes_out: state.sentBytes,
      principal: state.principal.id,
    },
    'request',
  )
}

function outcomeOf(status: number): 'success' | 'refused' | 'failed' {
  if (status < 400) return 'success'
  return status < 500 ? 'refused' : 'failed'
}
