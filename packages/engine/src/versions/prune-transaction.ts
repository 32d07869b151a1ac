import { byteLength } from '@holdfast/core/names.ts'
import type { VersionQuery } from '@holdfast/core/ports/asset-questions.ts'
import type { CatalogTransaction, CatalogView, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset, BriefVersion, Version } from '@holdfast/core/records.ts'
import { liveAsset, storedVersion } from '../assets/writes/stored-asset.ts'
import { softDelete } from './version-transactions.ts'

export interface PruneRule {
  /** So many of the newest content versions stay, whatever their age. */
  readonly keep: number
  /** Only versions created before this time go; null = any. */
  readonly before: string | null
  /** Only versions with a smaller number: how to go on; null = any. */
  readonly below: number | null
}

export interface PruneArgs {
  readonly assetId: string
  readonly rule: PruneRule
}

/** Without their metadata and what S3 says of them, which are tens of kilobytes each. */
export type PrunedVersion = Omit<BriefVersion, 'metadata' | 'object'>

export interface Pruned {
  readonly pruned: readonly PrunedVersion[]
  /** There are others that the rule takes, all with smaller numbers. */
  readonly more: boolean
}

export async function pruneTransaction(
  tx: CatalogTransaction,
  args: PruneArgs,
  moment: Moment,
): Promise<Pruned> {
  const asset = await liveAsset(tx, args.assetId)
  const found = await prunable(tx, asset, { ...args.rule, now: moment.now })
  const pruned: PrunedVersion[] = []
  let bytes = 0
  for (const { id } of found.pruned) {
    // With its parts, which lists do not look for.
    const version = await storedVersion(tx, id)
    bytes += bytesOf(version)
    if (pruned.length > 0 && bytes > BYTES_MAX) return { pruned, more: true }
    pruned.push(bare(await softDelete(tx, moment, { asset, version })))
  }
  return { ...found, pruned }
}

/** In one transaction everybody else who writes waits for, and in one answer. */
const PRUNED_MAX = 1000
/** Each is written anew whole: 64 with all the metadata they may have. */
const BYTES_MAX = 2 * 1024 * 1024
/** Each is read with its metadata. */
const PIECE = 100

interface PruneQuestion extends PruneRule {
  readonly now: string
  /** Between two looks; not within a transaction. */
  readonly giveWay?: (() => Promise<void>) | undefined
}

/** What the rule takes next, newest first. Current, tagged and locked versions always stay. */
export async function prunable(
  view: CatalogView,
  asset: Asset,
  rule: PruneQuestion,
): Promise<Pruned> {
  const content = { assetId: asset.id, kinds: ['content'] as const, deleted: 'without' as const }
  const [lastKept] = await view.versions.list({ ...content, limit: 1, offset: rule.keep - 1 })
  if (lastKept === undefined) return { pruned: [], more: false }
  const query: Omit<VersionQuery, 'limit'> = {
    ...content,
    id: { not: asset.versionId },
    tag: null,
    lock: { at: rule.now, holds: false },
    ...(rule.before === null ? {} : { createdBefore: rule.before }),
  }
  let below = Math.min(lastKept.number, rule.below ?? lastKept.number)
  const pruned: PrunedVersion[] = []
  let bytes = 0
  for (;;) {
    // One beyond them tells that there are more.
    const limit = Math.min(PIECE, PRUNED_MAX + 1 - pruned.length)
    const piece = await view.versions.list({ ...query, below, limit })
    for (const version of piece) {
      bytes += bytesOf(version)
      const isFull = pruned.length === PRUNED_MAX || bytes > BYTES_MAX
      if (isFull && pruned.length > 0) return { pruned, more: true }
      pruned.push(bare(version))
    }
    if (piece.length < limit) return { pruned, more: false }
    below = pruned.at(-1)?.number ?? below
    await rule.giveWay?.()
  }
}

function bytesOf(version: Version | BriefVersion): number {
  return byteLength(JSON.stringify(version))
}

function bare({ metadata: _, object: __, ...version }: BriefVersion): PrunedVersion {
  return version
}
