import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const blockBytes = 512

/** What the files below a directory take on the disk, in bytes: blocks, not lengths. */
export function blocksBelow(dir: string, counts: (name: string) => boolean): number {
  let blocks = 0
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !counts(entry.name)) continue
    blocks += statSync(join(entry.parentPath, entry.name)).blocks
  }
  return blocks * blockBytes
}
