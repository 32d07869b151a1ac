import {
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import type { Edit } from './mutants.ts'

const root = join(import.meta.dirname, '..', '..')
const copied = ['packages', 'apps', 'torture', 'package.json', 'tools/bootstrap.mjs']
const left = new Set(['node_modules', '.types', 'results'])

/** A copy of the checkout in which sources may be broken; the one in use is never touched. */
export class MutatedCopy implements Disposable {
  readonly dir: string
  readonly #originals = new Map<string, string>()

  constructor(dir: string) {
    this.dir = dir
    mkdirSync(dir)
    for (const name of copied) {
      const filter = (path: string) => !left.has(basename(path))
      cpSync(join(root, name), join(dir, name), { recursive: true, filter })
    }
    linkPackages(dir)
  }

  /** Makes the edits; a pattern that is not there exactly once is an error: the mutant is stale. */
  apply(edits: readonly Edit[]): void {
    for (const edit of edits) {
      const places = this.#sources(edit.in).filter(file =>
        edit.find.test(readFileSync(file, 'utf8')),
      )
      const [file] = places
      const text = file === undefined ? '' : readFileSync(file, 'utf8')
      const times = text.match(new RegExp(edit.find, 'g'))?.length ?? 0
      if (file === undefined || places.length > 1 || times !== 1) {
        throw new Error(`${edit.find} is in ${places.length} files of ${edit.in}, ${times} times`)
      }
      if (!this.#originals.has(file)) this.#originals.set(file, text)
      writeFileSync(file, text.replace(edit.find, edit.put))
    }
  }

  restore(): void {
    for (const [file, text] of this.#originals) writeFileSync(file, text)
    this.#originals.clear()
  }

  #sources(path: string): string[] {
    const full = join(this.dir, path)
    if (statSync(full).isFile()) return [full]
    const files = globSync('**/*.ts', { cwd: full, exclude: ['**/*.test.ts'] })
    return files.map(file => join(full, file))
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Packages of others are used where they are; ours are those of the copy. */
function linkPackages(dir: string): void {
  const own = '@holdfast'
  mkdirSync(join(dir, 'node_modules', own), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === own || name.startsWith('.')) continue
    symlinkSync(join(root, 'node_modules', name), join(dir, 'node_modules', name))
  }
  for (const name of readdirSync(join(dir, 'packages'))) {
    symlinkSync(join(dir, 'packages', name), join(dir, 'node_modules', own, name))
  }
}
