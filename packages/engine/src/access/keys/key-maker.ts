import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { ApiKey } from '@holdfast/core/records.ts'
import type { Engine } from '../../engine.ts'
import { isGoodAccount, rateLimitOf } from '../../identity/accounts/account-state.ts'
import { actsAwayUntilMs } from '../../identity/principal-of-user.ts'

/**
 * With whom the new key of this caller stops: the user or account who makes it, also by way of
 * another key, which hands its maker on. Null for keys of the settings and what they make.
 */
export async function keyMakerOf(
  engine: Engine,
  { principal }: Pick<Call, 'principal'>,
): Promise<string | null> {
  const { kind, id } = principal
  // Its rights come with its token and end with it; a key would outlive that.
  if (kind === 'external') {
    throw new HoldfastError('FORBIDDEN', { reason: 'rights of a foreign token make no keys' })
  }
  if (kind === 'user' || kind === 'service_account') return id
  return (await engine.catalog.view.keys.byId(id))?.makerId ?? null
}

/** What a key that acts for itself gives, while its maker may act. */
export async function principalWhileMaker(
  engine: Engine,
  key: Pick<ApiKey | AccessKey, 'id' | 'seq' | 'makerId'>,
  principal: Principal,
): Promise<Principal | undefined> {
  const known = peekWhileMaker(engine, key, principal)
  if (known !== undefined || key.makerId === null) return known
  const { holders } = engine.identity
  const { moment } = holders
  const nowMs = engine.clock.now()
  const { expiresMs, limit } = await makerNow(engine, key.makerId)
  if (expiresMs <= nowMs) return undefined
  const made = { ...principal, ...limit }
  holders.set(
    placeOf(key),
    { principal: made, expiresMs, madeOf: [key.makerId] },
    { moment, nowMs },
  )
  return made
}

/** The same where it is known already. */
export function peekWhileMaker(
  engine: Engine,
  key: Pick<ApiKey | AccessKey, 'id' | 'seq' | 'makerId'>,
  principal: Principal,
): Principal | undefined {
  if (key.makerId === null) return principal
  return engine.identity.holders.get(placeOf(key), engine.clock.now())
}

/** Every change of a key has its own number, so nothing is kept beyond one. */
function placeOf({ id, seq }: Pick<ApiKey | AccessKey, 'id' | 'seq'>): string {
  return `made ${id} ${seq}`
}

interface MakerNow {
  /** 0 for who may not act now. */
  readonly expiresMs: number
  /** What its keys count together with it. */
  readonly limit: Pick<Principal, 'rateLimit'>
}

async function makerNow(engine: Engine, makerId: string): Promise<MakerNow> {
  const { identities } = engine.catalog.view
  const account = await identities.byId('service_account', makerId)
  if (account === undefined) {
    const user = await identities.byId('user', makerId)
    return { expiresMs: actsAwayUntilMs(engine, user), limit: {} }
  }
  const limit = rateLimitOf(engine, account)
  if (!isGoodAccount(account, engine.clock.now())) return { expiresMs: 0, limit }
  const { expiresAt } = account
  const expiresMs = expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(expiresAt)
  return { expiresMs, limit }
}
