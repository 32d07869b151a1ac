import { Buffer } from 'node:buffer'
import type { Dirent, Stats } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'

/** What was found on the way through a tree. */
export type Found =
  | { readonly kind: 'file'; readonly path: string; readonly name: string; readonly size: number }
  /** Neither file nor directory, or a link that is not followed. */
  | { readonly kind: 'passed'; readonly path: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly path: string; readonly error: unknown }

export interface WalkOptions {
  /** Take the files that symbolic links point to; directories are never entered by a link. */
  readonly follow: boolean
  readonly signal: AbortSignal
}

/**
 * All files of a path that a person named, in the order of their names. `name` is the path below a
 * directory with slashes, or the last part of a file's path.
 */
export async function* walkTree(root: string, options: WalkOptions): AsyncGenerator<Found> {
  let facts: Stats
  try {
    // What was named is meant, even through a link.
    facts = await stat(root)
  } catch (error) {
    yield { kind: 'failed', path: root, error }
    return
  }
  if (facts.isDirectory()) {
    yield* walkDirectory(root, '', options)
  } else {
    yield entryOf(facts, root, basename(resolve(root)))
  }
}

async function* walkDirectory(
  dir: string,
  below: string,
  options: WalkOptions,
): AsyncGenerator<Found> {
  options.signal.throwIfAborted()
  let entries: Dirent<Buffer>[]
  try {
    // As bytes: a name that is no UTF-8 would come back as another name.
    entries = await readdir(dir, { withFileTypes: true, encoding: 'buffer' })
  } catch (error) {
    yield { kind: 'failed', path: dir, error }
    return
  }
  entries.sort((one, other) => Buffer.compare(one.name, other.name))
  for (const entry of entries) {
    const name = entry.name.toString('utf8')
    const path = join(dir, name)
    if (!Buffer.from(name, 'utf8').equals(entry.name)) {
      const error = new Error('its name is not UTF-8, so it cannot become a key')
      yield { kind: 'failed', path, error }
    } else if (entry.isDirectory()) yield* walkDirectory(path, `${below}${name}/`, options)
    else yield await lookAt(path, below + name, options)
  }
}

async function lookAt(path: string, name: string, options: WalkOptions): Promise<Found> {
  try {
    const facts = await lstat(path)
    if (!facts.isSymbolicLink()) return entryOf(facts, path, name)
    if (!options.follow) return { kind: 'passed', path, reason: 'a symbolic link' }
    const target = await stat(path)
    if (target.isDirectory()) {
      return { kind: 'passed', path, reason: 'a symbolic link to a directory' }
    }
    return entryOf(target, path, name)
  } catch (error) {
    return { kind: 'failed', path, error }
  }
}

function entryOf(facts: Stats, path: string, name: string): Found {
  if (facts.isFile()) return { kind: 'file', path, name, size: facts.size }
  return { kind: 'passed', path, reason: 'not a file' }
}
