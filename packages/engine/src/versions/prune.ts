import type { Call } from '@holdfast/core/call.ts'
import { type FieldProblem, HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import { authorisedAnew, rightsNow } from '../access/rights-now.ts'
import { bucketOf, findSeen } from '../assets/find-asset.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { clockProblem } from '../integrity/clock-problem.ts'
import { type Pruned, type PruneRule, prunable } from './prune-transaction.ts'

export interface PruneOptions {
  /** Newest content versions that stay; absent: 1 with an age, else what bucket or store say. */
  readonly keep?: number | undefined
  /** Takes only versions older than this. */
  readonly olderThanDays?: number | undefined
  /** Only versions with a smaller number: the last one of the call before that told of more. */
  readonly below?: number | undefined
  readonly dryRun?: boolean | undefined
}

export interface PruneResult extends Pruned {
  readonly dryRun: boolean
  readonly keep: number
}

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Hides old versions, up to 1,000 of them and 2 MiB of their records. Those it keeps: the newest
 * `keep`, the current one, tagged ones. By age it does nothing while the wall clock cannot be
 * trusted (STORAGE_UNAVAILABLE with the reason).
 */
export async function pruneVersions(
  engine: Engine,
  call: Call,
  assetId: string,
  options: PruneOptions = {},
): Promise<PruneResult> {
  return await authorisedAnew(engine, call, now => authoriseAndPrune(engine, now, assetId, options))
}

async function authoriseAndPrune(
  engine: Engine,
  call: Call,
  assetId: string,
  options: PruneOptions,
): Promise<PruneResult> {
  const wanted = { id: assetId, permission: 'versions:write', deleted: 'refuse' } as const
  const { asset, seen } = await findSeen(engine, call, wanted)
  requireOptions(options)
  const bucket = await bucketOf(engine, asset)
  const usual = bucket.settings.versionsMax ?? engine.settings.versionsMax
  const rule = pruneRule(engine, options, usual)
  // A version is as old as the clock says, so a clock that jumped must not make it old enough.
  const reason = rule.before === null ? null : await clockProblem(engine)
  if (reason !== null) throw new HoldfastError('STORAGE_UNAVAILABLE', { reason })
  const dryRun = options.dryRun ?? false
  const now = new Date(engine.clock.now()).toISOString()
  const giveWay = engine.lists.giveWay(call)
  const done = dryRun
    ? await engine.moments.read(call, view => prunable(view, asset, { ...rule, now, giveWay }))
    : await commit(engine, call, {
        name: 'versions.prune',
        args: { assetId: asset.id, rule, seen },
      })
  // It may have waited for its moment: nothing is told to who may no more.
  if (dryRun) await findSeen(engine, await rightsNow(engine, call), wanted)
  return { ...done, dryRun, keep: rule.keep }
}

function pruneRule(engine: Engine, options: PruneOptions, usual: number): PruneRule {
  const { keep, olderThanDays, below = null } = options
  if (olderThanDays === undefined) return { keep: keep ?? usual, before: null, below }
  const before = new Date(engine.clock.now() - olderThanDays * DAY_MS).toISOString()
  return { keep: keep ?? 1, before, below }
}

function requireOptions({ keep, olderThanDays, below }: PruneOptions): void {
  const problems: FieldProblem[] = []
  if (keep !== undefined && (!Number.isSafeInteger(keep) || keep < 1)) {
    problems.push({ path: 'keep', problem: 'must be a whole number from 1' })
  }
  if (below !== undefined && (!Number.isSafeInteger(below) || below < 1)) {
    problems.push({ path: 'below', problem: 'must be a whole number from 1' })
  }
  const days = olderThanDays
  if (days !== undefined && !(Number.isFinite(days) && days >= 0 && days <= 100_000)) {
    problems.push({ path: 'older_than_days', problem: 'must be from 0 to 100000' })
  }
  if (problems.length > 0) throw invalidFields(...problems)
}
