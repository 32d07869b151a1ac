// What the bare parts of each target cost on this machine, beside what Holdfast makes of them.
// `npm run bench:floor -- [--rounds N] [--duration MS] [--only TEXT] [--dir DIR]`
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { LoadGenerator } from '@holdfast/load/load-generator.ts'
import { describeMachine } from '../machine.ts'
import { medianOf } from '../report/row-result.ts'
import type { BenchContext } from '../rows/bench-context.ts'
import { fullMode } from '../rows/mode.ts'
import { startHoldfast } from '../servers/holdfast.ts'
import { startBare } from './bare-server.ts'
import type { Measured } from './blocks.ts'
import { type FloorGroup, type FloorLine, floorGroups } from './floor-rows.ts'

export interface FloorOptions {
  /** Every line is measured so often, in turn; medians are shown. */
  readonly rounds: number
  readonly durationMs: number
  /** Only groups whose name contains it. */
  readonly only: string
  readonly dir: string
}

export interface FloorResult {
  readonly name: string
  readonly lines: readonly (Measured & Pick<FloorLine, 'name' | 'ours'>)[]
}

/** Measures all lines of all groups, round by round. */
export async function runFloor(
  { rounds, durationMs, only, dir: parent }: FloorOptions,
  say: (line: string) => void,
): Promise<FloorResult[]> {
  mkdirSync(parent, { recursive: true })
  const dir = mkdtempSync(join(parent, 'floor-'))
  try {
    using generator = new LoadGenerator()
    const context: BenchContext = {
      mode: { ...fullMode, durationMs },
      ...{ dir, generator, say, profileDir: undefined },
      ...{ startSubject: startHoldfast, startPeer: startBare('http') },
    }
    const groups = floorGroups(context).filter(({ name }) => name.includes(only))
    const results: FloorResult[] = []
    for (const group of groups) {
      say(group.name)
      results.push(await measureGroup(group, rounds))
    }
    return results
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function measureGroup({ name, lines }: FloorGroup, rounds: number): Promise<FloorResult> {
  const runs = lines.map((): Measured[] => [])
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, line] of lines.entries()) runs[index]?.push(await line.measure())
  }
  const medians = lines.map((line, index) => {
    const of = runs[index] ?? []
    return {
      ...{ name: line.name, ours: line.ours },
      perSecond: medianOf(of.map(({ perSecond }) => perSecond)),
      cpuMicros: medianOf(of.map(({ cpuMicros }) => cpuMicros)),
    }
  })
  return { name, lines: medians }
}

/** One table: every line of a group, and how near Holdfast is to its pace. */
export function floorTable(results: readonly FloorResult[]): string {
  const lines = results.flatMap(({ name, lines: measured }) => {
    const ours = measured.find(line => line.ours)?.perSecond ?? 0
    return measured.map((line, index) => {
      const { perSecond, cpuMicros } = line
      const near = line.ours ? '' : `${(ours / perSecond).toFixed(2)}`
      return [index === 0 ? name : '', line.name, rate(perSecond), micros(cpuMicros), near]
    })
  })
  const head = ['Work', 'Done by', 'A second', 'CPU each, µs', 'Holdfast / this']
  return [head, head.map(() => '---'), ...lines].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function rate(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(1)
}

function micros(value: number): string {
  return value >= 20 ? Math.round(value).toLocaleString('en') : value.toFixed(1)
}

function parseFloor(args: string[]): FloorOptions {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '3' },
      duration: { type: 'string', default: '1500' },
      only: { type: 'string', default: '' },
      dir: { type: 'string', default: join(dirname(import.meta.dirname), '.data') },
    },
  })
  const [rounds, durationMs] = [Number(values.rounds), Number(values.duration)]
  if (!(rounds >= 1 && durationMs >= 1)) throw new Error('--rounds and --duration: from 1')
  return { rounds, durationMs, only: values.only, dir: values.dir }
}

if (import.meta.main) {
  const options = parseFloor(process.argv.slice(2))
  const results = await runFloor(options, line => console.error(line))
  const { cores, processor, kernel, node, loadBefore } = describeMachine(options.dir)
  console.log(`${cores} cores of ${processor}, Linux ${kernel}, Node ${node}; load ${loadBefore}\n`)
  console.log(floorTable(results))
}
