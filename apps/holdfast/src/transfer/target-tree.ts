import { lstat, mkdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { safeName, shortHash } from './safe-name.ts'

/**
 * The invariant: whatever a key holds, its file lies below the root, two keys never share a file,
 * and no link on the way leads out. Keys must come in the same order to get the same places again.
 */
export class TargetTree {
  readonly #root: string
  readonly #windows: boolean
  readonly #foldsCase: boolean
  /** Every path given out, as a file or as a directory on the way to one. */
  readonly #taken = new Map<string, 'file' | 'directory'>()
  readonly #made = new Set<string>()

  private constructor(root: string, options: { windows: boolean; foldsCase: boolean }) {
    this.#root = root
    this.#windows = options.windows
    this.#foldsCase = options.foldsCase
  }

  static async open(dir: string, isPortable: boolean): Promise<TargetTree> {
    await mkdir(dir, { recursive: true })
    const windows = isPortable || process.platform === 'win32'
    const foldsCase = windows || process.platform === 'darwin'
    return new TargetTree(await realpath(dir), { windows, foldsCase })
  }

  /** Where the file of a key belongs, as path below the root. */
  place(key: string): string {
    const parts = key.split('/').map(part => safeName(part, this.#windows))
    const last = parts.pop() ?? '%'
    let dir = ''
    for (const part of parts) dir = this.#take(dir, part, { kind: 'directory', key })
    return this.#take(dir, last, { kind: 'file', key })
  }

  /** Makes the directories above the place; throws when something else is in the way. */
  async prepare(place: string): Promise<string> {
    const parts = place.split(sep)
    const name = parts.pop() ?? ''
    let dir = this.#root
    for (const part of parts) {
      dir = join(dir, part)
      if (!this.#made.has(dir)) await makeDir(dir)
      this.#made.add(dir)
    }
    return join(dir, name)
  }

  #take(dir: string, name: string, as: { kind: 'file' | 'directory'; key: string }): string {
    for (let attempt = 0; ; attempt += 1) {
      const mark =
        attempt === 0 ? '' : `~${shortHash(attempt + (as.kind === 'file' ? as.key : dir + name))}`
      const path = dir === '' ? name + mark : `${dir}${sep}${name}${mark}`
      const folded = this.#foldsCase ? path.normalize('NFC').toLowerCase() : path
      const known = this.#taken.get(folded)
      if (known === undefined) {
        this.#taken.set(folded, as.kind)
        return path
      }
      if (known === 'directory' && as.kind === 'directory') return path
    }
  }
}

async function makeDir(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    const facts = await lstat(path)
    if (facts.isDirectory()) return
    const what = facts.isSymbolicLink() ? 'a symbolic link' : 'a file'
    throw new Error(`${what} is in the way of a directory; nothing is written through it`)
  }
}
