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
  choose<T>(states: readonly T[], random: SeededRandom): T
  /** Whether a growing file stops at a size between two that it had. */
  between(random: SeededRandom): boolean
  /** Whether one unsynced directory operation survives. */
  keeps(random: SeededRandom): boolean
}

export type MoodName = 'lose' | 'keep' | 'coin' | 'mostly-lose' | 'mostly-keep'

const keepChance: Record<MoodName, number> = {
  lose: 0,
  keep: 1,
  coin: 0.5,
  'mostly-lose': 0.1,
  'mostly-keep': 0.9,
}

const names: readonly MoodName[] = ['lose', 'keep', 'coin', 'coin', 'mostly-lose', 'mostly-keep']

export function moodOf(name: MoodName, garbage: boolean): Mood {
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

export function randomMood(random: SeededRandom, garbage: boolean): Mood {
  return moodOf(random.pick(names), garbage && random.chance(0.5))
}
