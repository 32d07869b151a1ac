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
