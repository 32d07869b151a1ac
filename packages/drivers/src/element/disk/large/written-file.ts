import type { WriteOptions } from '@holdfast/core/ports/element.ts'
import { createDirect, type DirectFile } from '../../../disk/direct-file.ts'
import { DigestTally } from '../../digest-tally.ts'
import { BlockSummer } from '../block-sums.ts'
import type { DiskTurns } from './disk-turns.ts'
import type { SunkFacts } from './large-sink.ts'

export interface WrittenFileOptions {
  readonly path: string
  readonly blockBytes: number
  readonly digests: Pick<WriteOptions, 'expected' | 'md5' | 'digests'>
}

/** One temp file in a writer thread: what is hashed is what is written. */
export class WrittenFile {
  readonly #turns: DiskTurns
  readonly #tally: DigestTally
  readonly #summer: BlockSummer
  readonly #file: DirectFile | undefined
  /** What was asked of the disk so far; rejects for good after a failure. */
  #done: Promise<void>
  /** Whether all of that has been done. */
  #isIdle = true
  #size = 0

  /** A file that cannot be made fails with its first write. */
  constructor(turns: DiskTurns, { path, blockBytes, digests }: WrittenFileOptions) {
    this.#turns = turns
    this.#tally = new DigestTally(digests, { sha256: true })
    this.#summer = new BlockSummer(blockBytes)
    try {
      this.#file = createDirect(path)
      this.#done = Promise.resolve()
    } catch (error) {
      this.#done = Promise.reject(error)
      this.#done.catch(() => {})
    }
  }

  /**
   * Whole slabs only, so that every write but the last is aligned. They are hashed while they, or
   * those before them, are being written; both only look at them.
   */
  write(slabs: readonly Uint8Array[], size: number): Promise<void> {
    const position = this.#size
    this.#size += size
    const written = this.#ask(file => file.write(slabs, size, position))
    let left = size
    for (const slab of slabs) {
      const bytes = slab.subarray(0, left)
      left -= bytes.length
      this.#tally.add(bytes)
      this.#summer.add(bytes)
    }
    return written
  }

  async finish(slabs: readonly Uint8Array[], size: number): Promise<SunkFacts> {
    await this.write(slabs, size)
    const digests = this.#tally.finish()
    await this.#ask(file => file.sync(this.#size))
    this.#file?.close()
    return { ...digests, sums: this.#summer.finish() }
  }

  /** Lets go of the file once nothing is being written. Never rejects: that would end the thread. */
  async close(): Promise<void> {
    await this.#done.catch(() => {})
    try {
      this.#file?.close()
    } catch {
      // Its bytes are wanted no more.
    }
  }

  /** In the order of the calls; after a failure nothing more is tried. */
  #ask(work: (file: DirectFile) => Promise<void>): Promise<void> {
    const file = this.#file
    if (file === undefined) return this.#done
    const start = () => this.#turns.take(() => work(file))
    // At once where it can be: a promise would let it begin only after the hashing.
    const done = this.#isIdle ? start() : this.#done.then(start)
    this.#isIdle = false
    this.#done = done
    const rest = () => {
      this.#isIdle = this.#done === done
    }
    // After a failure it stays busy, so that whatever follows fails as well.
    done.then(rest, () => {})
    return done
  }
}
