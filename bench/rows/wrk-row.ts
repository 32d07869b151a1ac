import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type FigureResult, medianOf } from '../report/row-result.ts'
import type { Server } from '../servers/server.ts'
import { type BenchContext, startIn } from './bench-context.ts'
import { fill, newTag } from './objects.ts'

const run = promisify(execFile)
const connections = 64
const sizeBytes = 4096

export const wrkName = 'GET 4 KiB, 64 connections, one key, as wrk counts it'

/** A second opinion on our own load generator, whose row of that name should agree. */
export async function measureWrk(context: BenchContext): Promise<FigureResult> {
  await using subject = await startIn(context, context.startSubject)
  await using peer = await startIn(context, context.startPeer)
  const servers = [subject.server, peer.server]
  const rates = servers.map((): number[] => [])
  const errors: Record<string, number> = {}
  for (const server of servers) {
    await fill(context, server, { folder: 'set', sizeBytes, tag: newTag(), count: 1 })
    await wrk(server, context.mode.warmupMs)
  }
  for (let pair = 0; pair < context.mode.pairs; pair += 1) {
    for (const [index, server] of servers.entries()) {
      const { rate, refused } = await wrk(server, context.mode.durationMs)
      rates[index]?.push(rate)
      if (refused > 0) errors[`not 2xx from ${server.name}`] = refused
    }
  }
  const ratios = rates[0]!.map((rate, index) => rate / (rates[1]?.[index] ?? Number.NaN))
  return {
    name: wrkName,
    durability: 'reads',
    figures: {
      [subject.server.name]: `${Math.round(medianOf(rates[0]!)).toLocaleString('en')}/s`,
      [peer.server.name]: `${Math.round(medianOf(rates[1]!)).toLocaleString('en')}/s`,
      ratio: medianOf(ratios).toFixed(2),
    },
    errors,
  }
}

async function wrk(server: Server, durationMs: number): Promise<{ rate: number; refused: number }> {
  const { pathPrefix, headers } = server.place('set')
  const named = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const seconds = `${Math.max(1, Math.round(durationMs / 1000))}s`
  const url = `http://127.0.0.1:${server.port}${pathPrefix}0000000000`
  const args = ['-t1', `-c${connections}`, `-d${seconds}`, ...named, url]
  const { stdout } = await run('wrk', args)
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]
  if (rate === undefined) throw new Error(`wrk: ${stdout}`)
  return { rate: Number(rate), refused: Number(/Non-2xx.*?: (\d+)/.exec(stdout)?.[1] ?? 0) }
}
