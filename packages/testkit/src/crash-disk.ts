import { createHash } from 'node:crypto'
import type { Disk, DiskEntry, DiskFile, DiskSpace, DiskStat } from '@holdfast/core/ports/disk.ts'
import { asStream, type ChangeStep, CrashFile, type HandleHost } from './crash/crash-handles.ts'
import { crashedTree } from './crash/crashed-tree.ts'
import { DirNode, type DirOrder, type EntryChange } from './crash/dir-node.ts'
import { checkReplaceable, DirTree, split } from './crash/dir-tree.ts'
import {
  DiskError,
  DiskFault,
  type DiskLook,
  type DiskOperation,
  type FaultOptions,
  PowerCut,
} from './crash/disk-faults.ts'
import { FileNode } from './crash/file-node.ts'
import { type MoodName, moodOf, randomMood } from './crash/mood.ts'
import { SeededRandom } from './seeded-random.ts'

export interface CrashDiskOptions {
  /** `linux`: syncing a new file also keeps its name. `strict`: only `syncDir` keeps names. */
  readonly flavour?: 'strict' | 'linux'
  /**
   * What survives of unsynced directory operations: any subset, any prefix per directory, or a
   * prefix of all of them in one order, as a journaling file system gives.
   */
  readonly order?: DirOrder
  /** Unwritten blocks of grown files may hold foreign bytes after a cut (`data=writeback`). */
  readonly garbage?: boolean
  /** The number of the changing call that the power cut hits, from 1. */
  readonly cutAt?: number
  /** Whether that call still takes effect, unsynced like any other. Default `before`. */
  readonly cut?: 'before' | 'after'
  /** Bytes that all files together may have. Holes count as if written. */
  readonly capacityBytes?: number
  readonly now?: () => number
  /** Told before each changing call: the moment for `crashed` without ending the run. */
  readonly before?: (n: number) => void
}

export interface LoggedOperation {
  readonly n: number
  readonly operation: DiskOperation
  readonly path: string
}

/**
 * A disk in memory that knows what it would still hold after a power cut. It answers like a real
 * one until the cut; `crashed` then gives one of the disks that the next start may find.
 */
export class CrashDisk implements Disk {
  /** Changing calls so far. */
  ops = 0
  readonly log: LoggedOperation[] = []
  readonly #options: CrashDiskOptions
  #tree = new DirTree()
  #dead = false
  #time = 0
  #faults: DiskFault[] = []
  readonly #locks = new Set<string>()
  readonly #homes = new Map<FileNode, DirNode>()
  readonly #host: HandleHost = {
    change: (operation, path, step) => this.#change(operation, path, step),
    look: (look, path, act) => this.#look(look, path, act),
    room: bytes => this.#room(bytes),
    fileSynced: file => this.#fileSynced(file),
    isAt: (path, file) => this.#tree.find(path) === file,
    closed: file => this.#tree.closed(file),
    now: () => this.#now(),
    time: () => this.#time,
    tornShare: () => this.#tornShare(),
  }

  constructor(options: CrashDiskOptions = {}) {
    this.#options = options
  }

  /** True after the cut. */
  get dead(): boolean {
    return this.#dead
  }

  /** The call that fails, counted from now; look at `fired` of the result. */
  failAt(at: number, code: string, options: FaultOptions = {}): DiskFault {
    const fault = new DiskFault(at, code, options)
    this.#faults.push(fault)
    return fault
  }

  healFaults(): void {
    this.#faults = []
  }

  cutNow(): void {
    this.#dead = true
  }

  /** One legal disk after a cut at this moment: fresh, everything on it durable. */
  crashed(random: SeededRandom, name?: MoodName): CrashDisk {
    const moods = { garbage: this.#options.garbage ?? false, now: this.#time }
    const mood = name === undefined ? randomMood(moods, random) : moodOf(name, moods, random)
    const { cutAt, cut, before, ...options } = this.#options
    const disk = new CrashDisk(options)
    const order = options.order ?? 'subset'
    disk.#tree = crashedTree(this.#tree, { random, mood, order, lastSerial: this.#time })
    return disk
  }

  /** Another disk with the same files, all of them durable. */
  copy(options: CrashDiskOptions): CrashDisk {
    const disk = new CrashDisk(options)
    disk.#tree = this.crashed(new SeededRandom(1), 'keep').#tree
    return disk
  }

  /**
   * The same machine after the process died: nothing was lost, nothing was synced either, and
   * handles and locks are gone.
   */
  restarted(options: Pick<CrashDiskOptions, 'cutAt' | 'cut'> = {}): CrashDisk {
    this.#dead = true
    const { cutAt, cut, before, ...kept } = this.#options
    const disk = new CrashDisk({ ...kept, ...options })
    disk.#tree = this.#tree
    disk.#time = this.#time
    for (const [file, home] of this.#homes) disk.#homes.set(file, home)
    return disk
  }

  makeDir(path: string): boolean {
    const act = () => {
      const { dir, name } = this.#tree.locate(path)
      if (dir.now.has(name)) return false
      const made = new DirNode()
      made.modifiedMs = this.#now()
      this.#tree.parents.set(made, dir)
      this.#apply(dir, [[name, made]])
      return true
    }
    return this.#change('makeDir', path, { act })
  }

  open(path: string, mode: 'create' | 'edit' | 'read'): DiskFile {
    if (mode === 'create') return this.#change('create', path, { act: () => this.#create(path) })
    return this.#look('open', path, () => {
      const file = this.#tree.file(path, 'open')
      return new CrashFile(this.#host, file, { path, writable: mode === 'edit' })
    })
  }

  link(from: string, to: string): boolean {
    const act = () => {
      const file = this.#tree.file(from, 'link')
      const { dir, name } = this.#tree.locate(to)
      if (dir.now.has(name)) return false
      file.links += 1
      this.#apply(dir, [[name, file]])
      return true
    }
    return this.#change('link', to, { act })
  }

  rename(from: string, to: string): void {
    const act = () => {
      const source = this.#tree.locate(from)
      const target = this.#tree.locate(to)
      const node = source.dir.now.get(source.name)
      if (node === undefined) throw new DiskError('ENOENT', 'rename', from)
      const replaced = target.dir.now.get(target.name)
      // POSIX: two names of one file, and nothing happens.
      if (replaced === node) return
      if (replaced !== undefined) checkReplaceable(node, replaced, to)
      if (source.dir === target.dir) {
        this.#apply(source.dir, [
          [source.name, undefined],
          [target.name, node],
        ])
      } else {
        const serial = this.#apply(target.dir, [[target.name, node]])
        source.dir.apply([[source.name, undefined]], serial)
        if (node.kind === 'dir') this.#tree.parents.set(node, target.dir)
      }
      if (replaced?.kind === 'file') this.#tree.dropped(replaced)
    }
    this.#change('rename', to, { act })
  }

  remove(path: string): boolean {
    const act = () => {
      const { dir, name } = this.#tree.locate(path)
      const node = dir.now.get(name)
      if (node === undefined) return false
      if (node.kind === 'dir') throw new DiskError('EISDIR', 'remove', path)
      this.#apply(dir, [[name, undefined]])
      this.#tree.dropped(node)
      return true
    }
    return this.#change('remove', path, { act })
  }

  list(path: string): DiskEntry[] {
    return this.#look('list', path, () => {
      const entries = [...this.#tree.dir(path).now].map(([name, { kind }]) => ({ name, kind }))
      // Directories have no order; a fixed strange one shows who relies on one.
      return entries.sort((a, b) => scramble(a.name) - scramble(b.name))
    })
  }

  stat(path: string): DiskStat | undefined {
    return this.#look('stat', path, () => {
      const node = this.#tree.find(path)
      if (node === undefined) return undefined
      const size = node.kind === 'file' ? node.sizeBytes : 0
      return { kind: node.kind, size, modifiedMs: node.modifiedMs }
    })
  }

  syncDir(path: string): void {
    this.#change('syncDir', path, {
      act: () => {
        const dir = this.#tree.dir(path)
        if (this.#options.order === 'journal') this.#commitJournal(this.#time)
        else dir.sync()
      },
      fail: () => this.#tree.dir(path).syncFailed(),
    })
  }

  /** All are begun, the last one first: nobody may rely on an order, nor on those after a failure. */
  async syncDirs(paths: readonly string[]): Promise<void> {
    const all = await Promise.allSettled(paths.toReversed().map(async path => this.syncDir(path)))
    for (const one of all) if (one.status === 'rejected') throw one.reason
  }

  space(path: string): DiskSpace {
    return this.#look('space', path, () => {
      const totalBytes = this.#options.capacityBytes ?? 2 ** 40
      return { totalBytes, freeBytes: Math.max(0, totalBytes - this.#tree.usedBytes()) }
    })
  }

  lock(path: string): (() => void) | undefined {
    return this.#look('lock', path, () => {
      const name = split(path).join('/')
      if (this.#locks.has(name)) return undefined
      this.#locks.add(name)
      return () => {
        this.#locks.delete(name)
      }
    })
  }

  async openAsync(path: string, mode: 'create' | 'read') {
    await undefined
    return asStream(this.open(path, mode))
  }

  /** Every file by path, for tests that look at the disk itself. */
  files(): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>()
    for (const [path, node] of this.#tree.walk()) {
      if (node.kind === 'dir') continue
      const bytes = new Uint8Array(node.sizeBytes)
      node.read(bytes, 0)
      found.set(path, bytes)
    }
    return found
  }

  /** The same for disks with the same names and bytes. */
  digest(): string {
    const sum = createHash('sha1')
    for (const [path, node] of [...this.#tree.walk()].sort(([a], [b]) => (a < b ? -1 : 1))) {
      sum.update(`${path} ${node.kind === 'file' ? node.sizeBytes : 'dir'}\n`)
      if (node.kind === 'dir') continue
      const bytes = new Uint8Array(node.sizeBytes)
      node.read(bytes, 0)
      sum.update(bytes)
    }
    return sum.digest('hex')
  }

  /** Makes everything durable, as an orderly unmount does. */
  settle(): void {
    for (const [, node] of this.#tree.walk()) node.settle()
    this.#tree.root.settle()
  }

  #change<T>(operation: DiskOperation, path: string, step: ChangeStep<T>): T {
    if (this.#dead) throw new PowerCut(`${operation} '${path}'`)
    this.#options.before?.(this.ops + 1)
    this.ops += 1
    this.#time += 1
    this.log.push({ n: this.ops, operation, path })
    const cut = this.ops === this.#options.cutAt
    if (cut) this.#dead = true
    if (cut && this.#options.cut !== 'after') throw new PowerCut(`before ${operation} '${path}'`)
    for (const fault of this.#faults) {
      if (!fault.hits(operation, true)) continue
      step.fail?.()
      throw new DiskError(fault.code, operation, path)
    }
    const result = step.act()
    if (cut) throw new PowerCut(`after ${operation} '${path}'`)
    return result
  }

  #look<T>(look: DiskLook, path: string, act: () => T): T {
    if (this.#dead) throw new PowerCut(`${look} '${path}'`)
    for (const fault of this.#faults) {
      if (fault.hits(look, false)) throw new DiskError(fault.code, look, path)
    }
    return act()
  }

  #create(path: string): DiskFile {
    const { dir, name } = this.#tree.locate(path)
    if (dir.now.has(name)) throw new DiskError('EEXIST', 'open', path)
    const file = new FileNode()
    file.links = 1
    file.modifiedMs = this.#now()
    this.#homes.set(file, dir)
    this.#apply(dir, [[name, file]])
    return new CrashFile(this.#host, file, { path, writable: true })
  }

  #apply(dir: DirNode, changes: readonly EntryChange[]): number {
    dir.apply(changes, this.#time)
    dir.modifiedMs = this.#now()
    return this.#time
  }

  #fileSynced(file: FileNode): void {
    if (this.#options.flavour !== 'linux') return
    const home = this.#homes.get(file)
    const serial = home?.serialOf(file)
    if (home === undefined || serial === undefined) return
    if (this.#options.order === 'journal') {
      this.#commitJournal(serial)
      return
    }
    home.sync(serial)
    for (let dir = home; ; ) {
      const parent = this.#tree.parents.get(dir)
      if (parent === undefined) return
      parent.sync(parent.serialOf(dir) ?? 0)
      dir = parent
    }
  }

  #commitJournal(lastSerial: number): void {
    this.#tree.root.sync(lastSerial)
    for (const dir of this.#tree.parents.keys()) dir.sync(lastSerial)
  }

  #room(bytes: number): number {
    const { capacityBytes } = this.#options
    if (capacityBytes === undefined || bytes === 0) return bytes
    return Math.max(0, Math.min(bytes, capacityBytes - this.#tree.usedBytes()))
  }

  /** A failing write may have reached nothing, some or all of its range (D3). */
  #tornShare(): number {
    const random = new SeededRandom(this.ops)
    return random.pick([0, random.fraction(), random.fraction(), 1, 1])
  }

  #now(): number {
    return this.#options.now?.() ?? 0
  }
}

function scramble(name: string): number {
  let hash = 7
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash
}
