import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@holdfast/drivers/disk/node-disk.ts'
import { CrashDisk, type CrashDiskOptions } from '@holdfast/testkit/crash-disk.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { checkWhole, openEngineOn, stateOf } from '../crash-disk/engine-lab.ts'
import { scratchRoot } from '../crash-disk/store-lab.ts'
import { CallReplay, layOut } from './replay-calls.ts'
import { type TracedCall, traceCalls } from './traced-calls.ts'

export interface Recording {
  /** What the process did, the marks of its answers among them. */
  readonly calls: readonly TracedCall[]
  readonly root: string
  /** All records after each commit that was acknowledged. */
  readonly states: readonly string[]
  /** Files as they were at the end. */
  readonly files: ReadonlyMap<string, Buffer>
}

export interface RecordingTally {
  states: number
  acknowledged: number
}

export interface RecordingSweep {
  readonly random: SeededRandom
  readonly disk: CrashDiskOptions
  /** The power goes before one of so many calls, and before each that follows the end of a pack. */
  readonly oneOf: number
  /** A directory for the disk that was not as it has to be. */
  readonly keptIn?: string
}

/** Calls after a pack went, in which a catalog that may still need it would be made durable. */
const removalCalls = 6
const thoroughOneOf = 7
const script = join(import.meta.dirname, 'recorded-day.ts')

/** Plays the recorded day once, under strace. */
export function recordDay(): Recording {
  const scratch = mkdtempSync(join(scratchRoot(), 'holdfast-recorded-'))
  const root = join(scratch, 'root')
  mkdirSync(root)
  try {
    const calls = traceCalls(root, { outFile: join(scratch, 'calls'), args: [script, root] })
    const states: string[] = JSON.parse(readFileSync(join(root, 'states'), 'utf8'))
    return { calls, root, states, files: filesOf(root) }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function filesOf(root: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found.set(path.slice(root.length), readFileSync(path))
  }
  return found
}

/**
 * The power goes before calls of a real process: of SQLite as it writes, checkpoints and syncs its
 * files, of writer threads past the page cache, and of the store. Nothing is put beside the packs
 * that a cut did not leave there: a catalog is as old as its own syncs let it be.
 */
export async function sweepRecording(
  recording: Recording,
  sweep: RecordingSweep,
): Promise<RecordingTally> {
  const { calls, root, states } = recording
  const replay = new CallReplay(new CrashDisk(sweep.disk), root)
  const tally: RecordingTally = { states: 0, acknowledged: 0 }
  let sinceRemoval = Number.POSITIVE_INFINITY
  for (const [n, call] of calls.entries()) {
    const path = replay.pathOf(call.path)
    if (path === '/marks' && call.kind === 'write') tally.acknowledged += 1
    if (isOutside(path)) continue
    const random = sweep.random.fork(n)
    const drawn = isDrawn(call, path, { random, oneOf: sweep.oneOf }) ? 1 : 0
    const disks = sinceRemoval < removalCalls ? 3 : drawn
    for (let i = 0; i < disks; i += 1) {
      const { acknowledged } = tally
      const thorough = tally.states % thoroughOneOf === 0
      const disk = replay.disk.crashed(random.fork(i))
      try {
        await checkDisk(disk, { states, acknowledged, thorough })
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error)
        const kept = keep(disk, sweep.keptIn)
        const told = `call ${n}, disk ${i}: ${text}${kept}\n${callsBefore(calls, n, root)}`
        throw new Error(told, { cause: error })
      }
      tally.states += 1
    }
    replay.apply(call)
    sinceRemoval = call.kind === 'remove' && path.startsWith('/data/packs/') ? 0 : sinceRemoval + 1
  }
  checkUnderstood(replay.disk, recording)
  return tally
}

/** The disk as the cut left it, for somebody to open again: the same draw may not come twice. */
function keep(disk: CrashDisk, into: string | undefined): string {
  if (into === undefined) return ''
  const dir = mkdtempSync(join(into, 'cut-'))
  layOut(disk, dir)
  return `\n  this disk: ${dir}`
}

/** Not of the store, or memory that processes share and SQLite makes again. */
function isOutside(path: string): boolean {
  return path === '/marks' || path === '/states' || path.endsWith('-shm')
}

/** Of writes to the catalog, which are many and alike, a tenth. */
function isDrawn(
  { kind }: TracedCall,
  path: string,
  { random, oneOf }: { readonly random: SeededRandom; readonly oneOf: number },
): boolean {
  const alike = kind === 'write' && path.startsWith('/data/catalog.db')
  return random.below(alike ? oneOf * 10 : oneOf) === 0
}

/** All files are what the calls made them: nothing was written in a way that nobody saw. */
function checkUnderstood(disk: CrashDisk, { files }: Recording): void {
  const replayed = disk.files()
  for (const [path, bytes] of files) {
    if (isOutside(path)) continue
    if (Buffer.compare(bytes, replayed.get(path) ?? Buffer.from('absent')) !== 0) {
      throw new RangeError(`${path} is not what the recorded calls made of it`)
    }
  }
}

interface Expected {
  readonly states: readonly string[]
  readonly acknowledged: number
  /** Every byte is hashed, and the catalog made again from the packs says the same. */
  readonly thorough: boolean
}

async function checkDisk(disk: CrashDisk, expected: Expected): Promise<void> {
  const { states, acknowledged, thorough } = expected
  const root = mkdtempSync(join(scratchRoot(), 'holdfast-cut-'))
  try {
    layOut(disk, root)
    const found = await openAndCheck(join(root, 'data'), thorough)
    const at = states.indexOf(found, acknowledged)
    if (at !== acknowledged && at !== acknowledged + 1) {
      const was = states.indexOf(found)
      const is = was >= 0 ? `as after commit ${was}` : `in no state it ever had:\n${found}`
      throw new Error(`after commit ${acknowledged} was acknowledged, the store is ${is}`)
    }
    const again = await openAndCheck(join(root, 'data'), false)
    if (again !== found) throw new Error(`opened again, it differs:\n${found}\n${again}`)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

async function openAndCheck(dir: string, thorough: boolean): Promise<string> {
  const clock = new FakeClock()
  await using opened = await openEngineOn({ disk: nodeDisk, dir, catalogDir: dir, clock, seed: 9 })
  const leftover = readdirSync(join(dir, 'tmp'))
  if (leftover.length > 0) throw new Error(`left over: ${leftover.join(', ')}`)
  await checkWhole(opened, thorough)
  return await stateOf(opened.store)
}

function callsBefore(calls: readonly TracedCall[], n: number, root: string): string {
  return calls
    .slice(Math.max(0, n - 12), n + 2)
    .map(call => `  ${call === calls[n] ? '>' : ' '} ${call.kind} ${call.path.slice(root.length)}`)
    .join('\n')
}
