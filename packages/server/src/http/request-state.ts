import type { Principal } from '@holdfast/core/principal.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import type { Trace } from '../telemetry/trace.ts'
import type { RequestBody } from './body/request-body.ts'

/** What is known of a request from its first hook to its last log line. */
export interface RequestState {
  readonly requestId: string
  readonly trace: Trace
  readonly startedMs: number
  /** Address of the caller, as far as it can be believed. */
  readonly ip: string
  readonly body: RequestBody
  /** Aborted when the client goes away or the server gives up. */
  readonly abort: AbortController
  principal: Principal
  /** What the operation has to tell the audit log, without secrets. */
  told: JsonObject
  /** Code of the refusal that was answered. */
  code: string | undefined
  /** Bytes of content that were sent. */
  sentBytes: number
}

declare module 'fastify' {
  interface FastifyRequest {
    state: RequestState
  }
  interface FastifyContextConfig {
    operationId?: string
  }
}
