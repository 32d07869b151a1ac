import type { Call } from '@holdfast/core/call.ts'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { commit } from '../commit.ts'
import { type Engine, systemCall } from '../engine.ts'
import { clockProblem } from './clock-problem.ts'
import type { CollectedBlob } from './collect-transaction.ts'

export interface CollectOptions {
  /** Blobs, and as many uploads, per run; the rest waits for the next. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** After each batch, with the time that it took. */
  readonly rest?: ((tookMs: number) => Promise<void>) | undefined
}

export interface CollectResult {
  readonly blobs: number
  readonly bytes: number
  /** Multipart uploads dropped because nobody went on with them. */
  readonly uploads: number
  /** Why nothing was done; null when it was. */
  readonly stopped: string | null
}

/** In one transaction everybody else who writes waits for. */
const BATCH = 200
const UPLOADS = 50

/**
 * Frees blobs that nothing has referred to for longer than the grace period, in batches of which
 * each gives way to others. Stops at the first error, and does nothing at all while the wall clock
 * cannot be trusted; that is asked anew by each run, so who frees without end does it in runs.
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
  const inBatch = batchesOf(engine, call, options)
  const uploads = await dropAbandoned(engine, call, { limit, inBatch })
  let blobs = 0
  let bytes = 0
  while (blobs < limit) {
    const query = { before, limit: Math.min(BATCH, limit - blobs) }
    const batch = await inBatch(() => collectBatch(engine, call, query))
    if (batch === 'busy') return { blobs, bytes, uploads, stopped: 'uploads are under way' }
    // None left, or all that looked dead are referred to again.
    if (batch.length === 0) break
    blobs += batch.length
    for (const blob of batch) bytes += blob.size
  }
  return { blobs, bytes, uploads, stopped: null }
}

type Batch = <Done>(work: () => Promise<Done>) => Promise<Done>

/** Every caller's next step and the event loop come first, then whoever writes. */
function batchesOf({ clock, lists }: Engine, call: Call, { rest }: CollectOptions): Batch {
  const giveWay = lists.giveWay(call)
  return async work => {
    await giveWay()
    const begun = clock.monotonic()
    const done = await work()
    await rest?.(clock.monotonic() - begun)
    return done
  }
}

/** Their parts lose their references now, and their bytes after the grace period. */
async function dropAbandoned(
  engine: Engine,
  call: Call,
  { limit, inBatch }: { readonly limit: number; readonly inBatch: Batch },
): Promise<number> {
  const before = new Date(engine.clock.now() - engine.limits.uploadIdleMs).toISOString()
  let dropped = 0
  while (dropped < limit) {
    const page = { before, limit: Math.min(UPLOADS, limit - dropped) }
    const found = await engine.catalog.view.uploads.abandoned(page)
    const droppedBefore = dropped
    for (const { id } of found) {
      if (await inBatch(() => dropUpload(engine, call, { id, before }))) dropped += 1
    }
    // None left, or all that looked abandoned got parts meanwhile.
    if (found.length < page.limit || dropped === droppedBefore) break
  }
  return dropped
}

async function dropUpload(
  engine: Engine,
  call: Call,
  { id, before }: { readonly id: string; readonly before: string },
): Promise<boolean> {
  const args = { uploadId: id, abandonedSince: before, seen: [] }
  try {
    return await commit(engine, call, { name: 'uploads.remove', args })
  } catch (error) {
    // Its owner ended it meanwhile.
    if (isHoldfastError(error) && error.code === 'UPLOAD_NOT_FOUND') return false
    throw error
  }
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
