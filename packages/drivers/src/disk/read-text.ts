import type { Disk } from '@holdfast/core/ports/disk.ts'

/** A small file that is there, as text; throws for one that is longer than it may be. */
export function readText(disk: Disk, path: string, bytesMax = Number.POSITIVE_INFINITY): string {
  return read(disk, path, size => {
    if (size > bytesMax) throw new Error(`the file is longer than ${bytesMax} bytes`)
    return size
  })
}

/** The same of no more than the first bytes of a file. */
export function readBeginning(disk: Disk, path: string, bytesMax: number): string {
  return read(disk, path, size => Math.min(size, bytesMax))
}

function read(disk: Disk, path: string, lengthOf: (size: number) => number): string {
  const file = disk.open(path, 'read')
  try {
    const bytes = Buffer.alloc(lengthOf(file.size()))
    return bytes.toString('utf8', 0, file.read(bytes, 0))
  } finally {
    file.close()
  }
}
