import type { Disk } from '@holdfast/core/ports/disk.ts'

/** A small file that is there, as text; throws for one that is longer than it may be. */
export function readText(disk: Disk, path: string, bytesMax = Number.POSITIVE_INFINITY): string {
  const file = disk.open(path, 'read')
  try {
    const size = file.size()
    if (size > bytesMax) throw new Error(`the file is longer than ${bytesMax} bytes`)
    const bytes = Buffer.alloc(size)
    return bytes.toString('utf8', 0, file.read(bytes, 0))
  } finally {
    file.close()
  }
}
