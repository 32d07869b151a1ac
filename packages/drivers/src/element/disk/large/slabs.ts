import { openMemory, PAGE_BYTES, type SharedMemory } from '../lanes/web-assembly.ts'
import { SINK_BYTES } from './large-sink.ts'

/** Enough for some bodies to have four being written and four on their way. */
const SLABS = 48
/** Of these, how many may be kept back: the rest goes round. */
const HELD_MAX = SLABS / 2
/** Where the page behind them begins. */
export const LANES_AT = SLABS * SINK_BYTES

/** Who keeps slabs back until they are worth a write. */
export interface SlabHolder {
  /** Sends them off at once. */
  release(): void
}

/**
 * Memory for bytes on their way to a writer thread, which all bodies take in turn. It is memory of
 * WebAssembly: shared, and aligned to pages, which direct writes need. Behind the slabs is a page
 * for the thread that takes MD5s of them.
 */
export class Slabs {
  readonly shared: SharedMemory
  /** How many threads besides one look at each slab. */
  readonly #lookers = new Uint8Array(SLABS)
  readonly #free = Array.from({ length: SLABS }, (_, index) => index)
  readonly #waiting: ((slab: number) => void)[] = []
  /** Who keeps how many back, the first ones first. */
  readonly #holders = new Map<SlabHolder, number>()
  #held = 0

  constructor() {
    this.shared = openMemory(LANES_AT / PAGE_BYTES + 1)
  }

  get memory(): SharedArrayBuffer {
    return this.shared.buffer
  }

  /** One thread more looks at these, and has to give them back as well. */
  share(slabs: readonly number[]): void {
    for (const slab of slabs) this.#lookers[slab] = (this.#lookers[slab] ?? 0) + 1
  }

  /** One more is kept back. Where these are too many, who keeps some for longest gives up his. */
  hold(holder: SlabHolder): void {
    this.#holders.set(holder, (this.#holders.get(holder) ?? 0) + 1)
    this.#held += 1
    if (this.#held <= HELD_MAX) return
    for (const longest of this.#holders.keys()) {
      longest.release()
      return
    }
  }

  letGo(holder: SlabHolder): void {
    this.#held -= this.#holders.get(holder) ?? 0
    this.#holders.delete(holder)
  }

  take(): number | Promise<number> {
    const slab = this.#free.pop()
    if (slab !== undefined) return slab
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  give(slabs: readonly number[]): void {
    for (const slab of slabs) {
      const lookers = this.#lookers[slab] ?? 0
      if (lookers > 0) {
        this.#lookers[slab] = lookers - 1
        continue
      }
      const next = this.#waiting.shift()
      if (next === undefined) this.#free.push(slab)
      else next(slab)
    }
  }

  fill(slab: number, chunks: readonly Uint8Array[]): void {
    const into = new Uint8Array(this.memory, slab * SINK_BYTES, SINK_BYTES)
    let at = 0
    for (const chunk of chunks) {
      into.set(chunk, at)
      at += chunk.length
    }
  }
}
