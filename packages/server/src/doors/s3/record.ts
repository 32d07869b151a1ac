import { NO_OPERATION } from '../../telemetry/request-tallies.ts'
import type { S3Request } from './requests/request.ts'

/** One log line and the metrics of a request, when its connection is done with it. */
export function recordS3Request(request: S3Request): void {
  const { context, response, told, body, method, trace } = request
  const { metrics, log, clock } = context
  // 499 is what nginx writes for a client that left; nobody received it.
  const status = response.writableFinished ? response.statusCode : 499
  const durationMs = clock.monotonic() - request.startedMs
  const operation = told.operation === NO_OPERATION ? NO_OPERATION : `s3.${told.operation}`
  metrics.requests.of({ method, operation, status }).add(durationMs / 1000)
  metrics.requests.bytesIn += body.received
  metrics.requests.bytesOut += told.sentBytes
  if (!log.isLevelEnabled('info')) return
  log.info(
    {
      request_id: request.requestId,
      trace_id: trace.traceId,
      span_id: trace.spanId,
      ...(trace.parentId === undefined ? {} : { parent_span_id: trace.parentId }),
      door: 's3',
      method,
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
