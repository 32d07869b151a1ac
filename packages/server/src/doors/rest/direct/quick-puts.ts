import type { Socket } from 'node:net'
import type { Call } from '@holdfast/core/call.ts'
import { newUuid } from '@holdfast/core/ids.ts'
import type { Context } from '../../../context.ts'
import type {
  QuickAnswer,
  QuickIntake,
  QuickPut,
} from '../../../http/direct/quick/quick-connections.ts'
import type { QuickPutHead } from '../../../http/direct/quick/quick-put-head.ts'
import { requestIdField } from '../../../http/direct/write-whole.ts'
import { recordAnswer } from '../../../http/record-request.ts'
import { REQUEST_ID } from '../../../http/request-state.ts'
import { traceOf } from '../../../telemetry/trace.ts'
import type { PlainPut, PlainPuts, Stored } from './plain-puts.ts'

/** The same answers as of `directPuts`, on connections that Node has not taken. */
export function quickPuts(context: Context, puts: PlainPuts, keepAliveMs: number): QuickPut {
  return head => {
    if (context.limits.mayConcern) return undefined
    const put = puts.find(head.url, head.headers)
    return put && new PutIntake(context, puts, { head, put, keepAliveMs })
  }
}

/** Once the body is here, nobody has to be asked whether its sender still waits. */
const { signal: neverAborted } = new AbortController()

interface QuickPutExchange {
  readonly head: QuickPutHead
  readonly put: PlainPut
  readonly keepAliveMs: number
}

class PutIntake implements QuickIntake {
  readonly #context: Context
  readonly #puts: PlainPuts
  readonly #exchange: QuickPutExchange
  readonly #memory: Buffer
  readonly #startedMs: number
  #received = 0

  constructor(context: Context, puts: PlainPuts, exchange: QuickPutExchange) {
    this.#context = context
    this.#puts = puts
    this.#exchange = exchange
    this.#memory = puts.buffers.take(exchange.put.headers.length)
    this.#startedMs = context.clock.monotonic()
    context.load.active += 1
  }

  get missing(): number {
    return this.#exchange.put.headers.length - this.#received
  }

  add(chunk: Buffer, from: number): void {
    chunk.copy(this.#memory, this.#received, from)
    this.#received += chunk.length - from
  }

  async serve(socket: Socket): Promise<QuickAnswer | undefined> {
    const { clock, random } = this.#context
    const { put } = this.#exchange
    const given = put.headers.requestId
    const usable = given !== undefined && REQUEST_ID.test(given)
    const requestId = usable ? given : newUuid(clock, random)
    const call: Call = { principal: put.principal, requestId, signal: neverAborted }
    const bytes = this.#memory.subarray(0, this.#received)
    const stored = await this.#puts.store(put, call, bytes)
    return stored && this.#answer(socket, stored, requestId)
  }

  giveUp(): Buffer {
    const { head } = this.#exchange
    const came = this.#memory.subarray(0, this.#received)
    const bytes = Buffer.concat([Buffer.from(head.text, 'latin1'), came])
    this.#puts.buffers.giveBack(this.#memory)
    this.#context.load.active -= 1
    return bytes
  }

  #answer(socket: Socket, { status, head, text }: Stored, requestId: string): QuickAnswer {
    const { writer, buffers } = this.#puts
    const { keepAliveMs } = this.#exchange
    buffers.giveBack(this.#memory)
    return over => {
      writer.writeTo(socket, head, {
        ...{ fields: requestIdField(requestId), bytes: text, keepAliveMs },
        sent: error => {
          this.#context.load.active -= 1
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
      receivedBytes: this.#received,
      sentBytes: 0,
      principalId: put.principal.id,
      trace: () => traceOf(head.traceparent, this.#context.random),
    })
  }
}
