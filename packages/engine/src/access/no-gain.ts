import type { Call } from '@holdfast/core/call.ts'
import { anonymous, type Principal } from '@holdfast/core/principal.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'
import { decide, refusal } from './decide.ts'
import { currentPrincipal } from './links/current-principal.ts'
import { GIVEN } from './list-rights.ts'

/** An asset as it lies, and as it would lie. */
export interface Placing {
  readonly was: { readonly bucket: Bucket; readonly asset: Asset }
  readonly is: { readonly bucket: Bucket; readonly asset: Asset }
}

/**
 * FORBIDDEN where the caller may not do something with the asset as it lies, but could once it is
 * moved, itself or without a credential: who only writes would move it to where it may read. Who
 * comes with a narrowed credential could come back with all that it holds, and with other requests
 * than this one, so conditions of policies count as met.
 */
export async function requireNoGain(
  engine: Engine,
  { principal }: Call,
  { was, is }: Placing,
): Promise<void> {
  const all = [...GIVEN.read, ...GIVEN.write]
  const whole = await wholeOf(engine, principal)
  const { versions } = engine.catalog.view
  for (const [mover, ...gainers] of [[principal, principal, anonymous] as const, [whole, whole]]) {
    const lacking = all.filter(permission => !decide(mover, permission, was).allowed)
    if (lacking.length === 0) continue
    // A list of S3 that counts for nothing in this bucket may open its version in another one;
    // also of deleted versions, as they can be restored where it lies then.
    for (const versionAcl of [undefined, ...(await versions.acls(was.asset.id))]) {
      for (const permission of lacking) {
        if (decide(mover, permission, { ...was, versionAcl }).allowed) continue
        const there = { ...is, versionAcl, atBest: true }
        const gained = gainers.some(one => decide(unasked(one), permission, there).allowed)
        if (gained) throw refusal(principal, permission, 'not held where it lies')
      }
    }
  }
}

/** All that the holder of a narrowed credential may. */
async function wholeOf(engine: Engine, principal: Principal): Promise<Principal> {
  const { kind, id, within } = principal
  if (within === undefined || (kind !== 'user' && kind !== 'service_account')) return principal
  return (await currentPrincipal(engine, { kind, id })) ?? principal
}

/** Without what this one request tells. */
function unasked({ request: _, ...principal }: Principal): Principal {
  return principal
}
