import type { Lab } from '../open-lab.ts'
import { canary } from '../people.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import type { Answer, Asked, Wire } from '../wire.ts'
import type { Waiting, Waits } from './waits.ts'

/** A request that is held at each of its waits. */
export interface Waiter {
  readonly what: string
  readonly wire: Wire
  readonly asked: Asked
  /** Of the same request when nobody held it. */
  readonly waits: number
  /** Some of which may be done before; the last is judged. Whatever else is done is told. */
  readonly isOfSeveral: boolean
  /** What is wrong with the answer to who was shut out meanwhile. */
  problem(answer: Answer): string | undefined
}

interface Case {
  readonly what: string
  readonly waiter: Waiter
  readonly waiting: Waiting
}

interface Meanwhile {
  readonly name: string
  readonly waiters: readonly Waiter[]
  readonly happens: () => Promise<unknown>
}

/** How many waits a request comes to that nobody holds; undefined where it is not let in. */
export async function learn(
  waits: Waits,
  { what, wire, asked }: Pick<Waiter, 'what' | 'wire' | 'asked'>,
  { report, problem }: { report: MatrixReport; problem: (answer: Answer) => string | undefined },
): Promise<readonly string[]> {
  await makeKnown(wire, asked)
  const waiting = waits.ask(-1, wire, asked)
  const answer = await waiting.answer
  const told = problem(answer)
  if (told !== undefined) {
    report.fail(`${what}: ${answer.status} ${answer.text.slice(0, 200)}: ${told}`)
  }
  if (waiting.waits.length === 0) report.fail(`${what}: waits for nothing, not even to begin`)
  return waiting.waits
}

/** A token that is checked for the first time waits once more. */
async function makeKnown(wire: Wire, { headers = {} }: Asked): Promise<void> {
  const { authorization } = headers
  if (typeof authorization !== 'string' || !authorization.startsWith('Bearer ')) return
  await wire.ask({ method: 'GET', path: '/api/v2/auth/me', headers: { authorization } })
}

/** Each request at each of its waits, then what happens, then all go on: all must be refused. */
export async function refuseAll(
  { waits, report }: { readonly lab: Lab; readonly waits: Waits; readonly report: MatrixReport },
  { name, waiters, happens }: Meanwhile,
): Promise<void> {
  const cases: Case[] = []
  for (const waiter of waiters) {
    for (let at = 0; at < waiter.waits; at += 1) {
      const waiting = waits.ask(at, waiter.wire, waiter.asked)
      if (!(await waiting.held)) {
        report.fail(`${waiter.what}: came to ${waiting.waits.length} waits, of ${waiter.waits}`)
        break
      }
      const what = `${waiter.what}, ${name} at ${waiting.waits.join(' > ')}`
      cases.push({ what, waiter, waiting })
    }
  }
  await happens()
  const doneBefore = new Map(cases.map(one => [one, one.waiting.written.length]))
  for (const { waiting } of cases) waiting.letGo()
  for (const one of cases) {
    const { what, waiter, waiting } = one
    const answer = await waiting.answer.catch((error: Error) => error)
    // Its head was out: that it is broken off is all that can be told.
    if (answer instanceof Error) {
      if (answer.message === 'aborted') report.count('late waits broken off')
      else report.fail(`${what}: ${answer}`)
      continue
    }
    const done = doneBefore.get(one) ?? 0
    const written = waiting.written.slice(done)
    if (done > 0 && written.length === 0 && !waiter.isOfSeveral) {
      report.count('late waits of what was done')
      continue
    }
    const problem =
      written.length > 0
        ? `wrote ${written.join()}`
        : answer.text.includes(canary)
          ? 'tells a secret'
          : waiter.problem(answer)
    if (problem === undefined) {
      report.count('late waits refused')
      report.pass()
    } else report.fail(`${what}: ${answer.status} ${answer.text.slice(0, 120)}: ${problem}`)
  }
}

/**
 * Each request as it hands its first write to the catalog, then what happens, then it goes on. That
 * write may still be done, and whatever was handed beside it; nothing is handed after it.
 */
export async function writeNoMore(
  { waits, report }: { readonly lab: Lab; readonly waits: Waits; readonly report: MatrixReport },
  { name, waiters, happens }: Meanwhile,
): Promise<void> {
  const cases: Case[] = []
  for (const waiter of waiters) {
    const waiting = waits.ask('write', waiter.wire, waiter.asked)
    if (!(await waiting.held)) continue
    cases.push({ what: `${waiter.what}, ${name} at ${waiting.handed[0]}`, waiter, waiting })
  }
  await happens()
  const handedBefore = cases.map(({ waiting }) => waiting.handed.length)
  for (const { waiting } of cases) waiting.letGo()
  for (const [at, { what, waiting }] of cases.entries()) {
    const answer = await waiting.answer.catch((error: Error) => error)
    const status = answer instanceof Error ? answer.message : answer.status
    const after = waiting.handed.slice(handedBefore[at])
    if (after.length > 0) report.fail(`${what}: ${status}: handed ${after.join()}`)
    else {
      report.count('late writes')
      report.pass()
    }
  }
}
