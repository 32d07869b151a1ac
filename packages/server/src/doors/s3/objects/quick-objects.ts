import type { Socket } from 'node:net'
import { newUuid } from '@holdfast/core/ids.ts'
import type { LentBytes } from '@holdfast/core/ports/element.ts'
import type { Context } from '../../../context.ts'
import { type QuickParts, quickAnswer } from '../../../http/direct/quick/quick-answer.ts'
import type { Quick, QuickAnswer } from '../../../http/direct/quick/quick-connections.ts'
import type { QuickHead } from '../../../http/direct/quick/quick-head.ts'
import { whileActive } from '../../../http/record-request.ts'
import { newTrace, TRACE_BYTES } from '../../../telemetry/trace.ts'
import { recordS3Answer } from '../record.ts'
import { plainTarget } from '../requests/marks.ts'
import { hostIdOf } from '../send.ts'
import type { RequestHeaders } from '../wire/headers.ts'
import { findPlainObject, heldBody, lentBody, type PlainObject } from './plain-object.ts'

/** The same answers as of `answerAtOnce`, on connections that Node has not taken. */
export function quickObjects(context: Context, parts: QuickParts): Quick<RequestHeaders> {
  const { limits, load, settings, clock, engine } = context
  const served = { context, parts }
  return (head, socket) => {
    if (limits.mayConcern || load.stopping || load.active >= settings.requestsMax) return undefined
    const startedMs = clock.monotonic()
    const { method, headers: wire } = head
    const target = plainTarget(head.url)
    if (target === undefined) return undefined
    const remote = socket.remoteAddress
    // A request that names other addresses than that of its peer is not plain.
    const { path, query, named } = target
    const asked = { context, method, path, query, named, wire, remote, forwarded: undefined }
    const found = findPlainObject(asked)
    if (found === undefined) return undefined
    const exchange = { head, path, socket, found, startedMs }
    const answer = (content: LentBytes) => answerOf(served, exchange, content)
    const body = heldBody(engine, found) ?? lentBody(engine, found)
    if (body instanceof Promise) return whileActive(load, body).then(answer)
    return body && answer(body)
  }
}

interface Exchange {
  readonly head: QuickHead<RequestHeaders>
  readonly path: string
  readonly socket: Socket
  readonly found: PlainObject
  readonly startedMs: number
}

function answerOf(
  { context, parts }: { readonly context: Context; readonly parts: QuickParts },
  { head, path, socket, found, startedMs }: Exchange,
  content: LentBytes,
): QuickAnswer {
  const { clock, random } = context
  const requestId = newUuid(clock, random)
  // A request that goes on with the trace of another is not plain.
  const seed = random.bytes(TRACE_BYTES)
  const fields = `x-amz-request-id: ${requestId}\r\nx-amz-id-2: ${hostIdOf(seed)}\r\n`
  return quickAnswer(parts, {
    ...{ socket, head: found.head, fields, content },
    record: isWhole => {
      recordS3Answer(context, {
        ...{ method: head.method, url: path, operation: found.operation, startedMs, requestId },
        // As on the way of all requests: nobody received it.
        status: isWhole ? 200 : 499,
        trace: () => newTrace(seed),
        receivedBytes: 0,
        sentBytes: content.bytes.length,
        principalId: found.principal.id,
      })
    },
  })
}
