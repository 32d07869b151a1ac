import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import { OpenIdFault } from '@holdfast/core/ports/openid.ts'
import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client'

const SILENT: ReadonlySet<string> = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT'])
const CHAIN_MAX = 5
const STATUS_MIN = 500
const TOO_MANY = 429

/**
 * What a login failed with, as the port has it. Of the library's errors only its own sentences are
 * told, a status and the code of an error (RFC 6749 §5.2): behind them lie codes and tokens.
 */
export function translated(error: unknown): HoldfastError {
  if (isHoldfastError(error)) return error
  const chain = causesOf(error)
  const statuses = chain.map(statusOf).filter(status => status !== undefined)
  const isIll = statuses.some(status => status >= STATUS_MIN || status === TOO_MANY)
  const isAnswer = error instanceof ClientError && !SILENT.has(error.code ?? '')
  const isRefusal = error instanceof ResponseBodyError || isOfBrowser(error)
  const code = !isIll && (isAnswer || isRefusal) ? 'UNAUTHENTICATED' : 'IDENTITY_UNAVAILABLE'
  return new HoldfastError(code, {}, { cause: faultOf(error) })
}

/** The same without a verdict. */
export function faultOf(error: unknown): OpenIdFault {
  const chain = causesOf(error)
  const sentences = chain.filter(one => one instanceof Error).map(({ message }) => message)
  const statuses = chain.map(statusOf).filter(status => status !== undefined)
  const codes = chain.map(codeOf).filter(code => code !== undefined)
  const told = [
    ...new Set(sentences),
    ...[...new Set(codes)].map(code => `error ${code}`),
    ...[...new Set(statuses)].map(status => `status ${status}`),
  ]
  return new OpenIdFault(told.join(': '), { isOfBrowser: isOfBrowser(error) })
}

/** The browser brings the answer of the provider, and the code. */
function isOfBrowser(error: unknown): boolean {
  if (error instanceof AuthorizationResponseError) return true
  return error instanceof ResponseBodyError && error.error === 'invalid_grant'
}

/** The error and what it follows from; of the parser of JSON not the sentence, which quotes. */
function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let one = error; one instanceof Error && chain.length < CHAIN_MAX; one = one.cause) {
    if (!(one instanceof SyntaxError)) chain.push(one)
    if (one.cause instanceof Response) chain.push(one.cause)
  }
  return chain
}

function statusOf(one: unknown): number | undefined {
  return one instanceof Response || one instanceof ResponseBodyError ? one.status : undefined
}

function codeOf(one: unknown): string | undefined {
  if (!(one instanceof ResponseBodyError || one instanceof AuthorizationResponseError)) return
  return /^[a-z_]{1,64}$/.test(one.error) ? one.error : undefined
}
