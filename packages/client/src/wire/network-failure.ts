import { ClientError } from '../client-error.ts'

/** Causes that Node names when no connection was made: nothing can have reached the server. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens at the address of the server.',
  ENOTFOUND: 'The name of the server is not known.',
  EAI_AGAIN: 'The name of the server cannot be looked up right now.',
}

/** What Node says of a certificate that no authority it knows has signed. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/**
 * Refusals of ours to speak with what answered, before anything was sent: asking again changes
 * nothing (https://nodejs.org/api/tls.html#x509-certificate-error-codes).
 */
const LASTING: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'The certificate of the server has expired.',
  CERT_NOT_YET_VALID: 'The certificate of the server is not valid yet; is the clock right?',
  CERT_REVOKED: 'The certificate of the server was revoked.',
  CERT_REJECTED: 'The certificate of the server is not for this use.',
  INVALID_PURPOSE: 'The certificate of the server is not for this use.',
  CERT_CHAIN_TOO_LONG: 'The certificate of the server has too long a chain.',
  CERT_SIGNATURE_FAILURE: 'The certificate of the server has a wrong signature.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate of the server is for another name.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'The server does not speak TLS at this port.',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'The server does not speak TLS at this port.',
}

export function isUntrusted(cause: unknown): boolean {
  return typeof cause === 'string' && UNTRUSTED.has(cause)
}

/** Whether a broken connection breaks as long as nobody changes something. */
export function isLasting(cause: unknown): boolean {
  return isUntrusted(cause) || (typeof cause === 'string' && Object.hasOwn(LASTING, cause))
}

/** Browsers do not say how far a request came: there it counts as sent. */
export function networkFailure(error: unknown, isSafe: boolean): ClientError {
  const cause = causeCode(error)
  const wasSent = !NEVER_SENT.has(cause ?? '') && !isLasting(cause)
  const message = isUntrusted(cause)
    ? 'The certificate of the server is not trusted here.'
    : (LASTING[cause ?? ''] ?? SENTENCES[cause ?? ''] ?? 'The connection to the server broke.')
  return new ClientError(message, {
    code: 'NETWORK',
    details: cause === undefined ? {} : { cause },
    mayHaveApplied: wasSent && !isSafe,
    cause: error,
  })
}

function causeCode(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return undefined
  return typeof cause.code === 'string' ? cause.code : undefined
}
