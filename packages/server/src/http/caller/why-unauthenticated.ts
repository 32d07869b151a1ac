import type { OperationId } from '@holdfast/contract/routes.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { FastifyRequest } from 'fastify'

const WHO = 'the name, the password or the code is wrong'
const OWN = 'the password or the code is wrong, or the session has ended'

/**
 * What may be wrong where the body proves who somebody is. One sentence for each operation: which
 * part was wrong, and whether there is such a name, is told to nobody.
 */
const PROOFS: Partial<Record<OperationId, string>> = {
  login: 'the name or the password is wrong',
  loginWithCode: 'the code is wrong, or the challenge is no longer good: log in again',
  refresh: 'the refresh token is not good, or no longer: log in again',
  issueToken: 'the client id, its secret or the refresh token is wrong',
  redeemOpenId: 'the code of the login is not good, or no longer: log in again',
  finishOpenId: 'the login at the provider was not finished, or took too long: begin again',
  changePassword: WHO,
  beginSecondFactor: WHO,
  confirmSecondFactor: WHO,
  disableSecondFactor: WHO,
  renewRecoveryCodes: WHO,
}

/** The same of who came with a credential, which was good. */
const PROOFS_AGAIN: Partial<Record<OperationId, string>> = { confirmSession: OWN, updateUser: OWN }

/** Whether the body of an operation is a proof of who somebody is. */
export function isProof(operationId: string): boolean {
  return Object.hasOwn(PROOFS, operationId) || Object.hasOwn(PROOFS_AGAIN, operationId)
}

/**
 * An UNAUTHENTICATED with what to look at. It follows from the route and from whether a credential
 * came alone, so that it tells of nobody else; `credential` says it to programs.
 */
export function withReason(error: HoldfastError, request: FastifyRequest): HoldfastError {
  if (error.code !== 'UNAUTHENTICATED' || error.details.reason !== undefined) return error
  return new HoldfastError(error.code, factsOf(request), { cause: error })
}

function factsOf({ headers, routeOptions, state }: FastifyRequest) {
  const { operationId = '' } = routeOptions.config
  const table: Readonly<Record<string, string>> =
    state.principal.kind === 'anonymous' ? PROOFS : PROOFS_AGAIN
  const proof = Object.hasOwn(table, operationId) ? table[operationId] : undefined
  if (proof !== undefined) return { reason: proof }
  const isThere = headers.authorization !== undefined || headers['x-api-key'] !== undefined
  return isThere
    ? { credential: 'refused', reason: 'the key or token is not known, or no longer good' }
    : { credential: 'missing', reason: 'no key or token came with the request' }
}
