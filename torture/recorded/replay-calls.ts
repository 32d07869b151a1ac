import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import type { TracedCall } from './traced-calls.ts'

/**
 * Plays calls of a real process onto a crash disk, which then knows what of it a power cut may
 * leave. `root` of the process is `/` of the disk.
 */
export class CallReplay {
  readonly disk: CrashDisk
  readonly #root: string
  /** Where a write without a position goes. */
  readonly #ends = new Map<string, number>()

  constructor(disk: CrashDisk, root: string) {
    this.disk = disk
    this.#root = root
  }

  apply(call: TracedCall): void {
    const { disk } = this
    const path = this.pathOf(call.path)
    switch (call.kind) {
      case 'mkdir':
        disk.makeDir(path)
        break
      case 'create':
        if (disk.stat(path) === undefined) disk.open(path, 'create').close()
        break
      case 'truncate':
        if (disk.stat(path) === undefined) disk.open(path, 'create').close()
        this.#withFile(path, file => file.truncate(call.size))
        break
      case 'write': {
        const at = call.at ?? this.#ends.get(path) ?? 0
        this.#ends.set(path, at + call.bytes.length)
        this.#withFile(path, file => file.write(call.bytes, at))
        break
      }
      case 'sync':
        if (disk.stat(path)?.kind === 'file') this.#withFile(path, file => file.sync())
        else disk.syncDir(path)
        break
      case 'link':
        disk.link(path, this.pathOf(call.to))
        break
      case 'rename':
        disk.rename(path, this.pathOf(call.to))
        break
      case 'remove':
        disk.remove(path)
        break
      default:
        throw new RangeError(`a call that the crash disk does not know: ${call.kind}`)
    }
  }

  /** Path on the disk. */
  pathOf(path: string): string {
    return path === this.#root ? '/' : path.slice(this.#root.length)
  }

  #withFile(path: string, act: (file: ReturnType<CrashDisk['open']>) => void): void {
    const file = this.disk.open(path, 'edit')
    try {
      act(file)
    } finally {
      file.close()
    }
  }
}

/** Puts what is on a crash disk into a real directory, where SQLite can open it. */
export function layOut(disk: CrashDisk, into: string, dir = ''): void {
  mkdirSync(join(into, dir), { recursive: true })
  for (const { name, kind } of disk.list(dir === '' ? '/' : dir)) {
    const path = `${dir}/${name}`
    if (kind === 'dir') layOut(disk, into, path)
  }
  if (dir !== '') return
  for (const [path, bytes] of disk.files()) {
    mkdirSync(dirname(join(into, path)), { recursive: true })
    writeFileSync(join(into, path), bytes)
  }
}
