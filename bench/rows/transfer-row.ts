import type { LoadOutcome, Traffic } from '@holdfast/load/load-plan.ts'
import { waitForQuiet } from '@holdfast/load/machine-load.ts'
import { errorsOf, type PairResult, rateOf, ratioSpread, sideResult } from '../report/row-result.ts'
import type { Server } from '../servers/server.ts'
import { type BenchContext, freeBytes, load, settleDisk, startIn } from './bench-context.ts'
import { sizeName } from './mode.ts'
import { fill, getTraffic, mixedTraffic, newTag, type ObjectSet, putTraffic } from './objects.ts'

const MIX = 'mixed GET 45, HEAD 30, PUT 15, DELETE 10 %'
const workingSetBytes = 256 * 1024 * 1024
const workingSetCountMax = 1000
const readBackBytes = 64 * 1024 * 1024
const diskShareMax = 0.4
/** One connection makes too few requests to bring a JIT to its steady state in time. */
const warmConnections = 16

export interface TransferRow {
  readonly method: 'GET' | 'PUT' | 'HEAD' | 'mixed'
  readonly sizeBytes: number
  readonly connections: number
}

export function transferRows({ mode }: Pick<BenchContext, 'mode'>): TransferRow[] {
  const transfers = mode.sizesBytes.flatMap(sizeBytes =>
    (['GET', 'PUT'] as const).flatMap(method =>
      mode.connections.map(connections => ({ method, sizeBytes, connections })),
    ),
  )
  const mixes = mode.mixes.flatMap(mix =>
    (['HEAD', 'mixed'] as const).map(method => ({ method, ...mix })),
  )
  return [...transfers, ...mixes]
}

export function transferName({ method, sizeBytes, connections }: TransferRow): string {
  const plural = connections === 1 ? 'connection' : 'connections'
  if (method === 'mixed') return `${MIX} of ${sizeName(sizeBytes)}, ${connections} ${plural}`
  return `${method} ${sizeName(sizeBytes)}, ${connections} ${plural}`
}

/** One row of fresh servers. */
export async function measureTransfer(
  context: BenchContext,
  row: TransferRow,
): Promise<PairResult> {
  await using subject = await startIn(context, context.startSubject, true)
  await using peer = await startIn(context, context.startPeer)
  return await compareTransfers(context, row, [subject.server, peer.server])
}

/** The subject and the peer in turn, each first in every other pair; the ratio of each pair. */
export async function compareTransfers(
  context: BenchContext,
  row: TransferRow,
  servers: readonly [subject: Server, peer: Server],
): Promise<PairResult> {
  const sides = servers.map(server => new TransferSide(context, server, row))
  for (const side of sides) await side.prepare()
  for (let pair = 0; pair < context.mode.pairs; pair += 1) {
    await waitForQuiet(context.mode.patienceMs)
    for (const side of pair % 2 === 0 ? sides : sides.toReversed()) await side.runOnce()
  }
  const [left, right] = sides.map(side => sideResult(side, side.runs))
  return {
    name: transferName(row),
    left: left!,
    right: right!,
    ratioOf: 'throughput',
    ratio: ratioSpread(left!.runs.map(rateOf), right!.runs.map(rateOf)),
  }
}

class TransferSide {
  readonly runs: LoadOutcome[] = []
  readonly label: string
  readonly durability: string
  readonly #context: BenchContext
  readonly #server: Server
  readonly #row: TransferRow
  readonly #diskBytesMax: number
  #stored: (ObjectSet & { count: number }) | undefined
  #writtenBytes = 0

  constructor(context: BenchContext, server: Server, row: TransferRow) {
    this.label = server.name
    const writes = row.method === 'PUT' || row.method === 'mixed'
    this.durability = writes ? server.durability : 'reads'
    this.#context = context
    this.#server = server
    this.#row = row
    this.#diskBytesMax = freeBytes(context) * diskShareMax
  }

  async prepare(): Promise<void> {
    const { method, sizeBytes } = this.#row
    if (method !== 'PUT') {
      const count = Math.min(workingSetCountMax, Math.ceil(workingSetBytes / sizeBytes))
      this.#stored = { folder: 'set', sizeBytes, tag: newTag(), count }
      await fill(this.#context, this.#server, this.#stored)
    }
    await this.#warmUp()
  }

  async runOnce(): Promise<void> {
    const { durationMs } = this.#context.mode
    const objects = this.#newObjects()
    const outcome = await load(this.#context, this.#server, {
      connections: this.#row.connections,
      traffic: this.#traffic(objects),
      until: { durationMs },
    })
    this.runs.push(await this.#readBack(objects, outcome))
    await this.#tidyUp(outcome)
  }

  async #warmUp(): Promise<void> {
    const { connections, sizeBytes } = this.#row
    const outcome = await load(this.#context, this.#server, {
      connections: sizeBytes > 1024 * 1024 ? 2 : Math.max(connections, warmConnections),
      traffic: this.#traffic(this.#newObjects()),
      until: { durationMs: this.#context.mode.warmupMs },
    })
    await this.#tidyUp(outcome)
  }

  #newObjects(): ObjectSet {
    const tag = newTag()
    const coming = { folder: `run-${tag}`, sizeBytes: this.#row.sizeBytes, tag }
    return this.#row.method === 'mixed' ? coming : (this.#stored ?? coming)
  }

  #traffic(objects: ObjectSet): Traffic {
    if (this.#stored === undefined) return putTraffic(this.#server, objects)
    if (this.#row.method === 'mixed') return mixedTraffic(this.#server, this.#stored, objects)
    if (this.#row.method === 'HEAD') {
      const reading = { count: this.#stored.count, hashEvery: 0 }
      return { ...getTraffic(this.#server, objects, reading), kind: 'head' }
    }
    // Hashing costs the load process as much as a transfer: of large bodies, the stamp tells.
    const hashEvery = objects.sizeBytes <= 64 * 1024 ? 512 : 0
    return getTraffic(this.#server, objects, { count: this.#stored.count, hashEvery })
  }

  /** What was put must come back: some objects are read and hashed, outside the measured time. */
  async #readBack(objects: ObjectSet, outcome: LoadOutcome): Promise<LoadOutcome> {
    if (errorsOf(outcome) > 0 || outcome.operations === 0) return outcome
    const count = this.#stored?.count ?? outcome.operations
    const checked = await load(this.#context, this.#server, {
      connections: 1,
      traffic: getTraffic(this.#server, this.#stored ?? objects, { count, hashEvery: 1 }),
      until: { operations: Math.max(1, Math.min(16, readBackBytes / objects.sizeBytes)) },
    })
    const hashedAnswers = outcome.hashedAnswers + checked.hashedAnswers
    return { ...outcome, hashedAnswers, errors: checked.errors }
  }

  async #tidyUp(outcome: LoadOutcome): Promise<void> {
    const { method } = this.#row
    if (method === 'GET' || method === 'HEAD') return
    this.#writtenBytes += outcome.bytes
    settleDisk(this.#context)
    const coming = Math.max(outcome.bytes, this.#row.connections * this.#row.sizeBytes)
    if (method === 'mixed' || this.#writtenBytes + coming < this.#diskBytesMax) return
    await this.#server.clear()
    this.#writtenBytes = 0
  }
}
