import type { ServerResponse } from 'node:http'
import type { Context } from '../context.ts'
import { loggedPath } from '../telemetry/hidden-credentials.ts'
import type { Trace } from '../telemetry/trace.ts'
import { limitStall } from './direct/stalled-answers.ts'
import { splitUrl } from './parse/raw-path.ts'
import type { RequestState } from './request-state.ts'

/** Counts a request as at work until its connection is done with it, and then records it. */
export function trackRequest(state: RequestState, operation: () => string): void {
  const { response, context } = state
  const over = () => {
    if (!response.writableFinished) state.giveUp()
    recordRequest(state, operation())
  }
  // A client that left before: nothing would tell of it once more.
  if (response.closed) {
    over()
    return
  }
  limitStall(response)
  countActive(context.load, response)
  response.once('close', over)
}

/** Counts an answer as at work until its connection is done with it. */
export function countActive(load: Context['load'], response: ServerResponse): void {
  load.active += 1
  response.once('close', () => {
    load.active -= 1
  })
}

/** Counts a request as at work while its content is read, before `trackRequest`: a stop waits. */
export async function whileActive<Value>(
  load: Context['load'],
  reading: Promise<Value>,
): Promise<Value> {
  load.active += 1
  try {
    return await reading
  } finally {
    load.active -= 1
  }
}

/** One log line and the metrics of a request, when its connection is done with it. */
function recordRequest(state: RequestState, operation: string): void {
  const { request, response, context } = state
  recordAnswer(context, {
    method: request.method ?? '',
    url: request.url ?? '',
    operation,
    // 499 is what nginx writes for a client that left; nobody received it.
    status: response.writableFinished ? response.statusCode : 499,
    startedMs: state.startedMs,
    requestId: state.requestId,
    receivedBytes: state.receivedBytes,
    sentBytes: state.sentBytes,
    principalId: state.principal.id,
    code: state.code,
    trace: () => state.trace,
  })
}

/** What log and metrics want to know. */
export interface AnswerFacts {
  /** Of another door than REST. */
  readonly door?: string
  readonly method: string
  /** Only its path is told: a query may hold a signature. */
  readonly url: string
  readonly operation: string
  readonly status: number
  readonly startedMs: number
  readonly requestId: string
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly principalId: string
  readonly code?: string | undefined
  /** Asked only for a line of the log. */
  trace(): Trace
}

/** One log line and the metrics of an answer, at every door. */
export function recordAnswer({ metrics, log, clock }: Context, facts: AnswerFacts): void {
  const { method, operation, status, receivedBytes, sentBytes } = facts
  const durationMs = clock.monotonic() - facts.startedMs
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
      ...(facts.door === undefined ? {} : { door: facts.door }),
      method,
      path: loggedPath(splitUrl(facts.url).path),
      operation,
      status,
      ...(facts.code === undefined ? {} : { code: facts.code }),
      duration_ms: Math.round(durationMs * 100) / 100,
      bytes_in: receivedBytes,
      bytes_out: sentBytes,
      principal: facts.principalId,
    },
    'request',
  )
}
