import type { SeededRandom } from '../seeded-random.ts'

/**
 * How a power cut treats what was not synced. Fair coins alone almost never give the extremes
 * (everything lost, everything kept, all but one), and those are where bugs show.
 */
export interface Mood {
  readonly name: MoodName
  /** Blocks that were allocated but not written hold foreign bytes instead of zeros. */
  readonly garbage: boolean
  /** One of the states in order of time: the first is the synced one, the last the newest. */
  choose<T>(states: readonly T[], random: SeededRandom, times: readonly number[]): T
  /** Whether a growing file stops at a size between two that it had. */
  between(random: SeededRandom): boolean
  /** Whether the unsynced directory operation of that time survives. */
  keeps(random: SeededRandom, time: number): boolean
}

/** `moment`: all that happened up to some moment is there, nothing later is. */
export type MoodName = 'lose' | 'keep' | 'coin' | 'mostly-lose' | 'mostly-keep' | 'moment'

const keepChance: Record<Exclude<MoodName, 'moment'>, number> = {
  lose: 0,
  keep: 1,
  coin: 0.5,
  'mostly-lose': 0.1,
  'mostly-keep': 0.9,
}

const names: readonly MoodName[] = [
  ...(['lose', 'keep', 'coin', 'coin', 'mostly-lose', 'mostly-keep'] as const),
  ...(['moment', 'moment'] as const),
]

export interface MoodOptions {
  readonly garbage: boolean
  /** The time of the cut, in changing calls. */
  readonly now: number
}

export function moodOf(name: MoodName, options: MoodOptions, random: SeededRandom): Mood {
  const { garbage, now } = options
  // Mostly a call or two before the cut: that is where answers and disks part.
  if (name === 'moment') return momentMood(now - random.below(1 + random.below(8)))
  const chance = keepChance[name]
  return {
    name,
    garbage,
    choose(states, random) {
      const last = states.length - 1
      if (random.chance(chance)) return states[last] as (typeof states)[number]
      return states[last === 0 || chance < 0.5 ? 0 : random.below(last)] as (typeof states)[number]
    },
    between: random => chance > 0 && chance < 1 && random.chance(0.5),
    keeps: random => random.chance(chance),
  }
}

function momentMood(moment: number): Mood {
  return {
    name: 'moment',
    garbage: false,
    choose(states, _, times) {
      const kept = states.filter((__, index) => index === 0 || (times[index] ?? 0) <= moment)
      return kept.at(-1) as (typeof states)[number]
    },
    between: () => false,
    keeps: (_, time) => time <= moment,
  }
}

export function randomMood(options: MoodOptions, random: SeededRandom): Mood {
  const garbage = options.garbage && random.chance(0.5)
  return moodOf(random.pick(names), { ...options, garbage }, random)
}
