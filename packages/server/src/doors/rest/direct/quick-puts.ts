import type { Socket } from 'node:net'
import type { Call } from '@holdfast/core/call.ts'
import { newUuid } from '@holdfast/core/ids.ts'
import type { Context } from '../../../context.ts'
import type { PutHeaders } from '../../../http/direct/put-headers.ts'
import { BodyIntake } from '../../../http/direct/quick/body-intake.ts'
import type { QuickAnswer, QuickPut } from '../../../http/direct/quick/quick-connections.ts'
import type { QuickPutHead } from '../../../http/direct/quick/quick-put-head.ts'
import { requestIdField } from '../../../http/direct/write-whole.ts'
import { recordAnswer } from '../../../http/record-request.ts'
import { REQUEST_ID } from '../../../http/request-state.ts'
import { traceOf } from '../../../telemetry/trace.ts'
import type { PlainPut, PlainPuts, Stored } from './plain-puts.ts'

/** The same answers as of `directPuts`, on connections that Node has not taken. */
export function quickPuts(
  context: Context,
  puts: PlainPuts,
  keepAliveMs: number,
): QuickPut<PutHeaders> {
  return head => {
    if (context.limits.mayConcern) return undefined
    const put = puts.find(head.url, head.headers)
    return put && new PutIntake(context, puts, { head, put, keepAliveMs })
  }
}

/** Once the body is here, nobody has to be asked whether its sender still waits. */
const { signal: neverAborted } = new AbortController()

interface QuickPutExchange {
  readonly head: QuickPutHead<PutHeaders>
  readonly put: PlainPut
  readonly keepAliveMs: number
}

class PutIntake extends BodyIntake {
  readonly #context: Context
  readonly #puts: PlainPuts
  readonly #exchange: QuickPutExchange
  readonly #startedMs: number

  constructor(context: Context, puts: PlainPuts, exchange: QuickPutExchange) {
    super({ load: context.load, buffers: puts.buffers }, exchange.head)
    this.#context = context
    this.#puts = puts
    this.#exchange = exchange
    this.#startedMs = context.clock.monotonic()
  }

  protected async store(socket: Socket, bytes: Uint8Array): Promise<QuickAnswer | undefined> {
    const { clock, random } = this.#context
    const { put } = this.#exchange
    const given = put.headers.requestId
    const usable = given !== undefined && REQUEST_ID.test(given)
    const requestId = usable ? given : newUuid(clock, random)
    const call: Call = { principal: put.principal, requestId, signal: neverAborted }
    const stored = await this.#puts.store(put, call, bytes)
    return stored && this.#answer(socket, stored, requestId)
  }

  #answer(socket: Socket, { status, head, text }: Stored, requestId: string): QuickAnswer {
    const { writer } = this.#puts
    const { keepAliveMs } = this.#exchange
    return over => {
      writer.writeTo(socket, head, {
        ...{ fields: requestIdField(requestId), bytes: text, keepAliveMs },
        sent: error => {
          this.leave()
          const isWhole = error === undefined || error === null
          // As on the way of all requests: nobody received it.
          this.#record(requestId, isWhole ? status : 499)
          over()
        },
      })
    }
  }

  #record(requestId: string, status: number): void {
    const { head, put } = this.#exchange
    recordAnswer(this.#context, {
      ...{ method: 'PUT', url: head.url, operation: 'putByKey', requestId, status },
      startedMs: this.#startedMs,
      receivedBytes: this.received,
      sentBytes: 0,
      principalId: put.principal.id,
      trace: () => traceOf(head.traceparent, this.#context.random),
    })
  }
}
