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
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate of the server is not trusted here.',
  SELF_SIGNED_CERT_IN_CHAIN: 'The certificate of the server is not trusted here.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'The certificate of the server is not trusted here.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'The certificate of the server is not trusted here.',
  CERT_HAS_EXPIRED: 'The certificate of the server has expired.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate of the server is for another name.',
}

/** Browsers do not say how far a request came: there it counts as sent. */
export function networkFailure(error: unknown, isSafe: boolean): ClientError {
  const cause = causeCode(error)
  const wasSent = !NEVER_SENT.has(cause ?? '')
  const message = SENTENCES[cause ?? ''] ?? 'The connection to the server broke.'
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
