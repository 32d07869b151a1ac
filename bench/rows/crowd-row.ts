import { readFileSync } from 'node:fs'
import type { FigureResult } from '../report/row-result.ts'
import { type BenchContext, load, startIn } from './bench-context.ts'
import { fill, getTraffic, newTag, putTraffic } from './objects.ts'

const sizeBytes = 4096
const count = 500
const spareFiles = 200

export function crowdName({ mode }: Pick<BenchContext, 'mode'>): string {
  return `crowd of ${mode.crowdConnections.toLocaleString('en')} connections, half GET, half PUT`
}

/** All connect at the same moment, then read and write without a pause. */
export async function measureCrowd(context: BenchContext): Promise<FigureResult> {
  const connections = Math.min(context.mode.crowdConnections, openFilesMax() - spareFiles)
  await using started = await startIn(context, context.startSubject)
  const { server } = started
  const objects = { folder: 'set', sizeBytes, tag: newTag(), count }
  await fill(context, server, objects)
  const outcome = await load(context, server, {
    connections,
    traffic: {
      kind: 'mixed',
      put: putTraffic(server, { folder: 'new', sizeBytes, tag: newTag() }),
      get: getTraffic(server, objects, { count, hashEvery: 64 }),
      shares: { head: 0, put: 0.5, delete: 0 },
      deletedStatuses: [],
    },
    until: { durationMs: context.mode.durationMs * 2 },
  })
  const { p50Ms, p99Ms, maxMs } = outcome.latency
  return {
    name: crowdName(context),
    durability: server.durability,
    figures: {
      'connections at once': connections,
      operations: outcome.operations,
      'operations per second': Math.round((outcome.operations / outcome.elapsedMs) * 1000),
      'p50 / p99 / max': `${Math.round(p50Ms)} / ${Math.round(p99Ms)} / ${Math.round(maxMs)} ms`,
      'answers whose SHA-256 was compared': outcome.hashedAnswers,
    },
    errors: outcome.errors,
  }
}

/** Every connection takes one file here and one in the server. */
function openFilesMax(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  return soft === undefined ? Number.MAX_SAFE_INTEGER : Number(soft)
}
