import { LoadGenerator } from '@holdfast/load/load-generator.ts'
import { waitForQuiet } from '@holdfast/load/machine-load.ts'
import { type FigureResult, medianOf } from '../report/row-result.ts'
import type { Server } from '../servers/server.ts'
import { type BenchContext, load, settleDisk, startIn } from './bench-context.ts'
import { fill, getTraffic, newTag, type ObjectSet, putTraffic } from './objects.ts'

const sizeBytes = 4096
const count = 1000
const readers = 16
/** The writers begin before the readers and end after them. */
const marginMs = 500

export function writersName({ mode }: Pick<BenchContext, 'mode'>): string {
  return `p99 of GET 4 KiB, ${readers} connections, alone and while ${mode.writers} clients write`
}

interface Side {
  readonly server: Server
  readonly objects: ObjectSet
  readonly alone: number[]
  readonly beside: number[]
}

/** The same reads without and with writers beside them, for both servers in turn. */
export async function measureWriters(context: BenchContext): Promise<FigureResult> {
  await using subject = await startIn(context, context.startSubject)
  await using peer = await startIn(context, context.startPeer)
  using writing = new LoadGenerator()
  const errors: Record<string, number> = {}
  const sides: Side[] = []
  for (const { server } of [subject, peer]) {
    const objects = { folder: 'set', sizeBytes, tag: newTag() }
    await fill(context, server, { ...objects, count })
    sides.push({ server, objects, alone: [], beside: [] })
  }
  for (let pair = -1; pair < context.mode.pairs; pair += 1) {
    await waitForQuiet(context.mode.patienceMs)
    for (const side of sides) {
      const alone = await read(context, side, errors)
      const writers = write({ ...context, generator: writing }, side.server)
      await new Promise(resolve => setTimeout(resolve, Math.min(marginMs, context.mode.durationMs)))
      const beside = await read(context, side, errors)
      Object.assign(errors, (await writers).errors)
      settleDisk(context)
      if (pair < 0) continue
      side.alone.push(alone)
      side.beside.push(beside)
    }
  }
  const figures = sides.flatMap(({ server, alone, beside }) => {
    const ratio = medianOf(beside.map((value, index) => value / (alone[index] || Number.NaN)))
    const text = [medianOf(alone), medianOf(beside)].map(value => `${value.toFixed(2)} ms`)
    return [[server.name, `${text[0]} alone, ${text[1]} beside writers, ratio ${ratio.toFixed(2)}`]]
  })
  return {
    name: writersName(context),
    durability: subject.server.durability,
    figures: Object.fromEntries(figures),
    errors,
  }
}

async function read(
  context: BenchContext,
  { server, objects }: Side,
  errors: Record<string, number>,
): Promise<number> {
  const outcome = await load(context, server, {
    connections: readers,
    traffic: getTraffic(server, objects, { count, hashEvery: 512 }),
    until: { durationMs: context.mode.durationMs },
  })
  Object.assign(errors, outcome.errors)
  return outcome.latency.p99Ms
}

function write(context: BenchContext, server: Server) {
  const tag = newTag()
  return load(context, server, {
    connections: context.mode.writers,
    traffic: putTraffic(server, { folder: `run-${tag}`, sizeBytes, tag }),
    until: { durationMs: context.mode.durationMs + 2 * marginMs },
  })
}
