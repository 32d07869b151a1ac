import { bodyMd5, stampOf } from './bodies.ts'
import { Connection, type Run } from './connection.ts'
import type { NumberCounter } from './exchange.ts'
import type { Limit, LoadOutcome, LoadPlan } from './load-plan.ts'
import { machineCpuMs } from './machine-load.ts'
import { cpuMsOf } from './process-tree.ts'
import { requestSource } from './request-sources.ts'
import { Tally } from './tally.ts'

/** Opens all connections first, so that what is measured is the exchange of requests. */
export async function runPlan(plan: LoadPlan): Promise<LoadOutcome> {
  const tally = new Tally()
  let mayStart: (now: number) => boolean = () => false
  const { host = '127.0.0.1', port, tls = false } = plan
  const run: Run = { host, port, tls, tally, mayStart: now => mayStart(now) }
  const counter: NumberCounter = { value: firstNumberOf(plan), put: [], md5s: md5sOf(plan) }
  const connections = Array.from({ length: plan.connections }, (_, index) => {
    return new Connection(run, requestSource(plan, counter, index))
  })
  await Promise.all(connections.map(connection => connection.opened()))
  const measureCpu = startCpu(plan.serverPids)
  const startedAt = performance.now()
  tally.lastAt = startedAt
  mayStart = limitOf(plan.until, startedAt, tally)
  const deadline = setTimeout(() => {
    tally.fail(`not done after ${plan.deadlineMs} ms`)
    for (const connection of connections) connection.close()
  }, plan.deadlineMs)
  await Promise.all(connections.map(connection => connection.run()))
  clearTimeout(deadline)
  const elapsedMs = tally.lastAt - startedAt
  return {
    operations: tally.operations,
    bytes: tally.bytes,
    elapsedMs,
    latency: tally.latency.summary(),
    byMethod: Object.fromEntries(
      [...tally.byMethod].map(([method, latency]) => [
        method,
        { operations: latency.total, latency: latency.summary() },
      ]),
    ),
    errors: Object.fromEntries(tally.errors),
    hashedAnswers: tally.hashedAnswers,
    ...measureCpu(Math.max(1, performance.now() - startedAt)),
  }
}

type CpuShares = Pick<LoadOutcome, 'serverCpuMs' | 'loadCpuShare' | 'othersCpuShare'>

function startCpu(serverPids: readonly number[]): (elapsedMs: number) => CpuShares {
  const machineBefore = machineCpuMs()
  const serverBefore = cpuMsOf(serverPids)
  const ownBefore = process.cpuUsage()
  return elapsedMs => {
    const own = process.cpuUsage(ownBefore)
    const ownMs = (own.user + own.system) / 1000
    const serverCpuMs = cpuMsOf(serverPids) - serverBefore
    const othersMs = machineCpuMs() - machineBefore - serverCpuMs - ownMs
    return {
      serverCpuMs,
      loadCpuShare: ownMs / elapsedMs,
      othersCpuShare: Math.max(0, othersMs) / elapsedMs,
    }
  }
}

function limitOf(until: Limit, startedAt: number, tally: Tally): (now: number) => boolean {
  if ('operations' in until) return () => tally.started < until.operations
  const endAt = startedAt + until.durationMs
  return now => now < endAt
}

/** What no server takes in: beyond it an MD5 is taken within the time. */
const BYTES_PER_MS_MAX = 1.5e6

/** For as many bodies as may be asked for. */
function md5sOf({ traffic, until, connections }: LoadPlan): string[] {
  if (traffic.kind !== 'put' || traffic.tellsMd5 !== true) return []
  const { tag, firstNumber, sizeBytes } = traffic
  const count =
    'operations' in until
      ? until.operations
      : connections + Math.ceil((until.durationMs * BYTES_PER_MS_MAX) / sizeBytes)
  return Array.from({ length: count }, (_, index) => {
    return bodyMd5(stampOf(tag, firstNumber + index), sizeBytes)
  })
}

function firstNumberOf({ traffic }: LoadPlan): number {
  if (traffic.kind === 'put') return traffic.firstNumber
  return traffic.kind === 'mixed' ? traffic.put.firstNumber : 0
}
