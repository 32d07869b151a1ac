import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { KeySetSource } from '@holdfast/core/ports/key-set.ts'
import { readText } from '../disk/read-text.ts'
import { KEY_SET_BYTES_MAX } from './bounded-bytes.ts'

/** A key set in a file, read again at every load: a renewed one is used without a restart. */
export class FileKeySet implements KeySetSource {
  readonly place: string
  readonly #disk: Disk

  constructor(path: string, disk: Disk) {
    this.place = path
    this.#disk = disk
  }

  async load(): Promise<unknown> {
    const text = readText(this.#disk, this.place, KEY_SET_BYTES_MAX)
    const document: unknown = JSON.parse(text)
    return document
  }
}
