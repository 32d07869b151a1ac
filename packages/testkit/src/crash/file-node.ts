import type { SeededRandom } from '../seeded-random.ts'
import type { Mood } from './mood.ts'

export const sectorBytes = 512

const zeros = new Uint8Array(sectorBytes)

/** A sector is never changed in place, so disks may share it; undefined is all zeros. */
type Sector = Uint8Array | undefined

/** What a sector may hold after a cut, besides its synced content. */
interface Candidate {
  readonly sector: Sector
  readonly time: number
  /** Truncation frees sectors together with the size: only seen with that size or a later one. */
  readonly sizeEvent: number
}

/**
 * One file as the running system sees it, beside everything a power cut may leave of it: every
 * sector written since the last sync holds any of the contents it had, and the size is any of the
 * sizes since, or one that growing passed through.
 */
export class FileNode {
  readonly kind: 'file' = 'file'
  links = 0
  opens = 0
  modifiedMs = 0
  #now = new Map<number, Uint8Array>()
  #sizeBytes = 0
  #durable = new Map<number, Uint8Array>()
  #sizes: number[] = [0]
  #sizeTimes: number[] = [0]
  #time = 0
  #dirty = new Set<number>()
  #candidates = new Map<number, Candidate[]>()

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  get clean(): boolean {
    return this.#candidates.size === 0 && this.#sizes.length === 1
  }

  read(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.#sizeBytes - position))
    let done = 0
    while (done < count) {
      const [index, inside] = place(position + done)
      const length = Math.min(sectorBytes - inside, count - done)
      const sector = this.#now.get(index) ?? zeros
      into.set(sector.subarray(inside, inside + length), done)
      done += length
    }
    return count
  }

  /** `time` orders it among all changes of the disk. */
  write(bytes: Uint8Array, position: number, time: number): void {
    if (bytes.length === 0) return
    this.#time = time
    // Not slice: that of a Buffer shares the memory.
    const copy = new Uint8Array(bytes)
    let done = 0
    while (done < copy.length) {
      const [index, inside] = place(position + done)
      const length = Math.min(sectorBytes - inside, copy.length - done)
      const part = copy.subarray(done, done + length)
      this.#put(index, length === sectorBytes ? part : this.#patched(index, part, inside))
      done += length
    }
    if (position + copy.length > this.#sizeBytes) this.#resize(position + copy.length)
  }

  truncate(size: number, time: number): void {
    if (size === this.#sizeBytes) return
    this.#time = time
    const shrinks = size < this.#sizeBytes
    this.#resize(size)
    if (!shrinks) return
    const [last, inside] = place(size)
    for (const index of [...this.#now.keys()]) {
      if (index > last || (index === last && inside === 0)) this.#put(index, undefined, true)
    }
    const tail = this.#now.get(last)
    if (inside > 0 && tail !== undefined) this.#put(last, cleared(tail, inside), true)
  }

  sync(): void {
    for (const index of this.#dirty) {
      const sector = this.#now.get(index)
      if (sector === undefined) this.#durable.delete(index)
      else this.#durable.set(index, sector)
      this.#candidates.delete(index)
    }
    this.#dirty.clear()
    this.#sizes = [this.#sizeBytes]
    this.#sizeTimes = [this.#time]
  }

  /**
   * The kernel gave up writing: pages count as clean from now on, so that a later sync succeeds
   * without them, while readers still see them (PostgreSQL's fsyncgate).
   */
  syncFailed(): void {
    this.#dirty.clear()
  }

  /** Everything as it is now, all of it durable. */
  settle(): void {
    this.#durable = new Map(this.#now)
    this.#dirty.clear()
    this.#candidates.clear()
    this.#sizes = [this.#sizeBytes]
    this.#sizeTimes = [this.#time]
  }

  /** One legal content after a cut. */
  crashed(random: SeededRandom, mood: Mood): FileNode {
    const file = new FileNode()
    file.modifiedMs = this.modifiedMs
    const [size, event] = this.#crashedSize(random, mood)
    file.#now = new Map(this.#durable)
    for (const [index, candidates] of this.#candidates) {
      const options: Sector[] = [this.#durable.get(index)]
      const times = [0]
      for (const { sector, sizeEvent, time } of candidates) {
        if (sizeEvent > event) continue
        options.push(sector)
        times.push(time)
      }
      const sector = mood.choose(options, random, times)
      if (sector === undefined) file.#now.delete(index)
      else file.#now.set(index, sector)
    }
    if (mood.garbage) this.#soil(file.#now, size, random)
    file.#sizeBytes = Number.MAX_SAFE_INTEGER
    file.truncate(size, 0)
    file.settle()
    return file
  }

  #crashedSize(random: SeededRandom, mood: Mood): [size: number, event: number] {
    const event = mood.choose([...this.#sizes.keys()], random, this.#sizeTimes)
    const size = this.#sizes[event] ?? 0
    const next = this.#sizes[event + 1]
    // Growing passes through every sector border on its way, in sizes written back page by page.
    if (next === undefined || next <= size || !mood.between(random)) return [size, event]
    const steps = Math.floor((next - size) / sectorBytes)
    const middle = (Math.floor(size / sectorBytes) + random.below(steps + 1)) * sectorBytes
    return [Math.max(size, middle), event]
  }

  /** Blocks given to the file but never written hold what another file left there. */
  #soil(sectors: Map<number, Uint8Array>, size: number, random: SeededRandom): void {
    const first = Math.ceil((this.#sizes[0] ?? 0) / sectorBytes)
    for (let index = first; index < Math.ceil(size / sectorBytes); index += 1) {
      if (!sectors.has(index) && random.chance(0.5)) sectors.set(index, random.bytes(sectorBytes))
    }
  }

  #put(index: number, sector: Sector, truncated = false): void {
    const kept = sector === undefined || isZero(sector) ? undefined : sector
    const before = this.#now.get(index)
    if (before === undefined && kept === undefined && !this.#candidates.has(index)) return
    if (kept === undefined) this.#now.delete(index)
    else this.#now.set(index, kept)
    this.#dirty.add(index)
    const sizeEvent = truncated ? this.#sizes.length - 1 : 0
    const candidate = { sector: kept, time: this.#time, sizeEvent }
    const candidates = this.#candidates.get(index)
    if (candidates === undefined) this.#candidates.set(index, [candidate])
    else candidates.push(candidate)
  }

  #patched(index: number, part: Uint8Array, inside: number): Uint8Array {
    const sector = (this.#now.get(index) ?? zeros).slice()
    sector.set(part, inside)
    return sector
  }

  #resize(size: number): void {
    this.#sizeBytes = size
    this.#sizes.push(size)
    this.#sizeTimes.push(this.#time)
  }
}

function place(position: number): [index: number, inside: number] {
  return [Math.floor(position / sectorBytes), position % sectorBytes]
}

function cleared(sector: Uint8Array, from: number): Uint8Array {
  const copy = sector.slice()
  copy.fill(0, from)
  return copy
}

function isZero(sector: Uint8Array): boolean {
  return Buffer.compare(sector, zeros) === 0
}
