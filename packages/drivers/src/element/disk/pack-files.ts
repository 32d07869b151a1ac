import type { Disk, DiskFile, DiskStream } from '@holdfast/core/ports/disk.ts'
import { errnoOf } from '../../disk/disk-errors.ts'
import { PACKS, packNumber, packPath } from './layout.ts'

const OPEN_MAX = 128

interface OpenPack {
  readonly file: Promise<DiskStream>
  /** The same once it is open. */
  opened?: DiskStream
  readers: number
  evicted: boolean
}

/** Open packs for reading; the least recently used one is closed once its readers are done. */
export class PackFiles {
  readonly #disk: Disk
  readonly #dir: string
  readonly #open = new Map<number, OpenPack>()

  constructor(disk: Disk, dir: string) {
    this.#disk = disk
    this.#dir = dir
  }

  async open(pack: number): Promise<{ file: DiskStream; release: () => Promise<void> }> {
    let entry = this.#touch(pack)
    if (entry === undefined) {
      const file = this.#disk.openAsync(packPath(this.#dir, pack), 'read')
      entry = { file, readers: 0, evicted: false }
      this.#open.set(pack, entry)
    }
    entry.readers += 1
    const held = entry
    try {
      const file = await held.file
      held.opened = file
      await this.#trim()
      return { file, release: () => this.#release(held) }
    } catch (error) {
      if (this.#open.get(pack) === held) this.#open.delete(pack)
      throw error
    }
  }

  /** A pack that is open, to be used within this turn of the event loop. */
  atHand(pack: number): DiskStream | undefined {
    return this.#touch(pack)?.opened
  }

  /** Forgets a pack that compaction removed. */
  async drop(pack: number): Promise<void> {
    const entry = this.#open.get(pack)
    if (entry === undefined) return
    this.#open.delete(pack)
    await this.#evict(entry)
  }

  async close(): Promise<void> {
    for (const pack of [...this.#open.keys()]) await this.drop(pack)
  }

  #touch(pack: number): OpenPack | undefined {
    const entry = this.#open.get(pack)
    if (entry === undefined) return undefined
    this.#open.delete(pack)
    this.#open.set(pack, entry)
    return entry
  }

  async #release(entry: OpenPack): Promise<void> {
    entry.readers -= 1
    if (entry.evicted && entry.readers === 0) await (await entry.file).close()
  }

  async #trim(): Promise<void> {
    while (this.#open.size > OPEN_MAX) {
      const oldest = this.#open.keys().next().value
      if (oldest === undefined) return
      await this.drop(oldest)
    }
  }

  async #evict(entry: OpenPack): Promise<void> {
    entry.evicted = true
    if (entry.readers === 0) await (await entry.file).close()
  }
}

export interface EachPack {
  readonly pack: number
  readonly file: DiskFile
  /** No later pack was there when this one was opened: commits may be under way at its end. */
  readonly newest: boolean
}

/**
 * Opens all packs one after the other, by number. Packs may be rewritten meanwhile: those that are
 * gone are passed over, and those that came after the first look, with what was moved, are not.
 */
export function* eachPack(disk: Disk, dir: string): Generator<EachPack> {
  let last = 0
  for (;;) {
    const packs = disk.list(`${dir}/${PACKS}`).flatMap(({ name }) => packNumber(name) ?? [])
    const next = Math.min(...packs.filter(pack => pack > last))
    if (next === Number.POSITIVE_INFINITY) return
    last = next
    const file = openIfThere(disk, packPath(dir, next))
    if (file === undefined) continue
    try {
      yield { pack: next, file, newest: next === Math.max(...packs) }
    } finally {
      file.close()
    }
  }
}

function openIfThere(disk: Disk, path: string): DiskFile | undefined {
  try {
    return disk.open(path, 'read')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
