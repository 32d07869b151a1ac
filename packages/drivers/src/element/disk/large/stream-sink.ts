import type { Disk, DiskStream } from '@holdfast/core/ports/disk.ts'
import { DigestTally } from '../../digest-tally.ts'
import { BlockSummer } from '../block-sums.ts'
import type { LargeSink, SinkOptions, SunkFacts } from './large-sink.ts'

/** Hashes on this thread and writes through the disk port: for simulations and small tools. */
export class StreamSink implements LargeSink {
  readonly copies = false
  readonly #file: DiskStream
  readonly #tally: DigestTally
  readonly #summer: BlockSummer
  #written = 0
  #writing: Promise<void> | undefined

  private constructor(file: DiskStream, { blockBytes, write }: SinkOptions) {
    this.#file = file
    this.#tally = new DigestTally(write, { sha256: true })
    this.#summer = new BlockSummer(blockBytes)
  }

  static async open(disk: Disk, options: SinkOptions): Promise<StreamSink> {
    return new StreamSink(await disk.openAsync(options.path, 'create'), options)
  }

  /** Hashing the next bytes overlaps with writing these. */
  async write(chunks: readonly Uint8Array[], size: number): Promise<void> {
    for (const chunk of chunks) {
      this.#tally.add(chunk)
      this.#summer.add(chunk)
    }
    await this.#writing
    const at = this.#written
    this.#written += size
    this.#writing = this.#file.write(chunks, at)
    // The failure is raised by whoever awaits next; it must not count as unhandled until then.
    this.#writing.catch(() => {})
  }

  async finish(chunks: readonly Uint8Array[], size: number): Promise<SunkFacts> {
    await this.write(chunks, size)
    await this.#writing
    const digests = this.#tally.finish()
    await this.#file.sync()
    await this.#file.close()
    return { ...digests, sums: this.#summer.finish() }
  }

  async abandon(): Promise<void> {
    await this.#writing?.catch(() => {})
    await this.#file.close().catch(() => {})
  }
}
