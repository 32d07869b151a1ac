/**
 * Memory that the event loop and the committer share, for the bodies of commits under way: one copy
 * in, none across. A ring: room is given back in the order in which it was taken.
 */
export class BodyArena {
  readonly memory: SharedArrayBuffer
  readonly #bytes: Uint8Array
  /** Both only grow; their place in the memory is the rest by its size. */
  #head = 0
  #tail = 0

  constructor(size: number) {
    this.memory = new SharedArrayBuffer(size)
    this.#bytes = new Uint8Array(this.memory)
  }

  /** How far it is filled: to be given back with `free`. */
  get mark(): number {
    return this.#head
  }

  /** Copies the bytes in; returns where, or undefined when there is no room in one piece. */
  add(bytes: Uint8Array): number | undefined {
    const size = this.#bytes.length
    const at = this.#head % size
    const skipped = at + bytes.length > size ? size - at : 0
    if (this.#head + skipped + bytes.length - this.#tail > size) return undefined
    const place = skipped > 0 ? 0 : at
    this.#bytes.set(bytes, place)
    this.#head += skipped + bytes.length
    return place
  }

  /** Everything up to the mark was used. */
  free(mark: number): void {
    this.#tail = mark
  }
}
