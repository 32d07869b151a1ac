import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { prepare } from '@holdfast/testkit/store/crash-runs.ts'
import { sweepCuts } from '@holdfast/testkit/store/cut-runs.ts'
import { workloads } from '@holdfast/testkit/store/workloads.ts'
import { engineDays } from '../crash-disk/engine-days.ts'
import { killPutAgainCut } from '../crash-disk/put-again.ts'
import { journaling, newLab, strict } from '../crash-disk/store-lab.ts'
import { sweepDay } from '../crash-disk/sweep-days.ts'
import { recordDay, sweepRecording } from '../recorded/sweep-recording.ts'
import type { Program, Run } from '../runner/program.ts'
import { hasStrace } from '../target/tracer.ts'

const perCut = { short: 4, long: 5 }
/** The power goes before one of so many calls of a recorded day. */
const recordedOneOf = { short: 5, long: 1 }
const rounds = { short: 1, long: 75 }

export const program: Program = {
  id: 'T03',
  name: 'replay',
  summary: 'the power goes before every disk call: what was acknowledged is there, all or nothing',
  secondsMax: { short: 900, long: 14_400 },
  minimum: {
    short: { states: 6000, workloads: 22, acknowledged: 150, 'recorded states': 200 },
    long: { states: 500_000, workloads: 19, acknowledged: 150 },
  },
  /** Workloads of the store alone and days of the whole engine, each on two kinds of disk. */
  async run(run) {
    for (let round = 0; round < rounds[run.length]; round += 1) await playAll(run, round)
  },
}

async function playAll(run: Run, round: number): Promise<void> {
  const draw = { random: run.random.fork(round), disksPerCut: perCut[run.length] }
  for (const [name, workload] of Object.entries(workloads)) {
    await attempt(run, name, async disk => {
      using lab = newLab()
      const crash = { workload, disk, prepared: await prepare(lab, disk) }
      const tally = await sweepCuts(lab, crash, draw)
      return { cuts: tally.cuts, states: tally.disks, alike: tally.alike, acknowledged: 0 }
    })
  }
  for (const [name, day] of Object.entries(engineDays)) {
    await attempt(run, name, async disk => await sweepDay(day, { ...draw, disk }))
  }
  await attempt(run, 'killed, put again, cut', async disk => {
    const { kills, states } = await killPutAgainCut(disk, draw)
    return { cuts: kills, states, alike: 0, acknowledged: kills }
  })
  await playRecorded(run, draw.random)
}

/** A day of a real process, SQLite and writer threads included, cut at its own system calls. */
async function playRecorded(run: Run, random: SeededRandom): Promise<void> {
  if (!hasStrace()) {
    run.skip('a recorded day', 'strace is not installed')
    return
  }
  const recording = recordDay()
  const oneOf = recordedOneOf[run.length]
  await attempt(run, 'a recorded day', async disk => {
    // What a journaling file system leaves is among what a strict one may.
    if (run.length === 'short' && disk !== strict) {
      return { cuts: 0, states: 0, alike: 0, acknowledged: 0 }
    }
    const sweep = { random, disk, oneOf, keptIn: run.scratch }
    const { states, acknowledged } = await sweepRecording(recording, sweep)
    run.count('recorded states', states)
    return { cuts: states, states, alike: 0, acknowledged }
  })
}

type Sweep = (
  disk: typeof strict,
) => Promise<{ cuts: number; states: number; alike: number; acknowledged: number }>

async function attempt(run: Run, name: string, sweep: Sweep): Promise<void> {
  for (const disk of [strict, journaling]) {
    try {
      const { cuts, states, alike, acknowledged } = await sweep(disk)
      run.count('cuts', cuts)
      run.count('states', states)
      run.count('of them as before', alike)
      run.count('acknowledged', acknowledged)
      run.pass(states)
    } catch (error) {
      run.fail(`${name}, ${disk.flavour}: ${error instanceof Error ? error.message : error}`)
    }
  }
  run.count('workloads')
}
