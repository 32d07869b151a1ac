import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import { FatalStoreError } from '../../disk/disk-errors.ts'
import { BLOBS, blobDir, blobPath, isSha256, QUARANTINE, TEMP } from './layout.ts'

/**
 * Blobs in files of their own. Linking and unlinking happen only in the committer, one batch after
 * the other, so that no collection can race with a put of the same bytes.
 */
export class BlobFiles {
  readonly #disk: Disk
  readonly #dir: string
  /** Directories whose entry in their parent this process has synced. */
  readonly #anchored = new Set<string>()
  /** Directories with names of this batch, each after the one it lies in. */
  readonly #dirty = new Set<string>()
  /** Those of them that count as anchored once all are synced. */
  readonly #unanchored = new Set<string>()

  constructor(disk: Disk, dir: string) {
    this.#disk = disk
    this.#dir = dir
  }

  /** Gives a synced temp file its final name. Durable after `sync`. */
  publish(
    temp: string,
    blob: { readonly sha256: string; readonly size: number; readonly replaces: boolean },
  ): void {
    const { sha256, size, replaces } = blob
    const dir = blobDir(this.#dir, sha256)
    this.#anchor(dir)
    const from = `${this.#dir}/${TEMP}/${temp}`
    const to = blobPath(this.#dir, sha256)
    if (!this.#disk.link(from, to)) {
      // Left by an upload whose commit never happened, or damaged, as staging or its size tells.
      if (replaces || this.#disk.stat(to)?.size !== size) {
        this.quarantine(sha256)
        if (!this.#disk.link(from, to)) throw new HoldfastError('STORAGE_UNAVAILABLE')
      }
    }
    this.#dirty.add(dir)
  }

  /**
   * Makes every name published since the last call durable; a failure is fatal. All at once: syncs
   * that wait together share one commit of a journaling file system and one flush of the disk.
   */
  async sync(): Promise<void> {
    const dirs = [...this.#dirty]
    try {
      if (dirs.length > 1 && this.#disk.syncDirs !== undefined) await this.#disk.syncDirs(dirs)
      else for (const dir of dirs) this.#disk.syncDir(dir)
    } catch (error) {
      throw new FatalStoreError('sync of a blob directory failed', { cause: error })
    }
    for (const dir of this.#unanchored) this.#anchored.add(dir)
    this.forget()
  }

  /** Forgets names published by a batch that was given up. They stay as orphans for the sweep. */
  forget(): void {
    this.#dirty.clear()
    this.#unanchored.clear()
  }

  sizeOf(sha256: string): number | undefined {
    return this.#disk.stat(blobPath(this.#dir, sha256))?.size
  }

  remove(sha256: string): void {
    this.#disk.remove(blobPath(this.#dir, sha256))
  }

  /** Moves damaged bytes aside, never away. */
  quarantine(sha256: string): void {
    const to = `${this.#dir}/${QUARANTINE}`
    this.#disk.makeDir(to)
    for (let n = 0; n < 1000; n += 1) {
      const name = `${to}/${sha256}.${n}`
      if (this.#disk.stat(name) !== undefined) continue
      this.#disk.rename(blobPath(this.#dir, sha256), name)
      return
    }
    throw new HoldfastError('STORAGE_UNAVAILABLE', {}, { cause: 'the quarantine is full' })
  }

  *list(): Generator<{ sha256: string; size: number; modifiedMs: number }> {
    const root = `${this.#dir}/${BLOBS}`
    for (const dir of dirsIn(this.#disk, root)) {
      const names = this.#disk.list(dir).map(entry => entry.name)
      for (const name of names.sort()) {
        const stat = isSha256(name) ? this.#disk.stat(`${dir}/${name}`) : undefined
        if (stat?.kind !== 'file') continue
        yield { sha256: name, size: stat.size, modifiedMs: stat.modifiedMs }
      }
    }
  }

  /** A directory is safe to use once its own entry is durable, even if an earlier run made it. */
  #anchor(dir: string): void {
    if (this.#anchored.has(dir)) return
    this.#disk.makeDir(dir)
    this.#dirty.add(`${this.#dir}/${BLOBS}`)
    this.#unanchored.add(dir)
  }
}

function dirsIn(disk: Disk, path: string): string[] {
  return disk
    .list(path)
    .filter(entry => entry.kind === 'dir' && /^[0-9a-f]{2}$/.test(entry.name))
    .map(entry => `${path}/${entry.name}`)
    .sort()
}
