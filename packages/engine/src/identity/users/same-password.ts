import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Password, User } from '@holdfast/core/identities.ts'

/** What a password was held against; null for who has none here. */
export function passwordHashOf({ password }: Pick<User, 'password'>): string | null {
  return password?.hash ?? null
}

/**
 * UNAUTHENTICATED for what a password allowed that was replaced since it was checked. The check
 * takes long: whoever knows the old one and asks all the time would come in after the change.
 */
export function requireSamePassword(user: User, passwordHash: string | null): void {
  if (passwordHashOf(user) !== passwordHash) throw new HoldfastError('UNAUTHENTICATED')
}

/** That many a new password must differ from. */
export const REMEMBERED = 5

/** What is kept of those before, when the next one comes. */
export function historyAfter(before: Password | null): string[] {
  return rememberedOf(before).slice(0, REMEMBERED - 1)
}

/** Hashes of the last passwords, that of now first. */
export function rememberedOf(password: Password | null): string[] {
  return password === null ? [] : [password.hash, ...password.history].slice(0, REMEMBERED)
}
