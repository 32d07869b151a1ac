import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DiskFiller } from './fill-disk.ts'
import { type ImageKind, LoopImage } from './loop-image.ts'

const memoryMebibytes = 176
const kind: ImageKind = {
  name: 'failing',
  // Nothing may be written later than asked for: it would fail for nobody.
  make: ['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0'],
  mount: 'data=ordered',
  mebibytes: 320,
}

/**
 * A block device that begins to fail: the file behind it has holes, and the memory it lies in has
 * no page left for them. What was written once can be written again; the rest is EIO, and what the
 * kernel could not write back it forgets after the first fsync that told of it.
 */
export class FailingDevice implements AsyncDisposable {
  readonly image: LoopImage
  readonly #memory: string
  readonly #filler: DiskFiller

  constructor(scratch: string) {
    this.#memory = join(scratch, 'memory')
    mkdirSync(this.#memory, { recursive: true })
    const options = ['-t', 'tmpfs', '-o', `size=${memoryMebibytes}m`, 'none', this.#memory]
    const { status, stderr } = spawnSync('mount', options, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`mount: ${stderr}`)
    this.image = new LoopImage(kind, scratch, this.#memory)
    this.#filler = new DiskFiller(this.#memory)
    this.image.mount()
  }

  fail(): void {
    this.#filler.takeBytes()
  }

  /** Another device, with what the failed one had. */
  async replace(): Promise<void> {
    this.#filler.free()
    await this.image.unmount()
    this.image.repair()
    this.image.mount()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#filler.free()
    await this.image[Symbol.asyncDispose]()
    spawnSync('umount', ['-l', this.#memory])
  }
}
