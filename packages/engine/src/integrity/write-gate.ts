/**
 * Keeps garbage collection and uploads apart on elements that cannot stage. There the bytes come
 * before the record that refers to them, so in between they look like garbage, and an upload of
 * content that is just being collected would refer to bytes that go. One process only.
 */
export class WriteGate {
  #uploads = 0
  #closed: Promise<void> | undefined

  /** Waits while the gate is closed. The function returned ends the upload. */
  async enter(): Promise<() => void> {
    while (this.#closed !== undefined) await this.#closed
    this.#uploads += 1
    let inside = true
    return () => {
      if (inside) this.#uploads -= 1
      inside = false
    }
  }

  /** Undefined while an upload is under way; else new ones wait until the function is called. */
  close(): (() => void) | undefined {
    if (this.#uploads > 0 || this.#closed !== undefined) return undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#closed = promise
    return () => {
      this.#closed = undefined
      resolve()
    }
  }
}
