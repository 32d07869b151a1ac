import type { Socket } from 'node:net'
import type { Call } from '@holdfast/core/call.ts'
import { newUuid } from '@holdfast/core/ids.ts'
import type { Context } from '../../../context.ts'
import type { BodyBuffers } from '../../../http/direct/body-buffers.ts'
import { BodyIntake } from '../../../http/direct/quick/body-intake.ts'
import {
  NO_CONTENT,
  type QuickParts,
  quickAnswer,
} from '../../../http/direct/quick/quick-answer.ts'
import type { QuickAnswer, QuickPut } from '../../../http/direct/quick/quick-connections.ts'
import type { QuickPutHead } from '../../../http/direct/quick/quick-put-head.ts'
import { prepareHead } from '../../../http/direct/write-whole.ts'
import { newTrace, TRACE_BYTES } from '../../../telemetry/trace.ts'
import { recordS3Answer } from '../record.ts'
import { plainTarget } from '../requests/marks.ts'
import { hostIdOf, lastingHeaders } from '../send.ts'
import { findPlainPut, type PlainPut, type PlainPutHeaders, storePlainPut } from './plain-put.ts'

export interface QuickPutParts extends QuickParts {
  readonly buffers: BodyBuffers
}

/** The answers of `putObjectHere` to plain PUTs, on connections that Node has not taken. */
export function quickPut(context: Context, parts: QuickPutParts): QuickPut<PlainPutHeaders> {
  const { limits, load, settings, clock } = context
  return (head, socket) => {
    if (limits.mayConcern || load.stopping || load.active >= settings.requestsMax) return undefined
    // Whoever wants every change in the audit log gets it from the way of all requests.
    if (settings.auditData) return undefined
    const startedMs = clock.monotonic()
    const target = plainTarget(head.url)
    if (target === undefined) return undefined
    const { wire, length } = head.headers
    const remote = socket.remoteAddress
    // A request that names other addresses than that of its peer is not plain.
    const put = findPlainPut(
      { context, method: 'PUT', wire, remote, forwarded: undefined, ...target },
      length,
    )
    if (put === undefined) return undefined
    return new PutIntake(context, parts, { head, path: target.path, put, startedMs })
  }
}

/** Once the body is here, nobody has to be asked whether its sender still waits. */
const { signal: neverAborted } = new AbortController()

interface Exchange {
  readonly head: QuickPutHead<PlainPutHeaders>
  readonly path: string
  readonly put: PlainPut
  readonly startedMs: number
}

class PutIntake extends BodyIntake {
  readonly #context: Context
  readonly #parts: QuickPutParts
  readonly #exchange: Exchange

  constructor(context: Context, parts: QuickPutParts, exchange: Exchange) {
    super(parts, exchange.head)
    this.#context = context
    this.#parts = parts
    this.#exchange = exchange
  }

  protected async store(socket: Socket, bytes: Uint8Array): Promise<QuickAnswer | undefined> {
    const { engine, clock, random } = this.#context
    const { put } = this.#exchange
    const requestId = newUuid(clock, random)
    const call: Call = { principal: put.principal, requestId, signal: neverAborted }
    const stored = await storePlainPut(engine, call, { put, bytes })
    if (stored === undefined) return undefined
    // A request that goes on with the trace of another is not plain.
    const seed = random.bytes(TRACE_BYTES)
    const head = prepareHead({
      'x-amz-request-id': requestId,
      'x-amz-id-2': hostIdOf(seed),
      ...lastingHeaders,
      ...stored,
      'content-length': '0',
    })
    if (head === undefined) return undefined
    const answer = quickAnswer(this.#parts, {
      ...{ socket, head, fields: '', content: NO_CONTENT },
      record: isWhole => this.#record(requestId, seed, isWhole),
    })
    // The answer counts by itself.
    this.leave()
    return answer
  }

  #record(requestId: string, seed: Uint8Array, isWhole: boolean): void {
    const { path, put, startedMs } = this.#exchange
    recordS3Answer(this.#context, {
      ...{ method: 'PUT', url: path, operation: 'PutObject', startedMs, requestId },
      // As on the way of all requests: nobody received it.
      status: isWhole ? 200 : 499,
      trace: () => newTrace(seed),
      ...{ receivedBytes: this.received, sentBytes: 0 },
      principalId: put.principal.id,
    })
  }
}
