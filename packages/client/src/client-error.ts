import type { Route } from '@holdfast/contract/route.ts'

/** Codes the server answers with: see `/api/v2/errors`. */
export type ServerCode = NonNullable<Route['errors']>[number]

/**
 * Codes for what the server did not say:
 * NETWORK        the connection could not be made or broke;
 * TIMEOUT        nothing moved for `timeoutMs`;
 * BODY_LENGTH    the source of an upload is longer or shorter than its announced size;
 * CONTENT_CHANGED the asset changed while its download was resumed;
 * CONTENT_DAMAGED the bytes received, or stored, are not the ones that were sent;
 * NOT_MODIFIED   the content is still the one of `ifNoneMatch`;
 * HTTP_STATUS    a refusal without a reason, as proxies and HEAD give them: see `status`;
 * UNEXPECTED_ANSWER what answered does not speak this interface.
 */
export type LocalCode =
  | 'NETWORK'
  | 'TIMEOUT'
  | 'BODY_LENGTH'
  | 'CONTENT_CHANGED'
  | 'CONTENT_DAMAGED'
  | 'NOT_MODIFIED'
  | 'HTTP_STATUS'
  | 'UNEXPECTED_ANSWER'

export interface FailureFacts {
  /** A newer server may know codes that this client does not. */
  readonly code: ServerCode | LocalCode | (string & {})
  /** Status of the answer; 0 when there was none. */
  readonly status?: number
  readonly details?: Readonly<Record<string, unknown>>
  /** Names the request in the log of the server. */
  readonly requestId?: string | undefined
  /** How long the server asks to wait. */
  readonly retryAfterMs?: number | undefined
  /** True when the server may have done what was asked although the call failed. */
  readonly mayHaveApplied?: boolean
  readonly attempts?: number
  readonly cause?: unknown
}

const brand = Symbol.for('holdfast.client-error')

/** Every failure of a call but an abort, which rejects with the reason of the signal. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: string
  readonly status: number
  readonly details: Readonly<Record<string, unknown>>
  readonly requestId: string | undefined
  readonly retryAfterMs: number | undefined
  readonly mayHaveApplied: boolean
  /** How often the request was sent. */
  readonly attempts: number
  readonly [brand] = true

  constructor(message: string, facts: FailureFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = facts.code
    this.status = facts.status ?? 0
    this.details = facts.details ?? {}
    this.requestId = facts.requestId
    this.retryAfterMs = facts.retryAfterMs
    this.mayHaveApplied = facts.mayHaveApplied ?? false
    this.attempts = facts.attempts ?? 1
  }
}

/** True for errors of any copy of this module. */
export function isClientError(error: unknown): error is ClientError {
  return typeof error === 'object' && error !== null && brand in error
}

/** The same failure with what several attempts taught about it. */
export function summarised(
  failure: ClientError,
  facts: { attempts: number; mayHaveApplied: boolean },
): ClientError {
  const { message, code, status, details, requestId, retryAfterMs, cause } = failure
  return new ClientError(message, {
    ...{ code, status, details, requestId, retryAfterMs, cause },
    ...facts,
  })
}
