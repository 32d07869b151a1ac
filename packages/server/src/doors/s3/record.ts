import type { S3Request } from './requests/request.ts'

/** One log line and the metrics of a request, when its connection is done with it. */
export function recordS3Request(request: S3Request): void {
  const { context, response, told, body, method, trace } = request
  const { metrics, log, clock } = context
  // 499 is what nginx writes for a client that left; nobody received it.
  const status = response.writableFinished ? response.statusCode : 499
  const durationMs = clock.monotonic() - request.startedMs
  const operation = told.operation === 'none' ? 'none' : `s3.${told.operation}`
  const labels = {
    method: METHODS.has(method) ? method : 'other',
    operation,
    status: String(status),
  }
  metrics.requestSeconds.observe(labels, durationMs / 1000)
  metrics.requests.inc(labels)
  if (operation !== 'none') metrics.operations.inc({ operation, status: outcomeOf(status) })
  if (body.received > 0) metrics.bytes.inc({ direction: 'in' }, body.received)
  if (told.sentBytes > 0) metrics.bytes.inc({ direction: 'out' }, told.sentBytes)
  if (!log.isLevelEnabled('info')) return
  log.info(
    {
      request_id: request.requestId,
      trace_id: trace.traceId,
      span_id: trace.spanId,
      ...(trace.parentId === undefined ? {} : { parent_span_id: trace.parentId }),
      door: 's3',
      method: labels.method,
      // Without the query: it may hold a signature.
      path: request.path.slice(0, 512),
      operation,
      status,
      ...(told.code === undefined ? {} : { code: told.code }),
      duration_ms: Math.round(durationMs * 100) / 100,
      bytes_in: body.received,
      bytes_out: told.sentBytes,
      principal: told.principal.id,
    },
    'request',
  )
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS'])

function outcomeOf(status: number): 'success' | 'refused' | 'failed' {
  if (status < 400) return 'success'
  return status < 500 ? 'refused' : 'failed'
}
