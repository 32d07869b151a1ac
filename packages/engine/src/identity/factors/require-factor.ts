import { HoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { administers } from '@holdfast/core/principal.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import type { Engine } from '../../engine.ts'
import { factorOf } from './spend-proof.ts'

/**
 * SECOND_FACTOR_ENROLMENT_REQUIRED for whom the settings oblige to have one and who has none. Asked
 * at every login, refresh and first use of a token: who becomes an administrator is asked at once.
 * Who comes from a provider of logins or an issuer of tokens has the factors of that place.
 */
export function requireFactor(engine: Engine, user: User): void {
  if (factorOf(user) !== undefined || !isObliged(engine, user)) return
  throw new HoldfastError('SECOND_FACTOR_ENROLMENT_REQUIRED')
}

function isObliged({ identity }: Engine, { roles, source, outside }: User): boolean {
  if (source === 'oidc' || source === 'token') return false
  const { secondFactorFor } = identity.settings
  if (secondFactorFor !== 'administrators') return secondFactorFor === 'everybody'
  const scopes = [...rightsOf(roles).permissions, ...(outside?.permissions ?? [])]
  return administers(scopes)
}
