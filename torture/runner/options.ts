import { parseArgs } from 'node:util'
import type { Length } from './program.ts'

export interface TortureOptions {
  readonly length: Length
  /** Ids or names of programs; empty for all. */
  readonly only: readonly string[]
  readonly seed: number
  readonly list: boolean
  /** Keeps the figures with the sources, and puts them into docs/testing.md. */
  readonly reference: boolean
}

export const usage = `npm run torture -- --short | --long [options]

  --short             lengths for every change, 15 minutes at most for all programs (default)
  --long              lengths for a night
  --only T01,replay   only these programs, by number or name
  --seed N            repeats a run; without it, short runs take 1 and long ones a new seed
  --list              names the programs
  --reference         keeps the figures in results/reference.json and docs/testing.md
`

export function parseOptions(args: string[]): TortureOptions {
  const { values } = parseArgs({
    args,
    options: {
      short: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string' },
      list: { type: 'boolean', default: false },
      reference: { type: 'boolean', default: false },
    },
  })
  if (values.short && values.long) throw new Error('--short or --long, not both')
  const length = values.long ? 'long' : 'short'
  const drawn = length === 'short' ? 1 : Date.now() % 2 ** 31
  return {
    length,
    only: values.only.flatMap(text => text.split(',')).filter(text => text !== ''),
    seed: values.seed === undefined ? drawn : wholeNumber(values.seed),
    list: values.list,
    reference: values.reference,
  }
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value >= 2 ** 32) {
    throw new Error('--seed: a whole number from 1 to 4294967295')
  }
  return value
}
