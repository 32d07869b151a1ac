import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Share } from '@holdfast/core/identities.ts'
import { type Principal, systemPrincipal } from '@holdfast/core/principal.ts'
import type { Engine } from '../../engine.ts'
import { isGoodAccount } from '../../identity/accounts/account-state.ts'
import { principalOfAccount } from '../../identity/accounts/principal-of-account.ts'
import { actsAwayUntilMs, principalOfUser } from '../../identity/principal-of-user.ts'
import { principalOfGoodKey, principalOfKey } from '../keys/keys.ts'

/** Who made a link that acts for its maker later, when the maker is not there. */
export interface Maker {
  readonly kind: Share['makerKind']
  readonly id: string
}

/** A link cannot make further links, and nobody without a credential can make one. */
export function makerOf({ kind, id, within }: Principal): Maker {
  if (kind === 'anonymous') throw new HoldfastError('UNAUTHENTICATED')
  if (kind === 'link' || kind === 'share') {
    throw new HoldfastError('FORBIDDEN', { reason: 'links cannot make links' })
  }
  // Its rights come with its token and end with it; a link would outlive that.
  if (kind === 'external') {
    throw new HoldfastError('FORBIDDEN', { reason: 'rights of a foreign token make no links' })
  }
  // The link would act with all that its maker holds, so with more than was at hand.
  if (within !== undefined) {
    throw new HoldfastError('FORBIDDEN', { reason: 'a token with a scope cannot make links' })
  }
  return { kind, id }
}

/** What the maker is and may now; undefined when it is gone, shut out or expired. */
export async function currentPrincipal(
  engine: Engine,
  { kind, id }: Maker,
): Promise<Principal | undefined> {
  const { identities, keys } = engine.catalog.view
  const nowMs = engine.clock.now()
  switch (kind) {
    case 'system':
      return systemPrincipal
    case 'user': {
      const user = await identities.byId('user', id)
      if (user === undefined || actsAwayUntilMs(engine, user) <= nowMs) return undefined
      return (await principalOfUser(engine, user)).principal
    }
    case 'service_account': {
      const account = await identities.byId('service_account', id)
      if (account === undefined || !isGoodAccount(account, nowMs)) return undefined
      return (await principalOfAccount(engine, account)).principal
    }
    case 'api_key':
      return await principalOfGoodKey(engine, await keys.byId(id))
  }
}

/** What the maker holds, whether or not it may act now; undefined when it is gone. */
export async function principalOfMaker(
  engine: Engine,
  { kind, id }: Maker,
): Promise<Principal | undefined> {
  const { identities, keys } = engine.catalog.view
  switch (kind) {
    case 'system':
      return systemPrincipal
    case 'user': {
      const user = await identities.byId('user', id)
      return user && (await principalOfUser(engine, user)).principal
    }
    case 'service_account': {
      const account = await identities.byId('service_account', id)
      return account && (await principalOfAccount(engine, account)).principal
    }
    case 'api_key': {
      const key = await keys.byId(id)
      return key && principalOfKey(key)
    }
  }
}
