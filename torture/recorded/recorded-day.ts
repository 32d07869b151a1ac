// Runs under strace: a store as it is on a real machine, its catalog and writer threads included,
// opened and closed several times. `node recorded-day.ts ROOT` works in ROOT/data, writes one byte
// to ROOT/marks after each acknowledged commit, and all states to ROOT/states at the end.

import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@holdfast/drivers/disk/node-disk.ts'
import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { collect, type Day, engineDays, put } from '../crash-disk/engine-days.ts'
import { type OpenedEngine, openEngineOn, stateOf } from '../crash-disk/engine-lab.ts'

/** One after the other, each in an opening of its own; closing folds the WAL into the catalog. */
const sessions: readonly Day[] = [
  day('packs that fill up'),
  day('garbage collection and compaction'),
  { run: theOpenPackGoesFirst },
  day('removals outlive the pack they stand in'),
  day('purge and the key again'),
]

function day(name: string): Day {
  const found = engineDays[name]
  if (found === undefined) throw new RangeError(`no day ${name}`)
  return found
}

/** A catalog that lost its WAL stands in the pack that was open at start, and that one is gone. */
async function theOpenPackGoesFirst(opened: OpenedEngine): Promise<void> {
  const { engine, call } = opened
  const ids: string[] = []
  for (let i = 0; i < 8; i += 1) ids.push(await put(opened, `x${i}`, 3900 - i))
  for (const id of ids) await removeAsset(engine, call, id, { hard: true })
  await collect(opened, () => {})
}

async function play(root: string): Promise<void> {
  const dir = join(root, 'data')
  const clock = new FakeClock()
  const states: string[] = []
  const marks = openSync(join(root, 'marks'), 'w')
  for (const [at, day] of sessions.entries()) {
    await using opened = await openEngineOn({
      disk: nodeDisk,
      ...{ dir, catalogDir: dir, clock, seed: at + 1, writerThreads: 1 },
      onCommit: async store => {
        states.push(await stateOf(store))
        writeSync(marks, '.')
      },
    })
    if (at === 0) {
      states.push(await stateOf(opened.store))
      await day.prepare?.(opened)
    }
    await day.run(opened, () => {})
  }
  closeSync(marks)
  writeFileSync(join(root, 'states'), JSON.stringify(states))
}

const [root] = process.argv.slice(2)
if (process.argv[1] === import.meta.filename && root !== undefined) await play(root)
