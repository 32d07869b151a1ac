import type { LoadOutcome, Traffic } from '../load/load-plan.ts'
import { errorsOf, type PairResult, rateOf, ratioSpread, sideResult } from '../report/row-result.ts'
import { waitForQuiet } from '../sampling/machine-load.ts'
import type { Server } from '../servers/server.ts'
import { type BenchContext, freeBytes, load, settleDisk, startIn } from './bench-context.ts'
import { sizeName } from './mode.ts'
import { fill, getTraffic, newTag, type ObjectSet, putTraffic } from './objects.ts'

const workingSetBytes = 256 * 1024 * 1024
const workingSetCountMax = 1000
const readBackBytes = 64 * 1024 * 1024
const diskShareMax = 0.4
/** One connection makes too few requests to bring a JIT to its steady state in time. */
const warmConnections = 16

export interface TransferRow {
  readonly method: 'GET' | 'PUT' | 'HEAD' | 'MIX'
  readonly sizeBytes: number
  readonly connections: number
}

export function transferRows({ mode }: Pick<BenchContext, 'mode'>): TransferRow[] {
  const [sizeBytes = 0] = mode.sizesBytes
  const connections = mode.connections.at(-1) ?? 1
  const others = (['HEAD', 'MIX'] as const).map(method => ({ method, sizeBytes, connections }))
  const plain = mode.sizesBytes.flatMap(sizeBytes =>
    (['GET', 'PUT'] as const).flatMap(method =>
      mode.connections.map(connections => ({ method, sizeBytes, connections })),
    ),
  )
  return [...plain, ...others]
}

/** What the usual benchmarks of S3 stores ask: mostly reads, and removals of what was written. */
const mixedShares = { get: 0.45, head: 0.3, put: 0.15, remove: 0.1 }

export function transferName({ method, sizeBytes, connections }: TransferRow): string {
  const plural = connections === 1 ? 'connection' : 'connections'
  const what = method === 'MIX' ? 'mixed GET 45, HEAD 30, PUT 15, DELETE 10 %,' : method
  return `${what} ${sizeName(sizeBytes)}, ${connections} ${plural}`
}

/** One row: fresh servers, the subject and the peer in turn, the ratio of each pair. */
export async function measureTransfer(
  context: BenchContext,
  row: TransferRow,
): Promise<PairResult> {
  await using subject = await startIn(context, context.startSubject, true)
  await using peer = await startIn(context, context.startPeer)
  const sides = [
    new TransferSide(context, subject.server, row),
    new TransferSide(context, peer.server, row),
  ] as const
  for (const side of sides) await side.prepare()
  for (let pair = 0; pair < context.mode.pairs; pair += 1) {
    await waitForQuiet(context.mode.patienceMs)
    for (const side of sides) await side.runOnce()
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
    this.durability = row.method === 'PUT' || row.method === 'MIX' ? server.durability : 'reads'
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
    return this.#stored ?? { folder: `run-${tag}`, sizeBytes: this.#row.sizeBytes, tag }
  }

  #traffic(objects: ObjectSet): Traffic {
    if (this.#stored === undefined) return putTraffic(this.#server, objects)
    const { count } = this.#stored
    // Hashing costs the load process as much as a transfer: of large bodies, the stamp tells.
    const hashEvery = objects.sizeBytes <= 64 * 1024 ? 512 : 0
    const get = getTraffic(this.#server, objects, { count, hashEvery })
    switch (this.#row.method) {
      case 'HEAD':
        return { ...get, kind: 'head' }
      case 'MIX': {
        const written = { ...objects, folder: `run-${newTag()}`, tag: newTag() }
        return { kind: 'mixed', get, put: putTraffic(this.#server, written), shares: mixedShares }
      }
      default:
        return get
    }
  }

  /** What was put must come back: some objects are read and hashed, outside the measured time. */
  async #readBack(objects: ObjectSet, outcome: LoadOutcome): Promise<LoadOutcome> {
    if (errorsOf(outcome) > 0 || outcome.operations === 0) return outcome
    const count = this.#stored?.count ?? outcome.operations
    const checked = await load(this.#context, this.#server, {
      connections: 1,
      traffic: getTraffic(this.#server, objects, { count, hashEvery: 1 }),
      until: { operations: Math.max(1, Math.min(16, readBackBytes / objects.sizeBytes)) },
    })
    const hashedAnswers = outcome.hashedAnswers + checked.hashedAnswers
    return { ...outcome, hashedAnswers, errors: checked.errors }
  }

  async #tidyUp(outcome: LoadOutcome): Promise<void> {
    if (this.#row.method === 'GET' || this.#row.method === 'HEAD') return
    if (this.#row.method === 'MIX') {
      // Little is written, and what is read must stay.
      settleDisk(this.#context)
      return
    }
    this.#writtenBytes += outcome.bytes
    settleDisk(this.#context)
    const coming = Math.max(outcome.bytes, this.#row.connections * this.#row.sizeBytes)
    if (this.#writtenBytes + coming < this.#diskBytesMax) return
    await this.#server.clear()
    this.#writtenBytes = 0
  }
}
