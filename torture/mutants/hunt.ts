// Looks for a planted bug with the checks that pass on honest sources: `node hunt.ts HUNT…` ends
// with 1 and tells what it found, or with 0 when all hunts held. Runs in a copy of the checkout.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { type CrashCase, type CrashLab, prepare } from '@holdfast/testkit/store/crash-runs.ts'
import { sweepCuts } from '@holdfast/testkit/store/cut-runs.ts'
import { sweepFaults, sweepKillThenCut } from '@holdfast/testkit/store/fault-runs.ts'
import { workloads } from '@holdfast/testkit/store/workloads.ts'
import { engineDays } from '../crash-disk/engine-days.ts'
import { killPutAgainCut } from '../crash-disk/put-again.ts'
import { newLab, strict } from '../crash-disk/store-lab.ts'
import { sweepDay } from '../crash-disk/sweep-days.ts'
import { recordDay, sweepRecording } from '../recorded/sweep-recording.ts'
import { huntAttack, huntConnections } from './attack-hunts.ts'
import { engineHunts, huntInEngine } from './engine-hunts.ts'
import { syncsBeforeNames } from './hunts/sync-order.ts'

const draw = { random: new SeededRandom(7), disksPerCut: 4 }

async function hunt(text: string): Promise<void> {
  const [kind = '', name = ''] = text.split(/:(.*)/)
  if (kind === 'attack') return await huntAttack(name)
  if (kind === 'connections') return await huntConnections(name)
  if (kind === 'day') return await huntDay(name)
  if (kind === 'sync-order') return syncsBeforeNames()
  if (kind === 'put-again') return void (await killPutAgainCut(strict, draw))
  if (kind === 'recorded') return await huntRecorded()
  if (kind === 'test') return huntByTest(name)
  const inEngine = engineHunts[kind]
  if (inEngine !== undefined) return await huntInEngine(inEngine)
  using lab = newLab()
  const workload = workloads[kind.startsWith('first-start') ? 'a first put' : name]
  if (workload === undefined) throw new RangeError(`no workload ${name}`)
  if (kind === 'first-start') {
    await sweepCuts(lab, { workload, disk: strict }, { ...draw, disksPerCut: 12 })
    return
  }
  if (kind === 'first-start-killed') {
    await sweepKillThenCut(lab, { workload, disk: strict }, { ...draw, disksPerCut: 6 })
    return
  }
  const crash = { workload, disk: strict, prepared: await prepare(lab, strict) }
  if (kind === 'replay') await sweepCuts(lab, crash, draw)
  else if (kind === 'kill-then-cut') await sweepKillThenCut(lab, crash, draw)
  else if (kind === 'faults') await sweepFaults(lab, crash, { ...draw, kind: enospc })
  else if (kind === 'failing') await sweepFaults(lab, crash, { ...draw, kind: eio })
  else if (kind === 'fault-then-cut') await huntBehindFaults(lab, crash)
  else throw new RangeError(`no hunt ${kind}`)
}

const enospc = { code: 'ENOSPC', options: {} }
const eio = { code: 'EIO', options: {} }

/** What was refused may not come back when the power goes right after the refusal. */
async function huntBehindFaults(lab: CrashLab, crash: CrashCase): Promise<void> {
  for (const cutAfter of [1, 2, 3]) {
    const sweep = { ...draw, disksPerCut: 24, mood: 'moment', kind: eio, cutAfter } as const
    await sweepFaults(lab, crash, sweep)
  }
}

async function huntDay(name: string): Promise<void> {
  const day = engineDays[name]
  if (day === undefined) throw new RangeError(`no day ${name}`)
  await sweepDay(day, { ...draw, disk: strict, dearOneOf: 6 })
}

/** A file of `npm test`, where it is made for the bug: what it tells first is what it found. */
function huntByTest(file: string): void {
  const node = ['--disable-warning=ExperimentalWarning', '--test', '--test-reporter=tap']
  const path = join(import.meta.dirname, '..', '..', file)
  const { status, stdout } = spawnSync(process.execPath, [...node, path], { encoding: 'utf8' })
  if (status === 0) return
  const failed = /^ *not ok .*$/m.exec(stdout)?.[0]
  if (failed === undefined) throw new RangeError(`${file} did not run: ${stdout}`)
  throw new Error(failed.trim())
}

async function huntRecorded(): Promise<void> {
  await sweepRecording(recordDay(), { random: draw.random, disk: strict, oneOf: 2 })
}

for (const text of process.argv.slice(2)) {
  try {
    await hunt(text)
  } catch (error) {
    console.log(`${text}: ${error instanceof Error ? error.message : error}`)
    process.exit(1)
  }
}
