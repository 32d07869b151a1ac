import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchContext, load, settleDisk, startIn } from '../rows/bench-context.ts'
import { sizeName } from '../rows/mode.ts'
import { fill, getTraffic, newTag, putTraffic, requireClean } from '../rows/objects.ts'
import { transferName } from '../rows/transfer-row.ts'
import { startHoldfast } from '../servers/holdfast.ts'
import type { StartServer } from '../servers/server.ts'
import { startBare } from './bare-server.ts'
import { appendAndSync, type Measured, readAndSum, sha256Of, writeDirectly } from './blocks.ts'
import { commitInThread } from './rows-thread.ts'

/** A target of the store, and the bare parts that nothing which does the same can do without. */
export interface FloorGroup {
  readonly name: string
  readonly lines: readonly FloorLine[]
}

export interface FloorLine {
  readonly name: string
  /** Whether it is Holdfast itself, which the others are compared with. */
  readonly ours: boolean
  measure(): Promise<Measured>
}

interface Work {
  readonly method: 'GET' | 'PUT'
  readonly sizeBytes: number
  readonly connections: number
}

const KiB = 1024
const MiB = 1024 * KiB
/** A small body with its head in the pack, and its share of the line of changes. */
const RECORD_BYTES = 4096 + 1024
/** Puts that share one sync at 64 connections. */
const BATCH = 16

/** Each in one and the same run, so that they compare. */
export function floorGroups(context: BenchContext): FloorGroup[] {
  const { durationMs } = context.mode
  const dir = join(context.dir, 'blocks')
  mkdirSync(dir, { recursive: true })
  const block = (name: string, measure: () => Measured | Promise<Measured>): FloorLine => ({
    name,
    ours: false,
    measure: async () => {
      const result = await measure()
      settleDisk(context)
      return result
    },
  })
  const commit = (puts: number) =>
    block(`rows of ${puts === 1 ? 'a put' : `${puts} puts`}, one commit, in a thread`, () =>
      commitInThread({ path: join(dir, 'rows.db'), putsPerCommit: puts }, durationMs),
    )
  const append = (puts: number) =>
    block(`append ${puts === 1 ? 'a put' : `${puts} puts`} to laid-out space, one sync`, () => {
      const { perSecond, cpuMicros } = appendAndSync(dir, puts * RECORD_BYTES, durationMs)
      return { perSecond: perSecond * puts, cpuMicros: cpuMicros / puts }
    })
  const sha256 = (bytes: number) =>
    block(`SHA-256 of ${sizeName(bytes)}`, () => sha256Of(bytes, durationMs))
  const read = (bytes: number) =>
    block(`${sizeName(bytes)} out of the page cache, with CRC-32`, () =>
      readAndSum(dir, bytes, durationMs),
    )
  const direct = (bytes: number) =>
    block(`file of ${sizeName(bytes)} past the page cache, one sync, one writer`, () =>
      writeDirectly(dir, bytes, durationMs),
    )
  const wake = block('message to a sleeping thread and back', () =>
    commitInThread({ path: undefined, putsPerCommit: 1 }, durationMs),
  )
  return [
    served(context, { method: 'GET', sizeBytes: 4 * KiB, connections: 64 }, [read(4 * KiB)]),
    served(context, { method: 'GET', sizeBytes: 64 * KiB, connections: 16 }, [read(64 * KiB)]),
    served(context, { method: 'PUT', sizeBytes: 4 * KiB, connections: 64 }, [
      ...[sha256(4 * KiB), commit(BATCH), append(BATCH)],
    ]),
    served(context, { method: 'PUT', sizeBytes: 4 * KiB, connections: 1 }, [
      ...[sha256(4 * KiB), wake, commit(1), append(1)],
    ]),
    served(context, { method: 'PUT', sizeBytes: MiB, connections: 16 }, [
      ...[sha256(MiB), direct(MiB)],
    ]),
    served(context, { method: 'PUT', sizeBytes: 64 * MiB, connections: 16 }, [
      ...[sha256(64 * MiB), direct(64 * MiB)],
    ]),
  ]
}

/** The work itself, by servers that only answer and by ours, and its parts. */
function served(context: BenchContext, work: Work, parts: readonly FloorLine[]): FloorGroup {
  const { method, sizeBytes } = work
  const does = method === 'GET' ? 'answers from memory' : 'receives and hashes'
  const by = (name: string, start: StartServer, ours = false): FloorLine => ({
    name,
    ours,
    measure: () => serve(context, start, work),
  })
  const socket = by(`a plain socket, own parser: ${does}`, startBare('socket'))
  return {
    name: transferName(work),
    lines: [
      by('Holdfast', startHoldfast, true),
      by(`node:http: ${does}`, startBare('http')),
      ...(sizeBytes <= 64 * KiB ? [socket] : []),
      ...parts,
    ],
  }
}

async function serve(context: BenchContext, start: StartServer, work: Work): Promise<Measured> {
  await using started = await startIn(context, start)
  const { server } = started
  const { method, sizeBytes, connections } = work
  const stored = { folder: 'set', sizeBytes, tag: newTag() }
  if (method === 'GET') await fill(context, server, { ...stored, count: READ_COUNT })
  const run = async (count: number, durationMs: number): Promise<Measured> => {
    const outcome = await load(context, server, {
      connections: count,
      traffic:
        method === 'GET'
          ? getTraffic(server, stored, { count: READ_COUNT, hashEvery: 512 })
          : putTraffic(server, { ...stored, folder: `put-${newTag()}`, tag: newTag() }),
      until: { durationMs },
    })
    requireClean(outcome, server.name)
    settleDisk(context)
    return {
      perSecond: (outcome.operations / outcome.elapsedMs) * 1000,
      cpuMicros: (outcome.serverCpuMs * 1000) / Math.max(1, outcome.operations),
    }
  }
  const { durationMs } = context.mode
  // One connection makes too few requests to bring a JIT to its steady state in time.
  await run(sizeBytes > MiB ? 2 : Math.max(connections, 16), WARM_FACTOR * durationMs)
  return await run(connections, durationMs)
}

const WARM_FACTOR = 2
/** Few enough for the memory of the bare servers. */
const READ_COUNT = 1000
