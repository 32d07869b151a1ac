import { SINK_BYTES } from './large-sink.ts'

/** What we use of the WebAssembly of every JavaScript engine; Node's types leave it to browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: {
    initial: number
    maximum: number
    shared: boolean
  }) => {
    readonly buffer: ArrayBuffer | SharedArrayBuffer
  }
}

const PAGE_BYTES = 64 * 1024
/** Enough for some bodies to have four being written and four on their way. */
const SLABS = 48
/** Of these, how many may be kept back: the rest goes round. */
const HELD_MAX = SLABS / 2

/** Who keeps slabs back until they are worth a write. */
export interface SlabHolder {
  /** Sends them off at once. */
  release(): void
}

/**
 * Memory for bytes on their way to a writer thread, which all bodies take in turn. It is memory of
 * WebAssembly: shared, and aligned to pages, which direct writes need.
 */
export class Slabs {
  readonly memory: SharedArrayBuffer
  readonly #free = Array.from({ length: SLABS }, (_, index) => index)
  readonly #waiting: ((slab: number) => void)[] = []
  /** Who keeps how many back, the first ones first. */
  readonly #holders = new Map<SlabHolder, number>()
  #held = 0

  constructor() {
    const pages = (SLABS * SINK_BYTES) / PAGE_BYTES
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
    const { buffer } = memory
    if (!(buffer instanceof SharedArrayBuffer)) throw new Error('memory cannot be shared')
    this.memory = buffer
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
