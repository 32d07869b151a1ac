import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export const CATALOG = 'catalog.db'
/** SQLite keeps what is not folded in yet beside the database. */
const COMPANIONS = ['', '-wal', '-shm']

/** Where a new catalog grows while the old one stays in its place. */
export function newCatalogPath(dir: string): string {
  return join(dir, `${CATALOG}.new-${process.pid}`)
}

/** What rebuilds that were cut off left behind. Only for the holder of the store's lock. */
export function sweepNewCatalogs(dir: string, own: string): void {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name)
    if (name.startsWith(`${CATALOG}.new-`) && !path.startsWith(own)) rmSync(path, { force: true })
  }
}

export function removeNewCatalog(path: string): void {
  for (const end of COMPANIONS) rmSync(path + end, { force: true })
}

/**
 * The old catalog becomes `catalog.db.before-<time>`, the new one takes its place. If that fails,
 * the old one is put back. A crash in between is harmless: an absent catalog is made anew.
 */
export function exchangeCatalogs(dir: string, newPath: string, time: string): string | undefined {
  const path = join(dir, CATALOG)
  const aside = `${path}.before-${time}`
  const moved: string[] = []
  try {
    for (const end of COMPANIONS) if (move(path + end, aside + end)) moved.push(end)
    renameSync(newPath, path)
  } catch (error) {
    for (const end of moved) renameSync(aside + end, path + end)
    throw error
  }
  syncDir(dir)
  return moved.includes('') ? aside : undefined
}

function move(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

function syncDir(dir: string): void {
  const fd = openSync(dir, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
