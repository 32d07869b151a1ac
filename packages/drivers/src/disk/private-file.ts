import fs from 'node:fs'

/** What other users of the machine may do with files of the store: nothing. */
const MODE = 0o640
const OTHERS = 0o007

/**
 * Makes sure that a file is there and closed to others, for libraries that open it by themselves:
 * SQLite would make it with 0644, and gives the files beside it the mode of the database.
 */
export function keepPrivate(path: string): void {
  try {
    fs.closeSync(fs.openSync(path, 'ax', MODE))
    return
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  const mode = fs.statSync(path).mode & 0o777
  if ((mode & OTHERS) !== 0) fs.chmodSync(path, mode & ~OTHERS)
}
