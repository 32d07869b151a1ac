import type { Context } from '../../context.ts'
import { type AnswerFacts, recordAnswer } from '../../http/record-request.ts'
import { NO_OPERATION } from '../../telemetry/request-tallies.ts'
import type { S3Request } from './requests/request.ts'

/** One log line and the metrics of a request, when its connection is done with it. */
export function recordS3Request(request: S3Request): void {
  const { context, response, told, body, method, path, trace, startedMs, requestId } = request
  recordS3Answer(context, {
    ...{ method, url: path, startedMs, requestId },
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

/** `operation` as S3 calls it. */
export function recordS3Answer(context: Context, facts: Omit<AnswerFacts, 'door'>): void {
  const { operation } = facts
  const told = operation === NO_OPERATION ? NO_OPERATION : `s3.${operation}`
  recordAnswer(context, { ...facts, door: 's3', operation: told })
}
