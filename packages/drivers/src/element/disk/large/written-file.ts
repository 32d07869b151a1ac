import type { WriteOptions } from '@holdfast/core/ports/element.ts'
import { createDirect, type DirectFile } from '../../../disk/direct-file.ts'
import { DigestTally } from '../../digest-tally.ts'
import { BlockSummer } from '../block-sums.ts'
import type { SunkFacts } from './large-sink.ts'

/** One temp file in a writer thread: what is hashed is what is written. */
export class WrittenFile {
  readonly #file: DirectFile
  readonly #tally: DigestTally
  readonly #summer: BlockSummer
  #written = 0

  private constructor(
    file: DirectFile,
    options: { blockBytes: number; digests: Pick<WriteOptions, 'expected' | 'md5' | 'digests'> },
  ) {
    this.#file = file
    this.#tally = new DigestTally(options.digests, { sha256: true })
    this.#summer = new BlockSummer(options.blockBytes)
  }

  static create(options: {
    readonly path: string
    readonly blockBytes: number
    readonly digests: Pick<WriteOptions, 'expected' | 'md5' | 'digests'>
  }): WrittenFile {
    return new WrittenFile(createDirect(options.path), options)
  }

  /** Whole slabs only, so that every write but the last is aligned. */
  write(slab: Uint8Array, size: number): void {
    const bytes = slab.subarray(0, size)
    this.#tally.add(bytes)
    this.#summer.add(bytes)
    this.#file.write(slab, size, this.#written)
    this.#written += size
  }

  finish(slab: Uint8Array, size: number): SunkFacts {
    this.write(slab, size)
    const digests = this.#tally.finish()
    this.#file.sync(this.#written)
    this.#file.close()
    return { ...digests, sums: this.#summer.finish() }
  }

  close(): void {
    this.#file.close()
  }
}
