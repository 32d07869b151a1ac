import { besiege, connectionsMinimum } from '../fuzz/connections/siege.ts'
import { fuzz } from '../fuzz/fuzz.ts'
import { httpTargets } from '../fuzz/http-targets.ts'
import { s3Targets } from '../fuzz/s3-targets.ts'
import { storeTargets } from '../fuzz/store-targets.ts'
import type { Program } from '../runner/program.ts'

const targets = [...httpTargets, ...s3Targets, ...storeTargets]
const msPerTarget = { short: 3700, long: 600_000 }

export const program: Program = {
  id: 'T14',
  name: 'parser-fuzz',
  summary:
    'mutated requests, records and texts, then hostile connections at a real server: no crash, ' +
    'no hang, nothing taken that is false, nothing that stays behind',
  secondsMax: { short: 200, long: 15_600 },
  minimum: {
    short: {
      ...{ parsers: targets.length, execs: 40_000, branches: 150 },
      ...connectionsMinimum('short'),
    },
    long: {
      ...{ parsers: targets.length, execs: 20_000_000, branches: 150 },
      ...connectionsMinimum('long'),
    },
  },
  async run(run) {
    for (const [index, target] of targets.entries()) {
      if (run.signal.aborted) break
      const random = run.random.fork(index)
      const tally = await fuzz(target, { random, ms: msPerTarget[run.length] })
      for (const problem of tally.problems) run.fail(`${target.name}: ${problem}`)
      run.count('parsers')
      run.count('execs', tally.execs)
      run.count('branches', tally.branches)
      run.count('inputs kept', tally.found)
      run.pass(tally.execs - tally.problems.length)
      run.say(`${target.name}: ${tally.execs} execs, ${tally.branches} branches`)
    }
    await besiege(run)
  },
}
