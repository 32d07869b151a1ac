import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { Share } from '@holdfast/core/identities.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { hashOfSecret } from '../access/keys/key-secret.ts'
import { currentPrincipal } from '../access/links/current-principal.ts'
import { type Content, getAsset, getAssetByKey, openContent } from '../assets/get.ts'
import { listAssets } from '../assets/list.ts'
import { lineOf } from '../caller-lines.ts'
import { commit } from '../commit.ts'
import { type Engine, systemCall } from '../engine.ts'
import { placeOf } from '../identity/passwords/place-of.ts'
import { openVersion } from '../versions/open.ts'
import { bucketOfShare, principalOfShare } from './share-rights.ts'
import { endOf } from './share-transactions.ts'

export interface OpenedShare {
  readonly share: Share
  /** Acts for the maker, within what was shared. */
  readonly call: Call
}

const TOKEN = /^hfs_[\w-]{43}$/

/**
 * Whoever comes with the token, and with the password if there is one. A link that never was, has
 * ended, or whose maker may act no more gets one and the same answer: SHARE_NOT_FOUND. The look-up
 * is by hash, so its time tells nothing about how much of a token was right.
 */
export async function openShare(
  engine: Engine,
  call: Call,
  given: { readonly token: string; readonly password: string | undefined },
): Promise<OpenedShare> {
  if (!TOKEN.test(given.token)) throw new HoldfastError('SHARE_NOT_FOUND')
  const hash = hashOfSecret(given.token)
  const found = await engine.catalog.view.identities.byName('share', hash)
  requireLive(engine, found)
  if (found.passwordHash !== null) {
    await checkPassword(engine, call, { id: found.id, password: given.password })
  }
  return await shareNow(engine, call, found.id)
}

/** A link that was opened, as of now: asked again after whatever took long. */
export async function shareNow(engine: Engine, call: Call, id: string): Promise<OpenedShare> {
  const share = await engine.catalog.view.identities.byId('share', id)
  requireLive(engine, share)
  const maker = await currentPrincipal(engine, {
    kind: share.makerKind,
    id: share.belongsTo ?? '',
  })
  if (maker === undefined) throw new HoldfastError('SHARE_NOT_FOUND', {}, { cause: 'withdrawn' })
  return { share, call: { ...callFields(call), principal: principalOfShare(share, maker) } }
}

/** Whoever comes waits as the stranger that it is, and not in the line of the maker. */
function callFields(call: Call): Omit<Call, 'principal'> {
  const { requestId, signal, address, line = lineOf(call) } = call
  return { requestId, signal, address, line }
}

function requireLive(engine: Engine, share: Share | undefined): asserts share is Share {
  const now = new Date(engine.clock.now()).toISOString()
  const end = share === undefined ? 'unknown' : endOf(share, now)
  if (end !== undefined) throw new HoldfastError('SHARE_NOT_FOUND', {}, { cause: end })
}

/** One after the other: of guesses that come at once no more are tried than the lock allows. */
async function checkPassword(
  engine: Engine,
  call: Call,
  { id, password }: { readonly id: string; readonly password: string | undefined },
): Promise<void> {
  if (password === undefined) throw new HoldfastError('SHARE_PASSWORD_NEEDED')
  const { turns, hasher, settings } = engine.identity
  await turns.take(`share ${id}`, async () => {
    // Asked again: the turns before this one may have locked it, or somebody revoked it.
    const share = await engine.catalog.view.identities.byId('share', id)
    requireLive(engine, share)
    const lockedMs = share.lockedUntil === null ? 0 : Date.parse(share.lockedUntil)
    const leftMs = lockedMs - engine.clock.now()
    if (leftMs > 0) {
      throw new HoldfastError('SHARE_LOCKED', { retry_after: Math.ceil(leftMs / 1000) })
    }
    const own = hasher.of(placeOf(call, id))
    if (await own.verify(password, share.passwordHash ?? undefined)) return
    const { lockoutFailures: failuresMax, lockoutSeconds } = settings
    const args = { id, failuresMax, lockMs: lockoutSeconds * 1000 }
    await commit(engine, systemCall('share'), { name: 'shares.fail', args })
    throw new HoldfastError('SHARE_PASSWORD_NEEDED')
  })
}

/** The content that the link opens; `key` names it below the prefix that was shared. */
export async function shareContent(
  engine: Engine,
  opened: OpenedShare,
  key?: string,
): Promise<Content> {
  return await hidingWhy(async () => {
    const { call, share } = opened
    const { target } = share
    if (target.kind === 'asset') {
      if (key !== undefined) throw new HoldfastError('SHARE_NOT_FOUND')
      const asset = await getAsset(engine, call, target.assetId)
      const { version } = target
      if (version === null) return await openContent(engine, call, { asset })
      return await openVersion(engine, call, { asset, version })
    }
    const bucket = key === undefined ? undefined : await bucketOfShare(engine, target)
    if (bucket === undefined) throw new HoldfastError('SHARE_NOT_FOUND')
    const asset = await getAssetByKey(engine, call, bucket.name, target.prefix + key)
    return await openContent(engine, call, { asset })
  })
}

export interface SharedPage {
  readonly items: readonly { readonly key: string; readonly asset: Asset }[]
  readonly total: number
  readonly nextCursor?: string
}

/**
 * What lies below the shared prefix and may be read by the maker, by keys without the prefix. The
 * listing is the maker's own, kept to the prefix: it equals what `decide` says of each asset.
 */
export async function listShared(
  engine: Engine,
  { share, call }: OpenedShare,
  query: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
): Promise<SharedPage> {
  return await hidingWhy(async () => {
    const { target } = share
    const bucket = target.kind === 'prefix' ? await bucketOfShare(engine, target) : undefined
    if (target.kind !== 'prefix' || bucket === undefined) throw new HoldfastError('SHARE_NOT_FOUND')
    const { within: _, ...maker } = call.principal
    const own = { ...callFields(call), principal: { ...maker, kind: share.makerKind } }
    const { prefix } = target
    const sealed = { order: 'key', sealsCursors: true } as const
    const wanted = { ...query, ...sealed, bucket: bucket.name, prefix }
    const { items, ...page } = await listAssets(engine, own, wanted)
    return { ...page, items: items.map(asset => ({ asset, key: asset.key.slice(prefix.length) })) }
  })
}

/** Counts a download. To be called when bytes are certain to be sent, and before the first. */
export async function countUse(engine: Engine, { share, call }: OpenedShare): Promise<Share> {
  return await commit(engine, call, { name: 'shares.use', args: { id: share.id } })
}

/** Why it does not open any more is for its maker to see, not for who has the link. */
async function hidingWhy<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    const { kind } = error
    const isRefused = kind === 'forbidden' || kind === 'unauthenticated' || kind === 'missing'
    if (isRefused) throw new HoldfastError('SHARE_NOT_FOUND', {}, { cause: error })
    throw error
  }
}
