import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { BlobPlace, Damage } from '@holdfast/core/ports/element.ts'
import { packPath, parseLocation, QUARANTINE } from '../layout.ts'

/** More than this are not remembered one by one; a verification finds them again. */
const ENTRIES_MAX = 10_000
const COPIES_MAX = 100
export const DAMAGE_NOTE = 'damaged.json'

export interface DamageListOptions {
  readonly disk: Disk
  readonly dir: string
  readonly now: () => number
  readonly readNote: () => Promise<string | undefined>
  readonly writeNote: (text: string) => Promise<unknown>
}

/**
 * Blobs whose bytes are known to be damaged or gone, kept in a note of the element. Losing the note
 * costs nothing but knowledge: reads and verifications find the same again.
 */
export class DamageList {
  readonly #options: DamageListOptions
  readonly #entries = new Map<string, Damage>()
  #saving: Promise<unknown> = Promise.resolve()

  constructor(options: DamageListOptions) {
    this.#options = options
  }

  get entries(): ReadonlyMap<string, Damage> {
    return this.#entries
  }

  async load(): Promise<void> {
    for (const entry of parse(await this.#options.readNote().catch(() => undefined))) {
      if (this.#entries.size < ENTRIES_MAX) this.#entries.set(entry.sha256, entry)
    }
  }

  /** Remembers the damage and sets packed bytes aside, because a rewritten pack would lose them. */
  async add({ sha256, location, size }: BlobPlace, problem: string): Promise<void> {
    if (this.#entries.get(sha256)?.location === location) return
    if (this.#entries.size >= ENTRIES_MAX) return
    const foundAt = new Date(this.#options.now()).toISOString()
    this.#entries.set(sha256, { sha256, location, size, problem, foundAt })
    try {
      this.#setAside(sha256, location, size)
    } catch {
      // A copy for people; without room or on a failing disk the finding itself counts more.
    }
    await this.#save()
  }

  async drop(sha256: string): Promise<void> {
    if (this.#entries.delete(sha256)) await this.#save()
  }

  /** One after the other; a failure leaves the list in memory, and the next save tries again. */
  async #save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      const text = JSON.stringify([...this.#entries.values()], null, 1)
      await this.#options.writeNote(`${text}\n`).catch(() => {})
    })
    await this.#saving
  }

  #setAside(sha256: string, location: string, size: number): void {
    const { disk, dir } = this.#options
    const place = parseLocation(location)
    // A file of its own stays where it is until good bytes take its name (see BlobFiles.publish).
    if (place.kind !== 'pack' || disk.space(dir).freeBytes < 1024 * size) return
    const from = disk.open(packPath(dir, place.pack), 'read')
    try {
      const bytes = Buffer.alloc(size)
      const found = bytes.subarray(0, from.read(bytes, place.offset))
      disk.makeDir(`${dir}/${QUARANTINE}`)
      const name = freeName(disk, `${dir}/${QUARANTINE}/${sha256}`)
      if (name === undefined) return
      const to = disk.open(name, 'create')
      try {
        to.write(found, 0)
        to.sync()
      } finally {
        to.close()
      }
      disk.syncDir(`${dir}/${QUARANTINE}`)
    } finally {
      from.close()
    }
  }
}

function freeName(disk: Disk, path: string): string | undefined {
  for (let n = 0; n < COPIES_MAX; n += 1) {
    if (disk.stat(`${path}.${n}`) === undefined) return `${path}.${n}`
  }
  return undefined
}

function parse(text: string | undefined): Damage[] {
  try {
    const found: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(found) ? found.filter(isDamage) : []
  } catch {
    return []
  }
}

function isDamage(entry: unknown): entry is Damage {
  if (typeof entry !== 'object' || entry === null) return false
  const { sha256, location, size, problem, foundAt } = entry as Record<string, unknown>
  const texts = [sha256, location, problem, foundAt]
  return texts.every(text => typeof text === 'string') && Number.isSafeInteger(size)
}

/** Chunks as they come; the error that ends them is told first. */
export function watched(
  chunks: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => Promise<void>,
): AsyncIterableIterator<Uint8Array> {
  const inner = chunks[Symbol.asyncIterator]()
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      try {
        return await inner.next()
      } catch (error) {
        await onError(error)
        throw error
      }
    },
    async return() {
      await inner.return?.()
      return { done: true, value: undefined }
    },
  }
}
