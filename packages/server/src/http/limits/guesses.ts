import type { Route } from '@holdfast/contract/route.ts'
import { isHoldfastError } from '@holdfast/core/errors.ts'

/**
 * Whether a route takes what people remember, such as a password: nobody is known before, and it
 * can say that the secret was wrong. New routes of that kind are limited without being named here.
 */
export function isGuess({ permission, errors }: Pick<Route, 'permission' | 'errors'>): boolean {
  return permission === 'open' && errors?.includes('UNAUTHENTICATED') === true
}

/** Whether the refusal stopped somebody from guessing, and not one who was only too fast. */
export function isOfGuesses(refusal: unknown): boolean {
  if (!isHoldfastError(refusal) || refusal.code !== 'RATE_LIMITED') return false
  const { policies } = refusal.details
  return Array.isArray(policies) && policies.some(name => /^(login|credentials)$/.test(name))
}
