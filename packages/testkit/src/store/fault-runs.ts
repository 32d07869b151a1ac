import type { FaultOptions } from '../crash/disk-faults.ts'
import type { CrashDisk } from '../crash-disk.ts'
import { checkStore, settleHistory } from './check-store.ts'
import {
  type CrashCase,
  type CrashLab,
  checkDisk,
  checkPlayed,
  type Draw,
  describe,
  lastCalls,
  opened,
  type Played,
  play,
} from './crash-runs.ts'

export interface FaultTally {
  calls: number
  fired: number
  refused: number
  disks: number
}

export interface FaultKind {
  readonly code: string
  readonly options: FaultOptions
}

export interface FaultSweep extends Draw {
  readonly kind: FaultKind
  /** The power goes so many calls after the failed one; without it, the day goes on. */
  readonly cutAfter?: number
}

/**
 * Fails the n-th disk call for every n. Whatever was answered must hold: after a plain restart of
 * the same machine, and after a power cut instead.
 */
export async function sweepFaults(
  lab: CrashLab,
  crash: CrashCase,
  sweep: FaultSweep,
): Promise<FaultTally> {
  const tally: FaultTally = { calls: 0, fired: 0, refused: 0, disks: 0 }
  const { first, step } = stride(sweep)
  for (let at = first; ; at += step) {
    const fault = { at, ...sweep.kind }
    const cut = sweep.cutAfter === undefined ? {} : { cutAt: at + sweep.cutAfter }
    const played = await play(lab, { ...crash, disk: { ...crash.disk, ...cut }, fault })
    tally.calls += 1
    tally.refused += played.history.count('no')
    if (played.fired === 0) return tally
    tally.fired += 1
    try {
      await checkAfterFault(lab, played, { ...sweep, random: sweep.random.fork(at) })
      tally.disks += 1 + sweep.disksPerCut
    } catch (error) {
      const { code, options } = sweep.kind
      const kind = `${code}${options.persistent === true ? ' for good' : ''}`
      throw new Error(`call ${at} ${kind}, ${describe(error)}\n${callsAround(played.disk, at)}`, {
        cause: error,
      })
    }
  }
}

async function checkAfterFault(lab: CrashLab, played: Played, draw: Draw): Promise<void> {
  const { disk, history, catalogs } = played
  const newest = catalogs.at(-1)?.copy() ?? lab.fresh()
  try {
    await checkPlayed(lab, played, draw)
    await checkDisk(lab, disk.restarted(), {
      history,
      catalog: newest,
      twice: draw.random.chance(0.3),
    })
  } finally {
    newest.drop()
  }
}

/**
 * The process dies at the n-th call, the next one starts on what the kernel still holds, and then
 * the power goes: what was seen in between must stay.
 */
export async function sweepKillThenCut(lab: CrashLab, crash: CrashCase, draw: Draw) {
  const tally = { kills: 0, disks: 0 }
  const { first, step } = stride(draw)
  for (let cutAt = first; ; cutAt += step) {
    const played = await play(lab, { ...crash, disk: { ...crash.disk, cutAt, cut: 'after' } })
    const ended = !played.disk.dead
    tally.kills += 1
    const { history } = played
    const revived = played.disk.restarted()
    const catalog = played.catalogs.at(-1)?.copy() ?? lab.fresh()
    try {
      await opened(lab, revived, catalog, async store => {
        await checkStore(store, history)
        await settleHistory(store, history)
      })
      const catalogs = [...played.catalogs, catalog]
      await checkPlayed(lab, { ...played, disk: revived, catalogs }, draw)
    } catch (error) {
      throw new Error(`killed at ${cutAt}, ${describe(error)}\n${lastCalls(played.disk)}`, {
        cause: error,
      })
    }
    tally.disks += draw.disksPerCut
    if (ended) return tally
  }
}

function stride({ random, oneOf = 1 }: Draw): { first: number; step: number } {
  return { first: 1 + random.fork(oneOf).below(oneOf), step: oneOf }
}

function callsAround(disk: CrashDisk, at: number): string {
  return disk.log
    .slice(Math.max(0, at - 4), at + 8)
    .map(({ n, operation, path }) => `  ${n === at ? '*' : ' '} ${n} ${operation} ${path}`)
    .join('\n')
}
