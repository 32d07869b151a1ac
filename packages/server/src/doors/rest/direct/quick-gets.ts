import type { Socket } from 'node:net'
import { newUuid } from '@holdfast/core/ids.ts'
import type { LentBytes } from '@holdfast/core/ports/element.ts'
import type { Context } from '../../../context.ts'
import type { PlainHeaders } from '../../../http/direct/plain-headers.ts'
import { kept, type QuickParts, quickAnswer } from '../../../http/direct/quick/quick-answer.ts'
import type { Quick, QuickAnswer } from '../../../http/direct/quick/quick-connections.ts'
import type { QuickHead } from '../../../http/direct/quick/quick-head.ts'
import { requestIdField } from '../../../http/direct/write-whole.ts'
import { recordAnswer, whileActive } from '../../../http/record-request.ts'
import { REQUEST_ID } from '../../../http/request-state.ts'
import { traceOf } from '../../../telemetry/trace.ts'
import { type Found, operationOf, type PlainContents } from './plain-content.ts'

const NONE = new Uint8Array(0)

/** The same answers as of `directGets`, on connections that Node has not taken. */
export function quickGets(
  context: Context,
  contents: PlainContents,
  keepAliveMs: number,
): Quick<PlainHeaders> {
  const { limits, load, settings } = context
  const answers = new QuickAnswers(context, { load, writer: contents.writer, keepAliveMs })
  return (request, socket) => {
    if (limits.mayConcern || load.stopping || load.active >= settings.requestsMax) return undefined
    const found = contents.find(request.url, request.headers)
    if (found === undefined) return undefined
    const { content } = found
    const exchange = { request, socket, found, startedMs: context.clock.monotonic() }
    const isEmpty = request.method === 'HEAD' || content.size === 0
    const bytes = isEmpty ? NONE : content.held()
    if (bytes !== undefined) return answers.of(exchange, kept(bytes))
    const lent = content.lend()
    if (lent instanceof Promise) {
      return whileActive(load, lent).then(loan => answers.of(exchange, loan))
    }
    return lent && answers.of(exchange, lent)
  }
}

interface QuickExchange {
  readonly request: QuickHead<PlainHeaders>
  readonly socket: Socket
  readonly found: Found
  readonly startedMs: number
}

class QuickAnswers {
  readonly #context: Context
  readonly #parts: QuickParts

  constructor(context: Context, parts: QuickParts) {
    this.#context = context
    this.#parts = parts
  }

  of(exchange: QuickExchange, content: LentBytes): QuickAnswer {
    const { clock, random } = this.#context
    const { found, socket } = exchange
    const given = found.requestId
    const usable = given !== undefined && REQUEST_ID.test(given)
    const requestId = usable ? given : newUuid(clock, random)
    return quickAnswer(this.#parts, {
      ...{ socket, head: found.head, fields: requestIdField(requestId), content },
      record: isWhole => {
        this.#record(exchange, { requestId, isWhole, sentBytes: content.bytes.length })
      },
    })
  }

  #record(
    { request, found, startedMs }: QuickExchange,
    sent: { readonly requestId: string; readonly isWhole: boolean; readonly sentBytes: number },
  ): void {
    const { method, url, traceparent } = request
    const { requestId, sentBytes } = sent
    recordAnswer(this.#context, {
      ...{ method, url, operation: operationOf(method, found.operation), requestId, sentBytes },
      // As on the way of all requests: nobody received it.
      status: sent.isWhole ? 200 : 499,
      startedMs,
      receivedBytes: 0,
      principalId: found.principal.id,
      trace: () => traceOf(traceparent, this.#context.random),
    })
  }
}
