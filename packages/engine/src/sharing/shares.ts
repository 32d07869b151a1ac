import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Share, ShareTarget } from '@holdfast/core/identities.ts'
import { authorize, decide, refuseMissing } from '../access/decide.ts'
import { hashOfSecret } from '../access/keys/key-secret.ts'
import { type Maker, makerOf, principalOfMaker } from '../access/links/current-principal.ts'
import { rightsNow } from '../access/rights-now.ts'
import { findAsset } from '../assets/find-asset.ts'
import { toBase64Url } from '../base64url.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { placeOf } from '../identity/passwords/place-of.ts'
import { hasRightsOver, requireRightsOver } from '../identity/rights-over.ts'
import { requireConfirmed } from '../identity/sessions/require-confirmed.ts'
import { openVersion } from '../versions/open.ts'
import { EXPIRES_S_DEFAULT, requirePrefix, requireTerms, type ShareTerms } from './share-fields.ts'
import { principalOfShare, type ShareState, stateOf } from './share-rights.ts'

export type WantedTarget =
  | { readonly assetId: string; readonly version?: number | undefined }
  | { readonly bucket: string; readonly prefix: string }

export interface ShownShare {
  readonly share: Share
  readonly state: ShareState
}

/**
 * Makes a link to something that the caller may read. The token is known only now: what is kept is
 * its SHA-256, and with 256 random bits nobody finds one by guessing.
 */
export async function createShare(
  engine: Engine,
  call: Call,
  input: ShareTerms & { readonly target: WantedTarget },
): Promise<ShownShare & { readonly token: string }> {
  const maker = makerOf(call.principal)
  requireTerms(input)
  // A short one ends soon after the session; whoever stole that must not keep a long one.
  const lastsSeconds = input.expiresInS ?? EXPIRES_S_DEFAULT
  if (lastsSeconds > EXPIRES_S_DEFAULT) requireConfirmed(engine, call)
  const wanted = await requireTarget(engine, call, input.target)
  const passwordHash = await hashFor(engine, call, input.password)
  // That waits for others: who is out by now makes none, which would be good again later.
  const now = await rightsNow(engine, call)
  const target = now === call ? wanted : await requireTarget(engine, now, input.target)
  const token = `hfs_${toBase64Url(engine.random.bytes(32))}`
  const expiresMs = engine.clock.now() + lastsSeconds * 1000
  const args = {
    tokenHash: hashOfSecret(token),
    makerId: maker.id,
    makerKind: maker.kind,
    makerName: call.principal.name,
    target,
    note: input.note ?? '',
    passwordHash,
    expiresAt: new Date(expiresMs).toISOString(),
    usesMax: input.usesMax ?? null,
    sharesMax: engine.limits.sharesMax,
  }
  const share = await commit(engine, now, { name: 'shares.add', args })
  return { share, token, state: await stateOf(engine, share) }
}

/** One after the other for each maker: many at once would keep all logins waiting. */
async function hashFor(
  { identity }: Engine,
  call: Call,
  password: string | undefined,
): Promise<string | null> {
  if (password === undefined) return null
  const { turns, hasher } = identity
  const own = hasher.of(placeOf(call))
  const line = `shares of ${makerOf(call.principal).id}`
  return await turns.take(line, async () => await own.hash(password))
}

/** What the caller may read now; the same decision is taken again at every use. */
async function requireTarget(
  engine: Engine,
  call: Call,
  wanted: WantedTarget,
): Promise<ShareTarget> {
  if ('assetId' in wanted) {
    const { assetId: id, version } = wanted
    const permission = 'assets:read'
    const asset = await findAsset(engine, call, { id, permission, deleted: 'hide' })
    if (version !== undefined) await openVersion(engine, call, { asset, version })
    return { kind: 'asset', assetId: asset.id, version: version ?? null }
  }
  requirePrefix(wanted.prefix)
  const { prefix } = wanted
  const bucket = await engine.catalog.view.buckets.byName(wanted.bucket)
  const target = {
    kind: 'prefix',
    bucket: wanted.bucket,
    bucketId: bucket?.id ?? '',
    prefix,
  } as const
  const fresh = { ownerId: call.principal.id, key: prefix }
  if (bucket === undefined) {
    const missing = ['BUCKET_NOT_FOUND', { bucket: wanted.bucket }] as const
    // As where there is one that the caller may not know of, or may not read.
    if (call.principal.buckets !== null) refuseMissing(call.principal, 'assets:read', missing)
    authorize(call.principal, 'assets:read', {})
    throw new HoldfastError(...missing)
  }
  // Tags are asked of each asset that is read.
  const place = { bucket, fresh, objectTags: {} }
  authorize(call.principal, 'assets:read', place)
  const principal = principalOfShare({ id: 'new', target }, call.principal)
  const { allowed, reason } = decide(principal, 'assets:read', place)
  if (!allowed) throw new HoldfastError('FORBIDDEN', { permission: 'assets:read', reason })
  return target
}

export interface ShareFilter {
  /** Only of who administers users: somebody else's; absent: the caller's own. */
  readonly makerId?: string | undefined
  /** Of all makers who hold no more than the caller. */
  readonly all?: boolean | undefined
  readonly assetId?: string | undefined
  readonly bucket?: string | undefined
  readonly state?: ShareState | undefined
  readonly limit: number
  readonly offset: number
}

const PAGE = 1000
/** Each is asked for by itself, with its maker, in half a millisecond. */
const STATES_A_TURN = 32

/** In the order in which they were made. */
export async function listShares(
  engine: Engine,
  call: Call,
  filter: ShareFilter,
): Promise<{ readonly items: ShownShare[]; readonly total: number }> {
  const { identities } = engine.catalog.view
  const own = makerOf(call.principal).id
  const belongsTo = filter.all === true ? undefined : (filter.makerId?.toLowerCase() ?? own)
  if (belongsTo !== own) authorize(call.principal, 'admin:users', {})
  const ruled = new Map<string | null, boolean>()
  const mayRule = async (share: Share) => {
    const known = ruled.get(share.belongsTo)
    if (known !== undefined) return known
    const maker = await holderOf(engine, share)
    if (maker !== undefined && filter.all !== true) requireRightsOver(call, maker)
    const may = maker === undefined || hasRightsOver(call, maker)
    ruled.set(share.belongsTo, may)
    return may
  }
  const items: ShownShare[] = []
  const giveWay = engine.lists.giveWay(call)
  let states = 0
  let total = 0
  let after = ''
  for (;;) {
    const query = { kind: 'share', after, limit: PAGE } as const
    const page = await identities.list(belongsTo === undefined ? query : { ...query, belongsTo })
    for (const share of page) {
      if (!isAbout(share, filter)) continue
      if (share.belongsTo !== own && !(await mayRule(share))) continue
      const isOnPage = total >= filter.offset && items.length < filter.limit
      if (filter.state === undefined && !isOnPage) {
        total += 1
        continue
      }
      states += 1
      if (states % STATES_A_TURN === 0) await giveWay()
      const state = await stateOf(engine, share)
      if (filter.state !== undefined && state !== filter.state) continue
      if (isOnPage) items.push({ share, state })
      total += 1
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return { items, total }
    after = last.id
  }
}

function isAbout({ target }: Share, { assetId, bucket }: ShareFilter): boolean {
  if (assetId !== undefined && target.kind === 'asset') {
    if (target.assetId !== assetId.toLowerCase()) return false
  } else if (assetId !== undefined) return false
  return bucket === undefined || (target.kind === 'prefix' && target.bucket === bucket)
}

export async function getShare(engine: Engine, call: Call, id: string): Promise<ShownShare> {
  const share = await findShare(engine, call, id)
  return { share, state: await stateOf(engine, share) }
}

/** From the moment it resolves the link opens nothing. */
export async function revokeShare(engine: Engine, call: Call, id: string): Promise<Share> {
  const share = await findShare(engine, call, id)
  return await commit(engine, call, { name: 'shares.revoke', args: { id: share.id } })
}

/** The caller's own, or for who administers users those of makers who hold no more. */
async function findShare(engine: Engine, call: Call, id: string): Promise<Share> {
  const own: Maker = makerOf(call.principal)
  const share = await engine.catalog.view.identities.byId('share', id.toLowerCase())
  const isOwn = share?.belongsTo === own.id
  if (share !== undefined && isOwn) return share
  if (share !== undefined && decide(call.principal, 'admin:users', {}).allowed) {
    const maker = await holderOf(engine, share)
    if (maker !== undefined) requireRightsOver(call, maker)
    return share
  }
  throw new HoldfastError('SHARE_NOT_FOUND', { share_id: id })
}

async function holderOf(engine: Engine, { makerKind, belongsTo }: Share) {
  return await principalOfMaker(engine, { kind: makerKind, id: belongsTo ?? '' })
}
