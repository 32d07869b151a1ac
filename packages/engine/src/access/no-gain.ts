import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ObjectAcl } from '@holdfast/core/objects.ts'
import { anonymous, type Principal } from '@holdfast/core/principal.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { lastChangeOf } from '../assets/writes/seen.ts'
import type { Engine } from '../engine.ts'
import { decide, refusal } from './decide.ts'
import { currentPrincipal } from './links/current-principal.ts'
import { GIVEN } from './list-rights.ts'
import { rightsNow } from './rights-now.ts'

/** An asset as it lies, and as it would lie. */
export interface Placing {
  readonly was: { readonly bucket: Bucket; readonly asset: Asset }
  readonly is: { readonly bucket: Bucket; readonly asset: Asset }
}

/**
 * FORBIDDEN where the caller may not do something with the asset as it lies, but could once it is
 * moved, itself or without a credential: who only writes would move it to where it may read. Who
 * comes with a narrowed credential could come back with all that it holds, and with other requests
 * than this one, so conditions of policies count as met. Answers with the change of the asset up to
 * which its lists were judged, for the transaction to prove that it is the last; undefined where
 * none had a say. CHANGED_MEANWHILE where the caller may other things by then.
 */
export async function requireNoGain(
  engine: Engine,
  call: Call,
  { was, is }: Placing,
): Promise<number | undefined> {
  const { principal } = call
  const whole = await wholeOf(engine, principal)
  const own = { mover: principal, gainers: [principal, anonymous] }
  const moves = whole === principal ? [own] : [own, { mover: whole, gainers: [whole] }]
  const all = [...GIVEN.read, ...GIVEN.write]
  const lacking = moves.flatMap(({ mover, gainers }) => {
    const missing = all.filter(permission => !decide(mover, permission, was).allowed)
    return missing.map(permission => ({ mover, gainers, permission }))
  })
  if (lacking.length === 0) return undefined
  const judge = (versionAcl: ObjectAcl | undefined) => {
    for (const { mover, gainers, permission } of lacking) {
      if (decide(mover, permission, { ...was, versionAcl }).allowed) continue
      const there = { ...is, versionAcl, atBest: true }
      const gained = gainers.some(one => decide(unasked(one), permission, there).allowed)
      if (gained) throw refusal(principal, permission, 'not held where it lies')
    }
  }
  judge(undefined)
  const changeSeq = await lastChangeOf(engine.catalog.view, was.asset.id)
  // A list of S3 that counts for nothing in this bucket may open its version in another one;
  // also of deleted versions, as they can be restored where it lies then.
  for await (const versionAcl of distinctLists(engine, call, was.asset.id)) judge(versionAcl)
  await requireSameCaller(engine, call)
  return changeSeq
}

/** Turns may be long in coming: CHANGED_MEANWHILE where the caller may other things by then. */
export async function requireSameCaller(engine: Engine, call: Call): Promise<void> {
  // What is asked within the process is nobody's who could be shut out.
  if (call.moment === undefined) return
  const { principal } = await rightsNow(engine, call)
  if (!isDeepStrictEqual(principal, call.principal)) throw new HoldfastError('CHANGED_MEANWHILE')
}

const PAGE = 100

/** Each in a turn of its own: there may be one for every version, and all are judged. */
async function* distinctLists({ catalog, lists }: Engine, call: Call, assetId: string) {
  const giveWay = lists.giveWay(call)
  const seen = new Set<string>()
  for (let below: number | undefined; ; ) {
    const page = await catalog.view.versions.acls(assetId, { below, limit: PAGE })
    for (const { acl } of page) {
      const digest = hash('sha256', JSON.stringify(acl))
      if (seen.has(digest)) continue
      seen.add(digest)
      await giveWay()
      yield acl
    }
    if (page.length < PAGE) return
    below = page.at(-1)?.number
    await giveWay()
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
