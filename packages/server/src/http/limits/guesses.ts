import type { Route } from '@holdfast/contract/route.ts'
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { FastifyRequest } from 'fastify'
import type { Context } from '../../context.ts'
import { isAllowed } from '../cors.ts'

/**
 * Whether a route takes what people remember, such as a password: nobody is known before, and it
 * can say that the secret was wrong. New routes of that kind are limited without being named here.
 * What comes without a body is none: any page can make browsers ask for it, and would use up what
 * their network has.
 */
export function isGuess({
  permission,
  errors,
  body,
}: Pick<Route, 'permission' | 'errors' | 'body'>): boolean {
  if (body === undefined) return false
  return permission === 'open' && errors?.includes('UNAUTHENTICATED') === true
}

/**
 * Whether the body of a known caller is a guess as well: whoever has a session, such as a stolen
 * one, proves with what people remember. Those routes name UNAUTHENTICATED themselves, which all
 * others with a caller have anyway. No page can make browsers send these: the session comes in a
 * header that they ask about first.
 */
export function isGuessAgain({ permission, errors }: Route, body: unknown): boolean {
  if (permission === 'open' || errors?.includes('UNAUTHENTICATED') !== true) return false
  if (typeof body !== 'object' || body === null) return false
  return PROOF_FIELDS.some(name => name in body)
}

const PROOF_FIELDS = ['password', 'current_password', 'code']

const JSON_TYPE = /^application\/json\s*(;|$)/i

/**
 * Refuses forms that pages of others send, which browsers let them without asking first (Fetch
 * standard, CORS-safelisted requests): as guesses they would keep those out who are at home there.
 */
export async function requireOwnForm(context: Context, request: FastifyRequest): Promise<void> {
  const { origin, host, 'content-type': type = '' } = request.headers
  if (origin === undefined || JSON_TYPE.test(type)) return
  if (URL.canParse(origin) && new URL(origin).host === host) return
  if (await isAllowed(context, request, origin)) return
  throw new HoldfastError('FORBIDDEN', { reason: 'a form of another page' })
}

/** Whether the refusal stopped somebody from guessing, and not one who was only too fast. */
export function isOfGuesses(refusal: unknown): boolean {
  if (!isHoldfastError(refusal) || refusal.code !== 'RATE_LIMITED') return false
  const { policies } = refusal.details
  return Array.isArray(policies) && policies.some(name => /^(login|credentials)$/.test(name))
}
