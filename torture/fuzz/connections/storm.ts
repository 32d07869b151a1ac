import { setTimeout as sleep } from 'node:timers/promises'
import { actOut, hangMs } from './act-out.ts'
import type { Besieged, Counts } from './besieged.ts'
import { describePlan, type Plan, planOf } from './plans.ts'
import { doors } from './requests.ts'

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
      const plan = planOf(options.seed, number)
      number += 1
      plans.push(plan)
      const { connected, status, isHung } = await actOut(plan, target.ports[plan.door])
      if (isHung && target.ended === undefined) problems.push(`no answer: ${describePlan(plan)}`)
      if (status === 500) problems.push(`answered 500: ${describePlan(plan)}`)
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
  if (now.places === before.places) return undefined
  return `places are not given back: ${now.places}, ${before.places} before`
}

/**
 * Which one it was: the last ones again at a new server, several at a time and then each alone.
 * Undefined when none of them does it alone.
 */
export async function culprit(
  plans: readonly Plan[],
  {
    start,
    seed,
    msMax,
  }: {
    readonly start: () => Promise<Besieged & { kill(): Promise<void> }>
    readonly seed: number
    readonly msMax: number
  },
): Promise<string | undefined> {
  const untilMs = performance.now() + msMax
  const suspects = plans.slice(-suspectsMax).map(({ number }) => number)
  const harms = async (numbers: readonly number[]) => {
    const target = await start()
    try {
      const before = await target.counts()
      await Promise.all(
        numbers.map(number => {
          const plan = planOf(seed, number)
          return actOut(plan, target.ports[plan.door])
        }),
      )
      return (await unsettled(target, before, 5000).catch(String)) !== undefined
    } finally {
      await target.kill()
    }
  }
  let among: readonly number[] = suspects
  while (among.length > 1 && performance.now() < untilMs) {
    const half = Math.ceil(among.length / 2)
    const halves = [among.slice(half), among.slice(0, half)]
    let found: readonly number[] | undefined
    for (const part of halves) if (found === undefined && (await harms(part))) found = part
    if (found === undefined) return undefined
    among = found
  }
  const [number] = among
  return among.length === 1 && number !== undefined ? describePlan(planOf(seed, number)) : undefined
}
