import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'

export type Length = 'short' | 'long'

/** Counts by name: `acknowledged`, `kills`, `states`, and one of each fault that came. */
export type Counts = Readonly<Record<string, number>>

/**
 * One program of the suite. It lies in `torture/programs/t01-kill-loop.ts` (number, name), exports
 * `program`, and runs in a process of its own; `npm run torture` finds it by the name of its file.
 */
export interface Program {
  /** `T01` and so on, as in docs/testing.md. */
  readonly id: string
  readonly name: string
  /** One sentence: the fault, and what must hold. */
  readonly summary: string
  /** Beyond it the program is stopped and counts as failed. */
  readonly secondsMax: Readonly<Record<Length, number>>
  /**
   * A run that counted less has proved nothing and counts as failed. Faults belong here too: a
   * declared fault that never came is a minimum of 1 that was not reached.
   */
  readonly minimum: Readonly<Record<Length, Counts>>
  /** Keeps the other lane empty: for programs that judge times, be it in long runs only. */
  readonly lane?: 'any' | 'alone' | 'alone in long runs'
  /** Runs in a mount namespace of its own, so that nothing stays mounted however it ends. */
  readonly mounts?: boolean
  run(run: Run): Promise<void>
}

/** What a program is given, and how it tells what it found. */
export interface Run {
  readonly seed: number
  readonly length: Length
  readonly random: SeededRandom
  /** Empty, on the disk of temporary files; removed after a run without failures. */
  readonly scratch: string
  /** Ends with the budget. */
  readonly signal: AbortSignal
  /** Adds to a count. */
  count(name: string, by?: number): void
  /** So many cases (kills, disks, reads of a key, inputs) were tried and held. */
  pass(cases?: number): void
  /** Something did not hold: one sentence, with what it takes to see it again. Goes on. */
  fail(what: string): void
  /** A part cannot run on this machine; the reason is printed and counted, never silent. */
  skip(part: string, reason: string): void
  /** A figure for the report, like the slowest start in ms. */
  figure(name: string, value: number): void
  say(text: string): void
  /** Names what runs from now on: a run that never ends is told with it. */
  part(name: string): void
}

export interface ProgramResult {
  readonly id: string
  readonly name: string
  readonly length: Length
  readonly seed: number
  readonly commit: string
  readonly replay: string
  readonly startedAt: string
  readonly seconds: number
  readonly passed: number
  readonly failures: readonly string[]
  /** Parts that could not run here, with the reason. */
  readonly skipped: readonly string[]
  readonly counts: Counts
  readonly figures: Counts
}
