import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { History, kinds } from '../rotten-parts/history.ts'
import type { Program, Run } from '../runner/program.ts'

const histories = { short: 40, long: 5000 }
const steps = 80
const each = (least: number) => Object.fromEntries(kinds.map(kind => [kind, least]))

export const program: Program = {
  id: 'T23',
  name: 'rotten-parts',
  summary:
    'shared parts are lost, sent again, collected and moved, and catalogs of before come back',
  secondsMax: { short: 240, long: 7200 },
  minimum: {
    short: { histories: histories.short, ...each(5), damage: 150, parts: 300 },
    long: { histories: histories.long, ...each(1000), damage: 20_000, parts: 40_000 },
  },
  async run(run) {
    for (let n = 0; n < histories[run.length] && !run.signal.aborted; n += 1) {
      const root = existsSync('/dev/shm') ? '/dev/shm' : run.scratch
      const dir = mkdtempSync(join(root, 'holdfast-rotten-'))
      try {
        await tell(run, n, dir)
      } finally {
        rmSync(dir, { recursive: true, force: true })
      }
    }
  },
}

async function tell(run: Run, n: number, dir: string): Promise<void> {
  const history = await History.begin(dir, run.random.fork(n))
  try {
    for (let step = 0; step < steps; step += 1) {
      const kind = await history.step()
      if (kind !== undefined) run.count(kind)
    }
    await history.end()
    run.count('histories')
    run.pass()
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error)
    run.fail(`history ${n}: ${problem}\n${history.told.join('\n')}`)
  } finally {
    await history.close()
  }
}
