import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { FastifyRequest } from 'fastify'
import type { Context } from '../../context.ts'
import { isKnown, principalOf } from '../caller/authenticate.ts'

/**
 * Who calls. Wrong credentials count against the address; when there were too many, only those that
 * were good before are looked at: guessing on tells nothing, and who shares the address works on.
 */
export async function knownCaller(
  { engine, limits }: Context,
  { headers, state }: FastifyRequest,
): Promise<Principal> {
  const isGiven = headers.authorization !== undefined || headers['x-api-key'] !== undefined
  if (!isGiven) return await principalOf(engine, headers)
  try {
    const wasKnown = isKnown(engine, headers)
    if (limits.blocksAny && !wasKnown) limits.requireUnblocked(state.ip, state.admission)
    const principal = await principalOf(engine, headers)
    // Checks of tokens that began in many turns of the event loop may end in one.
    const waiting = wasKnown ? undefined : state.turn()
    if (waiting === undefined) return principal
    await waiting
    state.signal.throwIfAborted()
    return await principalOf(engine, headers)
  } catch (error) {
    // One that has expired was no guess.
    if (isHoldfastError(error) && error.code === 'UNAUTHENTICATED') {
      await limits.countWrong(state.ip)
    }
    throw error
  }
}
