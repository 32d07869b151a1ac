import type { LoadOutcome, Traffic } from '@holdfast/load/load-plan.ts'
import type { FigureResult } from '../report/row-result.ts'
import { MemorySampler } from '../sampling/memory-sampler.ts'
import type { Server } from '../servers/server.ts'
import { type BenchContext, freeBytes, load, startIn } from './bench-context.ts'
import { sizeName } from './mode.ts'
import { fill, getTraffic, newTag, putTraffic } from './objects.ts'

const MiB = 1024 * 1024
/** Uploads under way and uploads done lie on the disk together. */
const diskShare = 0.6

export function memoryName({ mode }: Pick<BenchContext, 'mode'>): string {
  return `memory with ${mode.memoryClients} clients of ${sizeName(mode.memoryBytes)} each`
}

/** All clients upload at once, each its own content; then all download one file at once. */
export async function measureMemory(context: BenchContext): Promise<FigureResult> {
  const { memoryClients: clients, memoryBytes } = context.mode
  const uploadBytes = uploadSize(context)
  await using started = await startIn(context, context.startSubject)
  const { server } = started
  const idleBytes = (await watched(server, async () => undefined)).peakBytes
  const put = putTraffic(server, { folder: 'up', sizeBytes: uploadBytes, tag: newTag() })
  const up = await watched(server, () => transfer(context, server, put))
  const file = { folder: 'down', sizeBytes: memoryBytes, tag: newTag(), count: 1 }
  // The same process goes on with what it holds by then, unless the disk is too small for both.
  if (freeBytes(context) < memoryBytes * 3) await server.clear()
  await fill(context, server, file)
  const get = getTraffic(server, file, { count: 1, hashEvery: 0 })
  const down = await watched(server, () => transfer(context, server, get))
  const note = uploadBytes < memoryBytes ? ' (as many bytes as the free disk allows)' : ''
  return {
    name: memoryName(context),
    durability: server.durability,
    figures: {
      'clients at once': clients,
      'RSS after the start': mebibytes(idleBytes),
      'uploaded by each': `${sizeName(uploadBytes)}${note}`,
      'peak RSS while uploading': mebibytes(up.peakBytes),
      'upload of all together': speed(up.outcome),
      'downloaded by each': sizeName(memoryBytes),
      'peak RSS while downloading': mebibytes(down.peakBytes),
      'download of all together': speed(down.outcome),
      'samples of RSS': up.samples + down.samples,
      'peak RSS in bytes': Math.max(up.peakBytes, down.peakBytes),
    },
    errors: { ...up.outcome.errors, ...down.outcome.errors },
  }

  function transfer(on: BenchContext, to: Server, traffic: Traffic): Promise<LoadOutcome> {
    return load(on, to, { connections: clients, traffic, until: { operations: clients } })
  }
}

function uploadSize(context: BenchContext): number {
  const { memoryClients, memoryBytes } = context.mode
  const possible = Math.floor((freeBytes(context) * diskShare) / memoryClients / MiB) * MiB
  if (possible < MiB) throw new Error('too little disk space for the uploads')
  return Math.min(memoryBytes, possible)
}

interface Watched<Result> {
  readonly outcome: Result
  readonly peakBytes: number
  readonly samples: number
}

async function watched<Result>(
  server: Server,
  work: () => Promise<Result>,
): Promise<Watched<Result>> {
  using sampler = new MemorySampler(server.pids()[0] ?? 0)
  const outcome = await work()
  return { outcome, peakBytes: sampler.peakBytes, samples: sampler.samples }
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MiB)} MiB`
}

function speed({ bytes, elapsedMs }: LoadOutcome): string {
  return `${Math.round(bytes / 1e6 / (elapsedMs / 1000))} MB/s`
}
