import { setTimeout as sleep } from 'node:timers/promises'
import { actOut, hangMs, type Outcome } from './act-out.ts'
import type { Besieged, Counts } from './besieged.ts'
import { describePlan, type Plan, planOf } from './plans.ts'
import { doors } from './requests.ts'
import { describeWay, wayOf } from './ways.ts'
import { plainWire, tlsWire } from './wires.ts'

const clients = 48
const probeMs = 200
const settleStepMs = 50
/** Of those that were begun last, so many are tried again one by one. */
const suspectsMax = 400

export interface StormOptions {
  readonly seed: number
  /** Number of the first connection. */
  readonly first: number
  /** Asked before each connection. */
  readonly goesOn: (made: number) => boolean
}

export interface StormTally {
  readonly plans: readonly Plan[]
  readonly problems: readonly string[]
  /** Answers to questions of somebody else meanwhile, on all three ports. */
  readonly answers: number
  readonly slowestMs: number
}

/** Many connections at once, of which none means well, and somebody who asks in the meantime. */
export async function storm(target: Besieged, options: StormOptions): Promise<StormTally> {
  const plans: Plan[] = []
  const problems: string[] = []
  let isOver = false
  let number = options.first
  const client = async (): Promise<void> => {
    while (target.ended === undefined && options.goesOn(plans.length)) {
      const { plan, text, act } = connectionTo(target, options.seed, number)
      number += 1
      plans.push(plan)
      const { connected, status, isHung } = await act()
      if (isHung && target.ended === undefined) problems.push(`no answer: ${text}`)
      if (status === 500) problems.push(`answered 500: ${text}`)
      // No port is free here, or nobody listens any more.
      if (!connected) await sleep(20)
    }
  }
  const probing = probe(target, () => isOver)
  await Promise.all(Array.from({ length: clients }, client))
  isOver = true
  const { answers, slowestMs, problem } = await probing
  if (problem !== undefined && target.ended === undefined) problems.push(problem)
  return { plans, problems, answers, slowestMs }
}

interface Connection {
  readonly plan: Plan
  /** What it takes to see it again by hand. */
  readonly text: string
  readonly act: () => Promise<Outcome>
}

/** One connection of a seed, through TLS where the server speaks it. */
function connectionTo({ ports, ca }: Besieged, seed: number, number: number): Connection {
  const plan = planOf(seed, number)
  const port = ports[plan.door]
  const text = describePlan(plan)
  if (ca === undefined || plan.door === 'metrics') {
    return { plan, text, act: async () => await actOut(plan, plainWire(port)) }
  }
  const way = wayOf(seed, plan)
  const act = async () => await actOut(plan, await tlsWire(port, ca, way))
  return { plan, text: `TLS ${describeWay(way)}, ${text}`, act }
}

async function probe(target: Besieged, isOver: () => boolean) {
  let answers = 0
  let slowestMs = 0
  let problem: string | undefined
  while (!isOver() && target.ended === undefined && problem === undefined) {
    for (const door of doors) {
      const beganMs = performance.now()
      try {
        await target.ask(door, door === 'rest' ? '/health/live' : '/')
        answers += 1
      } catch (error) {
        problem = `nobody else is answered at ${door}: ${error}`
        break
      }
      slowestMs = Math.max(slowestMs, performance.now() - beganMs)
    }
    await sleep(probeMs)
  }
  return { answers, slowestMs, problem }
}

/** What is not as before even after the time that is a hang: it stays. Undefined for nothing. */
export async function unsettled(
  target: Besieged,
  before: Counts,
  msMax = hangMs,
): Promise<string | undefined> {
  const untilMs = performance.now() + msMax
  for (;;) {
    if (target.ended !== undefined) return target.ended
    const now = await target.counts()
    const problem = differenceOf(before, now)
    if (problem === undefined || performance.now() > untilMs) return problem
    await sleep(settleStepMs)
  }
}

function differenceOf(before: Counts, now: Counts): string | undefined {
  if (now.inFlight > before.inFlight) {
    return `${now.inFlight} requests are at work for ever, ${before.inFlight} before`
  }
  if (now.sockets > before.sockets) {
    return `${now.sockets} sockets stay open, ${before.sockets} before`
  }
  if (now.staged > before.staged) {
    return `${now.staged} files of bodies on their way stay, ${before.staged} before`
  }
  if (now.places === before.places) return undefined
  return `places are not given back: ${now.places}, ${before.places} before`
}

export interface Search {
  /** A server that no connection has harmed yet. */
  readonly start: () => Promise<Besieged & { kill(): Promise<unknown> }>
  readonly seed: number
  readonly msMax: number
  /** What is not as before after this time stays. */
  readonly settleMs?: number
}

/**
 * Which one it was: the last ones again at a new server, several at a time and then each alone.
 * Undefined when none of them does it alone.
 */
export async function culprit(
  plans: readonly Plan[],
  { start, seed, msMax, settleMs = 5000 }: Search,
): Promise<string | undefined> {
  const untilMs = performance.now() + msMax
  let text: string | undefined
  const harms = async (numbers: readonly number[]) => {
    const target = await start()
    try {
      const before = await target.counts()
      const connections = numbers.map(number => connectionTo(target, seed, number))
      text = connections[0]?.text
      await Promise.all(connections.map(({ act }) => act()))
      return (await unsettled(target, before, settleMs).catch(String)) !== undefined
    } finally {
      await target.kill()
    }
  }
  let among: readonly number[] = plans.slice(-suspectsMax).map(({ number }) => number)
  let isAlone = false
  while (!isAlone && among.length > 0 && performance.now() < untilMs) {
    const found = await firstThat(harms, halvesOf(among))
    if (found === undefined) return undefined
    isAlone = found.length === 1
    among = found
  }
  return isAlone ? text : undefined
}

/** The newer half first; one alone is a half, too. */
function halvesOf(numbers: readonly number[]): (readonly number[])[] {
  const half = Math.floor(numbers.length / 2)
  return [numbers.slice(half), numbers.slice(0, half)].filter(({ length }) => length > 0)
}

async function firstThat<T>(
  holds: (item: T) => Promise<boolean>,
  items: readonly T[],
): Promise<T | undefined> {
  for (const item of items) if (await holds(item)) return item
  return undefined
}
