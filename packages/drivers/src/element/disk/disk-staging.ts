import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { ByteSource, Staged, Staging, WriteOptions } from '@holdfast/core/ports/element.ts'
import { fromDisk } from '../../disk/disk-errors.ts'
import { type StageOptions, stageBytes, stageWhole } from './stage.ts'

export interface StagingOptions extends StageOptions {
  readonly clock: Clock
  /** Free space that uploads may not touch. */
  readonly reservedBytes: number
}

const SPACE_AGE_MS = 250

/** Receives uploads as long as they leave the reserved space alone. */
export class DiskStaging implements Staging {
  readonly #options: StagingOptions
  #freeBytes = 0
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(options: StagingOptions) {
    this.#options = options
  }

  async stage(source: ByteSource, write: WriteOptions): Promise<Staged> {
    try {
      if (!this.hasRoom(write.length)) throw new HoldfastError('STORAGE_FULL')
      return await stageBytes(this.#options, source, write)
    } catch (error) {
      throw fromDisk(error)
    }
  }

  stageWhole(bytes: Uint8Array, write: WriteOptions): Staged | undefined {
    if (bytes.length > this.#options.packedBytesMax) return undefined
    try {
      if (!this.hasRoom(write.length)) throw new HoldfastError('STORAGE_FULL')
      return stageWhole(bytes, write)
    } catch (error) {
      throw fromDisk(error)
    }
  }

  /** Whether `coming` further bytes leave the reserved space alone. */
  hasRoom(coming = 0): boolean {
    const { clock, disk, dir, reservedBytes } = this.#options
    const now = clock.monotonic()
    if (now - this.#askedAt > SPACE_AGE_MS) {
      this.#freeBytes = disk.space(dir).freeBytes
      this.#askedAt = now
    }
    return this.#freeBytes - coming >= reservedBytes
  }
}
