import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const largestBytes = 4 * 1024 * 1024
const smallestBytes = 512
const full = Symbol('full')

/** Takes the last byte or the last inode of a file system, until it is let go. */
export class DiskFiller implements Disposable {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = join(dir, 'filler')
  }

  /** Writes until nothing fits any more, not even a sector. Answers the bytes taken. */
  takeBytes(): number {
    mkdirSync(this.#dir, { recursive: true })
    const file = openSync(join(this.#dir, 'bytes'), 'a')
    let taken = 0
    try {
      for (let size = largestBytes; size >= smallestBytes; ) {
        const wrote = tryFull(() => writeSync(file, Buffer.alloc(size, 0xff)))
        if (wrote === full) size /= 2
        else taken += wrote
      }
    } finally {
      closeSync(file)
    }
    return taken
  }

  /** Makes files until no more can be made. Answers how many. */
  takeInodes(): number {
    mkdirSync(this.#dir, { recursive: true })
    let made = 0
    while (tryFull(() => writeFileSync(join(this.#dir, `inode-${made}`), '')) !== full) made += 1
    return made
  }

  free(): void {
    rmSync(this.#dir, { recursive: true, force: true })
  }

  [Symbol.dispose](): void {
    this.free()
  }
}

function tryFull<T>(act: () => T): T | typeof full {
  try {
    return act()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return full
    throw error
  }
}
