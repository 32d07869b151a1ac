import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import type { Settings } from '../config/settings-table.ts'
import type { Log } from '../telemetry/log.ts'

/** What is freed between two looks at the clock, and two lines of the log. */
const RUN_MAX = 10_000
/** So long others have the committer to themselves between two batches, if one took as long. */
const REST_MS = 20

export interface Collecting {
  readonly engine: Engine
  readonly clock: Clock
  readonly settings: Pick<Settings, 'garbageSeconds'>
  readonly log: Pick<Log, 'info' | 'error'>
  /** Of one run; the next follows at once where it was full. */
  readonly limit?: number
}

/**
 * Frees what nothing refers to, now and then, until there is none left: a store may lose more in
 * an hour than one run takes. A failed run is told and tried again.
 */
export async function collectSometimes(of: Collecting, signal: AbortSignal): Promise<void> {
  const { clock, settings, log } = of
  if (settings.garbageSeconds === 0) return
  while (!signal.aborted) {
    try {
      await clock.sleep(settings.garbageSeconds * 1000, signal)
      while (await collectOnce(of, signal)) signal.throwIfAborted()
    } catch (error) {
      if (signal.aborted) return
      log.error({ error, code: isHoldfastError(error) ? error.code : 'INTERNAL' }, 'job failed')
    }
  }
}

/** True where there may be more. */
async function collectOnce(of: Collecting, signal: AbortSignal): Promise<boolean> {
  const { engine, clock, log, limit = RUN_MAX } = of
  const rest = (tookMs: number) => clock.sleep(Math.min(tookMs, REST_MS), signal)
  const { blobs, bytes, uploads, stopped } = await collectGarbage(engine, { signal, limit, rest })
  const freed = (await engine.element.reclaim?.(signal)) ?? 0
  const more = stopped === null && (blobs >= limit || uploads >= limit)
  if (blobs > 0 || uploads > 0 || freed > 0 || stopped !== null) {
    log.info({ blobs, bytes, uploads, freed, stopped, more }, 'garbage collected')
  }
  return more
}
