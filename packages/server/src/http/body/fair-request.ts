import { IncomingMessage } from 'node:http'

const PIECES_MAX = 1024

/**
 * A request that leaves the others their turn. A body may come in chunks or TLS records of a byte:
 * each costs as much as one of 64 KiB, and Node reads two megabytes of them in one go, in which
 * nobody is served. After so many pieces the rest waits until all others have had their turn.
 */
export class FairRequest extends IncomingMessage {
  #pieces = 0
  #isResting = false
  #isWanted = false

  /** Called by Node's parser; false lets it stop the connection. */
  override push(piece: unknown, encoding?: BufferEncoding): boolean {
    const isTakingMore = super.push(piece, encoding)
    this.#pieces += 1
    if (this.#pieces < PIECES_MAX) return isTakingMore
    this.#rest()
    return false
  }

  /** What starts the connection again. */
  override _read(size: number): void {
    if (this.#isResting) this.#isWanted = true
    else super._read(size)
  }

  #rest(): void {
    if (this.#isResting) return
    this.#isResting = true
    setImmediate(() => {
      this.#pieces = 0
      this.#isResting = false
      const isWanted = this.#isWanted
      this.#isWanted = false
      // At the end of a body Node goes on by itself, and somebody may have stopped it since.
      if (isWanted && !this.complete) super._read(0)
    })
  }
}
