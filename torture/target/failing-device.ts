import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DiskFiller } from './fill-disk.ts'
import { type ImageKind, imageProblem, LoopImage } from './loop-image.ts'

const memoryMebibytes = 176
/** Of memory and of blocks: a request of one page is there or fails, whole. */
const pageKibibytes = 4
const kernelLinesMax = 20
const kind: ImageKind = {
  name: 'failing',
  // Nothing may be written later than asked for: it would fail for nobody.
  make: ['mkfs.ext4', '-q', '-F', '-b', '4096', '-E', 'lazy_itable_init=0,lazy_journal_init=0'],
  mount: 'data=ordered',
  mebibytes: 320,
}

/** Why a device cannot be made to fail on this machine, or undefined. */
export function failingDeviceProblem(): string | undefined {
  const problem = imageProblem(kind)
  if (problem !== undefined) return problem
  try {
    accessSync('/sys/block', constants.W_OK)
    return undefined
  } catch {
    return 'sizes of requests to loop devices cannot be set'
  }
}

/**
 * A block device that begins to fail: the file behind it has holes, and the memory it lies in has
 * no page left for them. What was written once can be written again; the rest is EIO, and what the
 * kernel could not write back it forgets after the first fsync that told of it.
 *
 * Requests are of one page each: of a longer one the loop driver of Linux 6.18 writes what there
 * are pages for and tells the whole of it as written, FUA and flush included. No device does that.
 */
export class FailingDevice implements AsyncDisposable {
  readonly image: LoopImage
  readonly #memory: string
  readonly #filler: DiskFiller
  #name = ''
  #usualKibibytes = ''

  constructor(scratch: string) {
    this.#memory = join(scratch, 'memory')
    mkdirSync(this.#memory, { recursive: true })
    const options = ['-t', 'tmpfs', '-o', `size=${memoryMebibytes}m`, 'none', this.#memory]
    const { status, stderr } = spawnSync('mount', options, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`mount: ${stderr}`)
    this.image = new LoopImage(kind, scratch, this.#memory)
    this.#filler = new DiskFiller(this.#memory)
    this.#mount()
  }

  fail(): void {
    this.#filler.takeBytes()
  }

  /** The last that the kernel told of the device: to be read beside a failure. */
  kernelLog(): string[] {
    const { stdout } = spawnSync('dmesg', { encoding: 'utf8' })
    const told = (stdout ?? '').split('\n').filter(line => line.includes(this.#name))
    return told.filter(line => !line.includes('Buffer I/O error')).slice(-kernelLinesMax)
  }

  /** Another device, with what the failed one had. */
  async replace(): Promise<void> {
    this.#filler.free()
    await this.#unmount()
    this.image.repair()
    this.#mount()
  }

  #mount(): void {
    this.image.mount()
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
    const source = mounts.find(line => line.split(' ')[1] === this.image.dir)?.split(' ')[0]
    this.#name = basename(source ?? '')
    this.#usualKibibytes = readFileSync(this.#sizeFile, 'utf8').trim()
    writeFileSync(this.#sizeFile, String(pageKibibytes))
    const size = Number(readFileSync(this.#sizeFile, 'utf8'))
    if (size !== pageKibibytes) throw new Error(`${this.#name} takes requests of ${size} KiB`)
  }

  /** Whoever has the loop device next gets it as it was. */
  async #unmount(): Promise<void> {
    if (this.#usualKibibytes !== '') writeFileSync(this.#sizeFile, this.#usualKibibytes)
    await this.image.unmount()
  }

  get #sizeFile(): string {
    return `/sys/block/${this.#name}/queue/max_sectors_kb`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#filler.free()
    await this.#unmount()
    await this.image[Symbol.asyncDispose]()
    spawnSync('umount', ['-l', this.#memory])
  }
}
