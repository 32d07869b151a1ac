import type { AccessKey } from '@holdfast/core/objects.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Engine } from '../../engine.ts'
import { actsAwayUntilMs, principalOfUser } from '../../identity/principal-of-user.ts'
import { narrow } from '../narrow.ts'
import { peekWhileMaker, principalWhileMaker } from './key-maker.ts'

/**
 * Who acts with a key. The key of a user is that user, as far as key and user both reach now: a
 * right that the user loses is lost to the key at once. Undefined where the user may not come in.
 */
export async function principalOfAccessKey(
  engine: Engine,
  key: AccessKey,
): Promise<Principal | undefined> {
  const known = peekAccessKeyPrincipal(engine, key)
  if (known !== undefined) return known
  if (key.userId === null) return await principalWhileMaker(engine, key, itself(key))
  const { holders } = engine.identity
  const { moment } = holders
  const nowMs = engine.clock.now()
  const user = await engine.catalog.view.identities.byId('user', key.userId)
  const expiresMs = actsAwayUntilMs(engine, user)
  if (user === undefined || expiresMs <= nowMs) return undefined
  const made = await principalOfUser(engine, user)
  const principal = { ...narrowed(made.principal, key), pairId: key.id }
  holders.set(placeOf(key), { principal, expiresMs, madeOf: made.madeOf }, { moment, nowMs })
  return principal
}

/** The same where it is known already. */
export function peekAccessKeyPrincipal(engine: Engine, key: AccessKey): Principal | undefined {
  if (key.userId === null) return peekWhileMaker(engine, key, itself(key))
  return engine.identity.holders.get(placeOf(key), engine.clock.now())
}

function itself({ principalId: id, name, permissions, buckets, id: pairId }: AccessKey): Principal {
  return { kind: 'api_key', id, name, permissions, buckets, pairId }
}

/** Every change of a key has its own number, so nothing is kept beyond one. */
function placeOf({ id, seq }: AccessKey): string {
  return `${id} ${seq}`
}

/** What user and key allow both: nothing that names the user opens more than the key does. */
function narrowed(
  principal: Principal,
  { permissions, buckets }: Pick<AccessKey, 'permissions' | 'buckets'>,
): Principal {
  if (permissions.includes('*') && buckets === null) return principal
  const confined = buckets === null ? {} : { buckets }
  return narrow(principal, { by: 'the access key', permissions, ...confined })
}
