import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { LimitStore } from '@holdfast/core/ports/limit-store.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { FallbackLimitStore } from '@holdfast/drivers/limits/fallback-limit-store.ts'
import { MemoryLimitStore } from '@holdfast/drivers/limits/memory-limit-store.ts'
import { RedisLimitStore } from '@holdfast/drivers/limits/redis/redis-limit-store.ts'
import { RedisFailure, RedisLink } from '@holdfast/drivers/limits/redis/redis-link.ts'
import type { Settings } from '../config/settings-table.ts'
import type { Log } from '../telemetry/log.ts'

export interface Counting {
  readonly store: LimitStore
  /** Undefined where no Redis is used. */
  readonly redis: () => { isUp: boolean; isCritical: boolean; missed: number } | undefined
  close(): Promise<void>
}

/**
 * What counts for the limits. A Redis that does not let this server in is a mistake in the
 * settings; one that does not answer is away for a while, as it may be at any time.
 */
export async function openCounting(
  settings: Settings,
  { clock, random, log }: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Promise<Counting> {
  const local = new MemoryLimitStore({ clock, random })
  const { redisUrl: url, redisPrefix: prefix, limitsWithoutRedis: without } = settings
  const close = async () => await local[Symbol.asyncDispose]()
  if (url === undefined) return { store: local, redis: () => undefined, close }
  const link = new RedisLink(url, settings.redisTimeoutSeconds * 1000)
  const outside = new RedisLimitStore({ link, clock, random, prefix })
  const onChange = (state: 'up' | 'down', reason: string) => {
    if (state === 'up') log.info({ part: 'redis' }, 'Redis counts limits again')
    else log.warn({ part: 'redis', reason, without }, 'Redis does not count limits')
  }
  const store = new FallbackLimitStore({ outside, local, without, clock, onChange })
  const counting = {
    store,
    redis: () => ({
      isUp: store.trouble === undefined,
      isCritical: without === 'refuse',
      missed: store.missed,
    }),
    close: async () => {
      await store[Symbol.asyncDispose]()
      await link[Symbol.asyncDispose]()
    },
  }
  const problem = await store.begin()
  if (!(problem instanceof RedisFailure) || !problem.isRefusal) return counting
  await counting.close()
  const errors = [{ path: 'STORAGE_REDIS_URL', problem: `is refused: ${problem.message}` }]
  throw new HoldfastError('SETTINGS_INVALID', { errors })
}
