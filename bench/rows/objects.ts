import type { GetTraffic, LoadOutcome, MixedTraffic, PutTraffic } from '@holdfast/load/load-plan.ts'
import { errorsOf } from '../report/row-result.ts'
import type { Server } from '../servers/server.ts'
import { type BenchContext, load } from './bench-context.ts'

let tags = 0

/** A tag that no other objects of this process have. */
export function newTag(): string {
  tags += 1
  return `t${tags.toString(36).padStart(5, '0')}`
}

export interface ObjectSet {
  readonly folder: string
  readonly sizeBytes: number
  readonly tag: string
}

export function putTraffic(server: Server, objects: ObjectSet): PutTraffic {
  const { folder, sizeBytes, tag } = objects
  const statuses = [server.createdStatus]
  return { kind: 'put', ...server.place(folder), sizeBytes, tag, firstNumber: 0, statuses }
}

export function getTraffic(
  server: Server,
  objects: ObjectSet,
  reading: { readonly count: number; readonly hashEvery: number },
): GetTraffic {
  const { folder, sizeBytes, tag } = objects
  return { kind: 'get', ...server.place(folder), sizeBytes, tag, firstNumber: 0, ...reading }
}

/** The mix that benchmarks of S3 stores use: GET 45, STAT 30, PUT 15, DELETE 10 per cent. */
export function mixedTraffic(
  server: Server,
  stored: ObjectSet & { readonly count: number },
  coming: ObjectSet,
): MixedTraffic {
  return {
    kind: 'mixed',
    get: getTraffic(server, stored, { count: stored.count, hashEvery: 512 }),
    put: putTraffic(server, coming),
    shares: { head: 0.3, put: 0.15, delete: 0.1 },
    deletedStatuses: [204],
  }
}

/** Puts this many objects, quickly; a single refusal is an error of the bench. */
export async function fill(
  context: BenchContext,
  server: Server,
  objects: ObjectSet & { readonly count: number },
): Promise<void> {
  const outcome = await load(context, server, {
    connections: Math.min(objects.count, objects.sizeBytes > 1024 * 1024 ? 2 : 64),
    traffic: putTraffic(server, objects),
    until: { operations: objects.count },
  })
  requireClean(outcome, `filling ${server.name}`)
}

export function requireClean(outcome: LoadOutcome, what: string): void {
  if (errorsOf(outcome) > 0) throw new Error(`${what}: ${JSON.stringify(outcome.errors)}`)
}
