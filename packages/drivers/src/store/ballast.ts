import type { Disk } from '@holdfast/core/ports/disk.ts'
import { BALLAST } from '../element/disk/layout.ts'

const CHUNK = 1024 * 1024
/** With less than this free, recovery might find no room. */
const SCARCE_BYTES = 16 * 1024 * 1024

/**
 * Space held back so that deletes, collection and the catalog still work on a full disk: a file of
 * zeros that is given up when a commit finds no room, and laid again when there is.
 */
export class Ballast {
  readonly #disk: Disk
  readonly #dir: string
  readonly #bytes: number
  #held = false

  constructor(disk: Disk, dir: string, bytes: number) {
    this.#disk = disk
    this.#dir = dir
    this.#bytes = bytes
  }

  get held(): boolean {
    return this.#held
  }

  /** Lays the ballast if there is ample room. Called at start and from time to time. */
  lay(): void {
    const path = `${this.#dir}/${BALLAST}`
    const known = this.#disk.stat(path)
    if (known !== undefined && this.#bytes > 0 && known.size >= this.#bytes) {
      this.#held = true
      return
    }
    this.#disk.remove(path)
    this.#held = false
    if (this.#bytes === 0 || this.#disk.space(this.#dir).freeBytes < this.#bytes * 3) return
    const file = this.#disk.open(path, 'create')
    try {
      const zeros = Buffer.alloc(Math.min(CHUNK, this.#bytes))
      for (let at = 0; at < this.#bytes; at += zeros.length) {
        file.write(zeros.subarray(0, Math.min(zeros.length, this.#bytes - at)), at)
      }
      this.#held = true
    } finally {
      file.close()
      if (!this.#held) this.#disk.remove(path)
    }
  }

  /** Before anything is open: recovery needs room, too. */
  static makeRoom(disk: Disk, dir: string): void {
    if (disk.space(dir).freeBytes < SCARCE_BYTES) disk.remove(`${dir}/${BALLAST}`)
  }

  /** True when there was something to give up. */
  release(): boolean {
    if (!this.#held) return false
    this.#held = false
    return this.#disk.remove(`${this.#dir}/${BALLAST}`)
  }
}
