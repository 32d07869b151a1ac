import type { Call } from '@holdfast/core/call.ts'
import { commit } from '../commit.ts'
import { type Engine, systemCall } from '../engine.ts'
import { clockProblem } from './clock-problem.ts'
import type { CollectedBlob } from './collect-transaction.ts'

export interface CollectOptions {
  /** Blobs per run; the rest waits for the next. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface CollectResult {
  readonly blobs: number
  readonly bytes: number
  /** Multipart uploads dropped because nobody went on with them. */
  readonly uploads: number
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
  if (stopped !== null) return { blobs: 0, bytes: 0, uploads: 0, stopped }
  const call = systemCall('garbage-collection', options.signal)
  const before = new Date(engine.clock.now() - engine.limits.graceMs).toISOString()
  const limit = options.limit ?? 1000
  const uploads = await dropAbandoned(engine, call, limit)
  let blobs = 0
  let bytes = 0
  while (blobs < limit) {
    call.signal.throwIfAborted()
    const batch = await collectBatch(engine, call, {
      before,
      limit: Math.min(BATCH, limit - blobs),
    })
    if (batch === 'busy') return { blobs, bytes, uploads, stopped: 'uploads are under way' }
    // None left, or all that looked dead are referred to again.
    if (batch.length === 0) break
    blobs += batch.length
    for (const blob of batch) bytes += blob.size
  }
  return { blobs, bytes, uploads, stopped: null }
}

/** Their parts lose their references now, and their bytes after the grace period. */
async function dropAbandoned(engine: Engine, call: Call, limit: number): Promise<number> {
  const before = new Date(engine.clock.now() - engine.limits.uploadIdleMs).toISOString()
  const found = await engine.catalog.view.uploads.abandoned({ before, limit })
  let dropped = 0
  for (const { id } of found) {
    call.signal.throwIfAborted()
    const args = { uploadId: id, abandonedSince: before, seen: [] }
    if (await commit(engine, call, { name: 'uploads.remove', args })) dropped += 1
  }
  return dropped
}

async function collectBatch(
  engine: Engine,
  call: Call,
  query: { readonly before: string; readonly limit: number },
): Promise<CollectedBlob[] | 'busy'> {
  const { element } = engine
  // Where bytes ride in transactions the catalog also lets them go; nothing can come in between.
  if (element.staging !== undefined) return removeDead(engine, call, query)
  const reopen = engine.gate.close()
  if (reopen === undefined) return 'busy'
  try {
    const removed = await removeDead(engine, call, query)
    for (const { location, composed } of removed) {
      if (!composed) await element.remove(location)
    }
    return removed
  } finally {
    reopen()
  }
}

async function removeDead(
  engine: Engine,
  call: Call,
  { before, limit }: { readonly before: string; readonly limit: number },
): Promise<CollectedBlob[]> {
  const dead = await engine.catalog.view.blobs.dead({ before, limit })
  if (dead.length === 0) return []
  const args = { sha256s: dead.map(blob => blob.sha256), before }
  return commit(engine, call, { name: 'blobs.collect', args })
}
