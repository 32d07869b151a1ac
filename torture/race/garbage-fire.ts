import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { openStore } from '@holdfast/drivers/open.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { getAssetByKey, openContent } from '@holdfast/engine/assets/get.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { type Engine, ensureBuckets, openEngine, systemCall } from '@holdfast/engine/engine.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import { verifyStore } from '@holdfast/engine/integrity/verify.ts'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { bodyProblem, bodySource } from '@holdfast/testkit/self-describing-bodies.ts'
import { lasting } from '../runner/lasting.ts'
import type { Run } from '../runner/program.ts'

const workers = 24
/** Contents that all workers put again and again; every third is a file of its own. */
const contents = 30
/** A hundred packs: against them the one or two that are left count little. */
const writtenMin = 100 * 1024 * 1024
const packBytesMax = 1024 * 1024
const layOutBytes = 64 * 1024
const call = systemCall('fire')
const ownerId = '0199d0c0-0000-7000-8000-000000000001'

interface Fire {
  readonly run: Run
  readonly engine: Engine
  readonly goesOn: () => boolean
  written: number
}

/**
 * Garbage collection without any grace, under parallel uploads of the same few contents, deletes,
 * compaction and verification: no live blob may go, and the space of dead ones must come back.
 */
export async function garbageFire(run: Run, seconds: number): Promise<void> {
  const dir = join(run.scratch, 'fire')
  const store = await openStore({
    dir,
    transactionsUrl: import.meta.resolve('@holdfast/engine/transactions.ts'),
    reservedBytes: 0,
    cacheBytes: 0,
    packBytesMax,
    layOutBytes,
  })
  try {
    const engine = openEngine({
      catalog: store.catalog,
      element: store.element,
      clock: systemClock,
      random: cryptoRandom,
      limits: { graceMs: 0 },
    })
    await ensureBuckets(engine, ['fire'])
    const goesOn = lasting(run, seconds, () => fire.written > writtenMin)
    const fire: Fire = { run, engine, goesOn, written: 0 }
    const working = Array.from({ length: workers }, (_, n) => work(fire, n))
    await Promise.all(
      [...working, repeat(fire, 20, collect), repeat(fire, 50, compact)].concat(
        repeat(fire, 300, verify),
      ),
    )
    await verify(fire)
    await checkSpace(fire, dir)
  } finally {
    await store.close()
  }
}

async function repeat(fire: Fire, pauseMs: number, act: (fire: Fire) => Promise<void>) {
  while (fire.goesOn()) {
    await act(fire)
    await sleep(pauseMs)
  }
}

async function work(fire: Fire, worker: number): Promise<void> {
  const random = fire.run.random.fork(1000 + worker)
  const held = new Map<string, string>()
  while (fire.goesOn()) {
    const key = `${worker}-${random.below(3)}`
    const id = held.get(key)
    if (id === undefined || random.chance(0.3)) held.set(key, await putOne(fire, key, random))
    else if (random.chance(0.5)) await checkOne(fire, key)
    else {
      await removeAsset(fire.engine, call, id, { hard: true })
      held.delete(key)
      fire.run.count('fire deletes')
    }
  }
  for (const key of held.keys()) await checkOne(fire, key)
  for (const id of held.values()) await removeAsset(fire.engine, call, id, { hard: true })
}

function sizeOf(content: number): number {
  return content % 3 === 0 ? 270_000 + content : 100 + 1500 * content
}

async function putOne(fire: Fire, key: string, random: SeededRandom): Promise<string> {
  const content = 1 + random.below(contents)
  const size = sizeOf(content)
  const { asset } = await putAsset(fire.engine, call, {
    bucket: 'fire',
    key,
    mode: 'replace',
    service: 'torture',
    ownerId,
    metadata: { content },
    source: bodySource(content, size),
  })
  fire.written += size
  fire.run.count('fire puts')
  return asset.id
}

async function checkOne({ run, engine }: Fire, key: string): Promise<void> {
  const asset = await getAssetByKey(engine, call, 'fire', key)
  const read = await (await openContent(engine, call, { asset })).read()
  const chunks: Uint8Array[] = []
  for await (const chunk of read.chunks ?? [read.bytes]) chunks.push(Uint8Array.from(chunk))
  const operation = Number(asset.metadata.content)
  const problem = bodyProblem(Buffer.concat(chunks), { operation, length: sizeOf(operation) })
  if (problem === undefined) run.pass()
  else run.fail(`${key}: ${problem}`)
}

async function collect({ run, engine }: Fire): Promise<void> {
  const { blobs, stopped } = await collectGarbage(engine)
  if (stopped !== null) run.fail(`collection stopped: ${stopped}`)
  run.count('collections')
  run.count('blobs freed', blobs)
}

async function compact({ run, engine }: Fire): Promise<void> {
  run.count('bytes given back', (await engine.element.reclaim?.()) ?? 0)
}

async function verify({ run, engine }: Fire): Promise<void> {
  const { missing, damaged } = await verifyStore(engine)
  for (const { sha256, location, problem } of [...missing, ...damaged]) {
    run.fail(`verification: ${sha256} at ${location}: ${problem}`)
  }
  run.count('verifications')
}

/** Everything was deleted: blobs and files are gone, and packs hold little but change lines. */
async function checkSpace(fire: Fire, dir: string): Promise<void> {
  const { run, engine, written } = fire
  await sleep(5)
  for (let round = 0; round < 10; round += 1) {
    await collect(fire)
    await compact(fire)
  }
  const totals = await engine.catalog.view.blobs.totals()
  if (totals.blobs !== 0)
    run.fail(`${totals.blobs} blobs are left, ${totals.deadBlobs} of them dead`)
  const left = bytesBelow(join(dir, 'blobs')) + bytesBelow(join(dir, 'packs'))
  const packs = readdirSync(join(dir, 'packs')).length
  run.figure('fire MB written', written / 1e6)
  run.figure('fire MB left', left / 1e6)
  if (written < 20 * left) run.fail(`${left} of ${written} bytes are left, in ${packs} packs`)
  else run.pass()
}

function bytesBelow(dir: string): number {
  let bytes = 0
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size
  }
  return bytes
}
