import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@holdfast/drivers/open.ts'
import { type DiskMutant, mutantDisk } from '@holdfast/testkit/crash/mutant-disks.ts'
import type { CrashDiskOptions } from '@holdfast/testkit/crash-disk.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { runSeed, SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import type { CatalogCopy, CrashLab, Draw } from '@holdfast/testkit/store/crash-runs.ts'
import { packedBytesMax } from '@holdfast/testkit/store/workloads.ts'
import { transactions } from '@holdfast/testkit/test-transactions.ts'

/** Real stores on crash disks. The catalog is on a real disk: it can always be made again. */
export interface StoreLab extends CrashLab, Disposable {
  /** From now on stores are opened on a disk that forgets a duty. */
  mutant: DiskMutant | undefined
}

export const strict: CrashDiskOptions = { flavour: 'strict', order: 'subset', garbage: true }
export const journaling: CrashDiskOptions = { flavour: 'linux', order: 'journal' }

export const seed = runSeed()

/** HOLDFAST_CRASH_EFFORT multiplies what is tried, for a long run. */
export const effort = Number(process.env.HOLDFAST_CRASH_EFFORT ?? 1)

export const day = Math.floor(Date.now() / 86_400_000)

/**
 * One in two of so many cases, the others the next day; all with effort. T03 and T05 play the same
 * workloads, with other disks and at other calls.
 */
export function isOfToday(at: number): boolean {
  return effort > 1 || (at + day) % 2 === 0
}

export function draw(disksPerCut: number): Draw {
  return { random: new SeededRandom(seed), disksPerCut: Math.ceil(disksPerCut * effort) }
}

export function newLab(): StoreLab {
  const scratch = mkdtempSync(join(scratchRoot(), 'holdfast-crash-'))
  const paths = new Map<CatalogCopy, string>()
  let made = 0
  const place = (from?: string): CatalogCopy => {
    made += 1
    const dir = join(scratch, `catalog-${made}`)
    if (from === undefined) mkdirSync(dir)
    else cpSync(from, dir, { recursive: true })
    const catalog: CatalogCopy = {
      copy: () => place(dir),
      digest: () => catalogDigest(dir),
      drop: () => rmSync(dir, { recursive: true, force: true }),
    }
    paths.set(catalog, join(dir, 'catalog.db'))
    return catalog
  }
  return {
    mutant: undefined,
    async open(disk, catalog) {
      const catalogPath = paths.get(catalog)
      if (catalogPath === undefined) throw new RangeError('a catalog of another lab')
      return await openStore({
        dir: '/data',
        disk: this.mutant === undefined ? disk : mutantDisk(disk, this.mutant),
        catalogPath,
        transactions,
        clock: new FakeClock(),
        random: new SeededRandom(made),
        packedBlobBytesMax: packedBytesMax,
        reservedBytes: 0,
        packBytesMax: 24_000,
        // Some batches are long enough to go without zeros laid out for them.
        layOutBytes: 16_384,
      })
    },
    fresh: () => place(),
    leftovers: disk => disk.list('/data/tmp').map(({ name }) => name),
    [Symbol.dispose]: () => rmSync(scratch, { recursive: true, force: true }),
  }
}

/** Of a catalog on a real disk, but for the memory that SQLite makes again. */
export function catalogDigest(dir: string): string {
  const sum = createHash('sha1')
  for (const name of readdirSync(dir).sort()) {
    if (name.endsWith('-shm')) continue
    sum.update(`${name}\n`).update(readFileSync(join(dir, name)))
  }
  return sum.digest('hex')
}

/**
 * Thousands of short-lived catalogs whose own durability is not the question: in memory they cost
 * a third (40 s instead of 120 s for the kills).
 */
export function scratchRoot(): string {
  const memory = '/dev/shm'
  if (!existsSync(memory)) return tmpdir()
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize > 256 * 1024 * 1024 ? memory : tmpdir()
}
