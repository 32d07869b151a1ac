import type { Context } from '../../context.ts'
import { visiblePath } from '../../http/record-request.ts'
import { NO_OPERATION } from '../../telemetry/request-tallies.ts'
import type { Trace } from '../../telemetry/trace.ts'
import type { S3Request } from './requests/request.ts'

/** One log line and the metrics of a request, when its connection is done with it. */
export function recordS3Request(request: S3Request): void {
  const { context, response, told, body, method, path, trace, startedMs, requestId } = request
  recordS3Answer(context, {
    ...{ method, path, startedMs, requestId },
    trace: () => trace,
    operation: told.operation,
    // 499 is what nginx writes for a client that left; nobody received it.
    status: response.writableFinished ? response.statusCode : 499,
    code: told.code,
    receivedBytes: body.received,
    sentBytes: told.sentBytes,
    principalId: told.principal.id,
  })
}

/** What log and metrics want to know. */
export interface S3AnswerFacts {
  readonly method: string
  /** Of the request line, without the query: that may hold a signature. */
  readonly path: string
  readonly operation: string
  readonly status: number
  readonly code: string | undefined
  readonly startedMs: number
  readonly requestId: string
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly principalId: string
  /** Asked only for a line of the log. */
  trace(): Trace
}

export function recordS3Answer({ metrics, log, clock }: Context, facts: S3AnswerFacts): void {
  const { method, status, receivedBytes, sentBytes, code } = facts
  const durationMs = clock.monotonic() - facts.startedMs
  const operation = facts.operation === NO_OPERATION ? NO_OPERATION : `s3.${facts.operation}`
  metrics.requests.of({ method, operation, status }).add(durationMs / 1000)
  metrics.requests.bytesIn += receivedBytes
  metrics.requests.bytesOut += sentBytes
  if (!log.isLevelEnabled('info')) return
  const { traceId, spanId, parentId } = facts.trace()
  log.info(
    {
      request_id: facts.requestId,
      trace_id: traceId,
      span_id: spanId,
      ...(parentId === undefined ? {} : { parent_span_id: parentId }),
      door: 's3',
      method,
      path: visiblePath(facts.path),
      operation,
      status,
      ...(code === undefined ? {} : { code }),
      duration_ms: Math.round(durationMs * 100) / 100,
      bytes_in: receivedBytes,
      bytes_out: sentBytes,
      principal: facts.principalId,
    },
    'request',
  )
}
