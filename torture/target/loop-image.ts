import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ImageKind {
  readonly name: string
  readonly make: readonly [program: string, ...args: string[]]
  /** Options of mount beside `loop`. */
  readonly mount: string
  readonly mebibytes: number
}

const ext4 = ['mkfs.ext4', '-q', '-F'] as const

/** File systems on which the power is cut. Images are as small as they may be. */
export const journalled: readonly ImageKind[] = [
  { name: 'ext4', make: ext4, mount: 'data=ordered', mebibytes: 320 },
  {
    name: 'ext4-writeback',
    make: ext4,
    // As little as ext4 ever promises: names long before bytes, a journal that waits for minutes.
    mount: 'data=writeback,commit=300,noauto_da_alloc',
    mebibytes: 320,
  },
  { name: 'xfs', make: ['mkfs.xfs', '-q', '-f'], mount: 'noatime', mebibytes: 320 },
]

/** Small ones to fill: the one runs out of bytes, the other of inodes first. Root gets no more. */
export const fillable: readonly ImageKind[] = [
  { name: 'bytes', make: [...ext4, '-m', '0'], mount: 'data=ordered', mebibytes: 320 },
  { name: 'inodes', make: [...ext4, '-m', '0', '-N', '256'], mount: 'noatime', mebibytes: 320 },
]

const busyMsMax = 10_000

/** Why images cannot be used on this machine, or undefined. */
export function imageProblem({ make: [program] }: ImageKind): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting takes root'
  if (!existsSync('/dev/loop-control')) return 'there are no loop devices'
  for (const needed of [program, 'xfs_io', 'mount']) {
    const found = spawnSync('sh', ['-c', `command -v ${needed}`], { env: environment() })
    if (found.status !== 0) return `${needed} is not installed`
  }
  return undefined
}

/** A file system in a file in memory, mounted through a loop device. */
export class LoopImage implements AsyncDisposable {
  readonly kind: ImageKind
  readonly dir: string
  readonly #file: string
  #mounted = false

  /** The image lies in memory, or where else it is told to lie. */
  constructor(kind: ImageKind, scratch: string, place = memoryOr(scratch)) {
    this.kind = kind
    this.dir = join(scratch, `${kind.name}.mount`)
    this.#file = join(place, `holdfast-${process.pid}-${kind.name}.img`)
    writeFileSync(this.#file, '')
    truncateSync(this.#file, kind.mebibytes * 1024 * 1024)
    mkdirSync(this.dir)
    process.once('exit', this.#drop)
    const [program, ...args] = kind.make
    run(program, [...args, this.#file])
  }

  mount(): void {
    run('mount', ['-o', `loop,${this.kind.mount}`, this.#file, this.dir])
    this.#mounted = true
  }

  /** The power goes: nothing that is not on the medium by now will be. */
  cut(): void {
    run('xfs_io', ['-x', '-c', 'shutdown', this.dir])
  }

  /** Waits for whoever still has files open; processes that were killed take a moment. */
  async unmount(): Promise<void> {
    const endAt = performance.now() + busyMsMax
    while (this.#mounted) {
      const { status, stderr } = spawnSync('umount', [this.dir], { env: environment() })
      if (status === 0) this.#mounted = false
      else if (performance.now() > endAt) throw new Error(`umount: ${stderr}`)
      else await sleep(20)
    }
  }

  /** What an administrator does after a device failed under a mounted file system. */
  repair(): void {
    const { status, stdout } = spawnSync('e2fsck', ['-f', '-y', this.#file], { env: environment() })
    if (status === null || status >= 4) throw new Error(`e2fsck: ${status} ${stdout}`)
  }

  readonly #drop = () => {
    if (this.#mounted) spawnSync('umount', ['-l', this.dir], { env: environment() })
    this.#mounted = false
    rmSync(this.#file, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount()
    this.#drop()
    process.off('exit', this.#drop)
  }
}

function memoryOr(dir: string): string {
  return existsSync('/dev/shm') ? '/dev/shm' : dir
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { env: environment(), stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Programs of administrators are not on everybody's path. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
}
