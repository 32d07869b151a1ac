import type { Call } from '@holdfast/core/call.ts'
import type { ObjectAcl } from '@holdfast/core/objects.ts'
import { anonymous } from '@holdfast/core/principal.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'
import { decide, refusal } from './decide.ts'
import { GIVEN } from './list-rights.ts'

/** An asset as it lies, and as it would lie. */
export interface Placing {
  readonly was: { readonly bucket: Bucket; readonly asset: Asset }
  readonly is: { readonly bucket: Bucket; readonly asset: Asset }
}

/**
 * FORBIDDEN where the caller may not do something with the asset as it lies, but could once it is
 * moved, itself or without a credential: who only writes would move it to where it may read.
 */
export async function requireNoGain(
  engine: Engine,
  { principal }: Call,
  { was, is }: Placing,
): Promise<void> {
  const all = [...GIVEN.read, ...GIVEN.write]
  const lacking = all.filter(permission => !decide(principal, permission, was).allowed)
  if (lacking.length === 0) return
  // A list of S3 that counts for nothing in this bucket may open its version in another one.
  for (const versionAcl of [undefined, ...(await versionAcls(engine, was.asset))]) {
    for (const permission of lacking) {
      if (decide(principal, permission, { ...was, versionAcl }).allowed) continue
      const there = { ...is, versionAcl }
      const gained = [principal, anonymous].some(one => decide(one, permission, there).allowed)
      if (gained) throw refusal(principal, permission, 'not held where it lies')
    }
  }
}

const PAGE = 1000

async function versionAcls({ catalog }: Engine, asset: Asset): Promise<ObjectAcl[]> {
  const query = { assetId: asset.id, kinds: ['content'] as const, deleted: 'without' as const }
  const found: ObjectAcl[] = []
  for (let offset = 0; ; offset += PAGE) {
    const page = await catalog.view.versions.list({ ...query, limit: PAGE, offset })
    found.push(...page.flatMap(version => version.object?.acl ?? []))
    if (page.length < PAGE) return found
  }
}
