// Looks for a planted bug with the checks that pass on honest sources: `node hunt.ts HUNT…` ends
// with 1 and tells what it found, or with 0 when all hunts held. Runs in a copy of the checkout.

import { listAssets } from '@holdfast/engine/assets/list.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { bodySource } from '@holdfast/testkit/self-describing-bodies.ts'
import { prepare } from '@holdfast/testkit/store/crash-runs.ts'
import { sweepCuts } from '@holdfast/testkit/store/cut-runs.ts'
import { sweepFaults, sweepKillThenCut } from '@holdfast/testkit/store/fault-runs.ts'
import { workloads } from '@holdfast/testkit/store/workloads.ts'
import { engineDays } from '../crash-disk/engine-days.ts'
import { CatalogPlaces, type OpenedEngine, openEngineOn } from '../crash-disk/engine-lab.ts'
import { newLab, strict } from '../crash-disk/store-lab.ts'
import { sweepDay } from '../crash-disk/sweep-days.ts'
import { huntAttack } from './attack-hunts.ts'

const draw = { random: new SeededRandom(7), disksPerCut: 4 }

async function hunt(text: string): Promise<void> {
  const [kind = '', name = ''] = text.split(/:(.*)/)
  if (kind === 'attack') return await huntAttack(name)
  if (kind === 'day') return await huntDay(name)
  if (kind === 'grace') return await inEngine(keepsDeadForAWhile)
  if (kind === 'pages') return await inEngine(listsEachKeyOnce)
  using lab = newLab()
  const workload = workloads[kind === 'first-start' ? 'a first put' : name]
  if (workload === undefined) throw new RangeError(`no workload ${name}`)
  if (kind === 'first-start') {
    await sweepCuts(lab, { workload, disk: strict }, { ...draw, disksPerCut: 12 })
    return
  }
  const crash = { workload, disk: strict, prepared: await prepare(lab, strict) }
  if (kind === 'replay') await sweepCuts(lab, crash, draw)
  else if (kind === 'kill-then-cut') await sweepKillThenCut(lab, crash, draw)
  else if (kind === 'faults') await sweepFaults(lab, crash, { ...draw, kind: enospc })
  else throw new RangeError(`no hunt ${kind}`)
}

const enospc = { code: 'ENOSPC', options: {} }

async function huntDay(name: string): Promise<void> {
  const day = engineDays[name]
  if (day === undefined) throw new RangeError(`no day ${name}`)
  await sweepDay(day, { ...draw, disk: strict })
}

async function inEngine(check: (opened: OpenedEngine) => Promise<void>): Promise<void> {
  using places = new CatalogPlaces()
  const disk = new CrashDisk(strict)
  await using opened = await openEngineOn({ disk, catalogDir: places.fresh() })
  await createBucket(opened.engine, opened.call, { name: 'hunt' })
  await check(opened)
}

async function put({ engine, call }: OpenedEngine, key: string, body: number): Promise<string> {
  const ownerId = '00000000-0000-4000-8000-000000000000'
  const fields = { bucket: 'hunt', key, service: 'torture', ownerId, mode: 'replace' } as const
  return (await putAsset(engine, call, { ...fields, source: bodySource(body, 400) })).asset.id
}

/** What nobody refers to any more stays for its grace period, then goes. */
async function keepsDeadForAWhile(opened: OpenedEngine): Promise<void> {
  const { engine, call, clock } = opened
  await removeAsset(engine, call, await put(opened, 'a', 1), { hard: true })
  await clock.advance(60 * 60 * 1000)
  const early = await collectGarbage(engine)
  if (early.blobs !== 0) throw new Error('a blob was collected an hour after its last reference')
  await clock.advance(24 * 60 * 60 * 1000)
  const late = await collectGarbage(engine)
  if (late.blobs !== 1) throw new Error('a blob outlived its grace period')
}

async function listsEachKeyOnce(opened: OpenedEngine): Promise<void> {
  const { engine, call } = opened
  for (let i = 0; i < 9; i += 1) await put(opened, `k${i}`, i)
  for (const limit of [1, 2, 7, 1000]) {
    const keys: string[] = []
    let cursor: string | undefined
    do {
      const query = { bucket: 'hunt', order: 'key', limit, cursor } as const
      const page = await listAssets(engine, call, query)
      keys.push(...page.items.map(({ key }) => key))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    if (keys.join() !== 'k0,k1,k2,k3,k4,k5,k6,k7,k8') throw new Error(`pages of ${limit}: ${keys}`)
  }
}

for (const text of process.argv.slice(2)) {
  try {
    await hunt(text)
  } catch (error) {
    console.log(`${text}: ${error instanceof Error ? error.message : error}`)
    process.exit(1)
  }
}
