import type { LoadOutcome } from '../load/load-plan.ts'
import { type FigureResult, medianOf } from '../report/row-result.ts'
import { type BenchContext, load, settleDisk, startIn } from './bench-context.ts'
import { fill, getTraffic, newTag, putTraffic } from './objects.ts'

const sizeBytes = 4096
const count = 1000
const readers = 16
const writers = 16

export const besideName = 'p99 of GET 4 KiB, 16 connections, alone and beside 16 writers'

/** Whether reads wait for writes: the same readers, in turn alone and with others that put. */
export async function measureBeside(context: BenchContext): Promise<FigureResult> {
  await using started = await startIn(context, context.startSubject, true)
  const { server } = started
  const objects = { folder: 'set', sizeBytes, tag: newTag(), count }
  await fill(context, server, objects)
  const get = getTraffic(server, objects, { count, hashEvery: 512 })
  const errors: Record<string, number> = {}
  const alone: LoadOutcome[] = []
  const beside: LoadOutcome[] = []
  const measure = async (withWriters: number, durationMs: number): Promise<LoadOutcome> => {
    const tag = newTag()
    const put = putTraffic(server, { folder: `beside-${tag}`, sizeBytes, tag })
    const outcome = await load(context, server, {
      connections: readers + withWriters,
      traffic: { kind: 'beside', get, put, writers: withWriters },
      until: { durationMs },
    })
    Object.assign(errors, outcome.errors)
    settleDisk(context)
    return outcome
  }
  await measure(writers, context.mode.warmupMs)
  for (let pair = 0; pair < context.mode.pairs; pair += 1) {
    alone.push(await measure(0, context.mode.durationMs))
    beside.push(await measure(writers, context.mode.durationMs))
  }
  const ratios = beside.map((one, at) => p99(one) / p99(alone[at] ?? one))
  return {
    name: besideName,
    durability: server.durability,
    figures: {
      'p99 alone': `${medianOf(alone.map(p99)).toFixed(2)} ms`,
      'p99 beside writers': `${medianOf(beside.map(p99)).toFixed(2)} ms`,
      ratio: medianOf(ratios).toFixed(2),
      'GETs per second, alone and beside': `${rate(alone)} / ${rate(beside)}`,
      'longest GET beside writers': `${Math.max(...beside.map(maxOf)).toFixed(1)} ms`,
    },
    errors,
  }
}

function p99({ latency }: LoadOutcome): number {
  return latency.p99Ms
}

function maxOf({ latency }: LoadOutcome): number {
  return latency.maxMs
}

function rate(outcomes: readonly LoadOutcome[]): string {
  const rates = outcomes.map(({ operations, elapsedMs }) => (operations / elapsedMs) * 1000)
  return Math.round(medianOf(rates)).toLocaleString('en')
}
