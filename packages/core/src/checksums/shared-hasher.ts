/** A hash that computes one digest at a time, and hands out and takes back where it stands. */
export interface Hasher {
  init(): unknown
  update(bytes: Uint8Array): unknown
  /** Hex. */
  digest(): string
  save(): Uint8Array
  load(state: Uint8Array): unknown
}

/** One of many digests that share a hasher: each puts its own state in before it goes on. */
export class SharedDigest {
  readonly #hasher: Hasher
  #state: Uint8Array

  constructor(hasher: Hasher) {
    this.#hasher = hasher
    hasher.init()
    this.#state = hasher.save()
  }

  update(bytes: Uint8Array): void {
    this.#hasher.load(this.#state)
    this.#hasher.update(bytes)
    this.#state = this.#hasher.save()
  }

  /** Hex. */
  digest(): string {
    this.#hasher.load(this.#state)
    return this.#hasher.digest()
  }
}
