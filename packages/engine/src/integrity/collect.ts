import { commit } from '../commit.ts'
import { type Engine, systemCall } from '../engine.ts'
import { clockProblem } from './clock-problem.ts'

export interface CollectOptions {
  /** Blobs per run; the rest waits for the next. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface CollectResult {
  readonly blobs: number
  readonly bytes: number
  /** Why nothing was done; null when it was. */
  readonly stopped: string | null
}

const BATCH = 200

/**
 * Frees blobs that nothing has referred to for longer than the grace period. Stops at the first
 * error, and does nothing at all while the wall clock cannot be trusted.
 */
export async function collectGarbage(
  engine: Engine,
  options: CollectOptions = {},
): Promise<CollectResult> {
  const stopped = await clockProblem(engine)
  if (stopped !== null) return { blobs: 0, bytes: 0, stopped }
  const call = systemCall('garbage-collection', options.signal)
  const before = new Date(engine.clock.now() - engine.limits.graceMs).toISOString()
  const limit = options.limit ?? 1000
  let blobs = 0
  let bytes = 0
  while (blobs < limit) {
    call.signal.throwIfAborted()
    const asked = Math.min(BATCH, limit - blobs)
    const dead = await engine.catalog.view.blobs.dead({ before, limit: asked })
    if (dead.length === 0) break
    const args = { sha256s: dead.map(blob => blob.sha256), before }
    const collected = await commit(engine, call, { name: 'blobs.collect', args })
    // All of them came back to life: asking again at once would find the same.
    if (collected.length === 0) break
    blobs += collected.length
    for (const blob of collected) bytes += blob.size
  }
  return { blobs, bytes, stopped: null }
}
