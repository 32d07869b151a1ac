import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Call } from '@holdfast/core/call.ts'
import { newUuid } from '@holdfast/core/ids.ts'
import { anonymous, type Principal } from '@holdfast/core/principal.ts'
import { addressKey } from '@holdfast/core/rates/address-key.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import type { Context } from '../context.ts'
import { type Trace, traceOf } from '../telemetry/trace.ts'
import { RequestBody } from './body/request-body.ts'
import { clientAddress } from './caller/client-address.ts'
import { RequestCall } from './caller/request-call.ts'
import type { Admission } from './limits/admission.ts'

/** What a caller may call its request. */
export const REQUEST_ID = /^[\w.:-]{8,128}$/

/** What is known of a request from its first hook to its last log line. */
export class RequestState {
  readonly context: Context
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly startedMs: number
  principal: Principal = anonymous
  /** Refuses who may no more; asked when the body is in, where rights changed since the head. */
  admitAgain: ((call: Call) => Promise<void>) | undefined
  /** What the operation has to tell the audit log, without secrets. */
  told: JsonObject = {}
  /** Whether an operation that is about the caller showed what others have or may. */
  showsOthers = false
  /** Waited for before the first byte of a good answer leaves; once, however often it is asked. */
  begins: (() => Promise<void>) | undefined
  /** Code of the refusal that was answered. */
  code: string | undefined
  /** Bytes of content that were sent. */
  sentBytes = 0
  /** A socket that closed no longer tells. */
  readonly #remote: string | undefined
  #body: RequestBody | undefined
  #call: RequestCall | undefined
  /** Of the rights that the principal was found by. */
  #moment: number | undefined
  #trace: Trace | undefined
  #admission: Admission | undefined
  #abort: AbortController | undefined
  #over = false

  /** `givenId` where the caller has looked for the header already. */
  constructor(
    context: Context,
    { request, response }: Pick<RequestState, 'request' | 'response'>,
    givenId = request.headers['x-request-id'],
  ) {
    const { clock, random } = context
    this.context = context
    this.request = request
    this.response = response
    this.startedMs = clock.monotonic()
    this.#remote = request.socket.remoteAddress
    const usable = typeof givenId === 'string' && REQUEST_ID.test(givenId)
    this.requestId = usable ? givenId : newUuid(clock, random)
  }

  // Most requests are over before anybody asks for these, so they are made when somebody does.

  /** Address of the caller, as far as it can be believed. */
  get ip(): string {
    const forwarded = this.request.headers['x-forwarded-for']
    return clientAddress({ remote: this.#remote, forwarded }, this.context.proxies)
  }

  get body(): RequestBody {
    if (this.#body === undefined) {
      this.#body = new RequestBody(this.request, this.response, this.context.pace)
      this.#body.whenRead = () => this.turn()?.then(() => this.renew()) ?? this.renew()
    }
    return this.#body
  }

  /** Its way through the limits on callers. */
  get admission(): Admission {
    this.#admission ??= this.context.limits.admission(this)
    return this.#admission
  }

  get receivedBytes(): number {
    return this.#body?.received ?? 0
  }

  get trace(): Trace {
    const { traceparent } = this.request.headers
    const header = typeof traceparent === 'string' ? traceparent : undefined
    this.#trace ??= traceOf(header, this.context.random)
    return this.#trace
  }

  /** Aborted when the client goes away or the server gives up. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#over) this.#abort.abort()
    }
    return this.#abort.signal
  }

  /** Nobody waits for the answer any more. */
  giveUp(): void {
    this.#over = true
    this.#abort?.abort()
  }

  get givenUp(): boolean {
    return this.#over
  }

  /** Waited for before much is done at once; undefined where it may be. */
  turn(): Promise<void> | undefined {
    return this.context.turns.take(() => addressKey(this.ip))
  }

  /** Who sent it, by the rights of a moment that was taken before they were read. */
  identify(principal: Principal, moment: number): void {
    this.principal = principal
    this.#moment = moment
  }

  /** The request as the engine sees it. The last one is that which the body renews. */
  call(): RequestCall {
    const { requestId, principal } = this
    this.#call = new RequestCall(this, { requestId, principal, moment: this.#moment })
    return this.#call
  }

  /** After what took long: the caller and the last call with what the sender may by now. */
  renew(): Promise<void> | undefined {
    const call = this.#call ?? this.call()
    const renewing = call.renew(this.context.engine)
    return renewing?.then(async () => {
      this.principal = call.principal
      this.#moment = call.moment
      await this.admitAgain?.(call)
    })
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    state: RequestState
  }
  interface FastifyContextConfig {
    operationId?: string
  }
}
