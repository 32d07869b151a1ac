import type { Disk } from '@holdfast/core/ports/disk.ts'

/** A small file that is there, as text. */
export function readText(disk: Disk, path: string): string {
  const file = disk.open(path, 'read')
  try {
    const bytes = Buffer.alloc(file.size())
    return bytes.toString('utf8', 0, file.read(bytes, 0))
  } finally {
    file.close()
  }
}
