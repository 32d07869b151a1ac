import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { BlobFacts } from '@holdfast/core/ports/element.ts'
import { sumMatches } from '../block-sums.ts'
import { blobPath } from '../layout.ts'

/**
 * Whether a file of this digest is there whose bytes are not the ones just received. Equal content
 * is shared, so the old bytes are looked at before a new version relies on them. A file of another
 * size is left to the committer, which asks again.
 */
export async function isDamagedFile(disk: Disk, dir: string, facts: BlobFacts): Promise<boolean> {
  const path = blobPath(dir, facts.sha256)
  if (disk.stat(path)?.size !== facts.size) return false
  try {
    const file = await disk.openAsync(path, 'read')
    try {
      const buffer = Buffer.allocUnsafe(Math.min(facts.blockBytes, facts.size))
      for (let block = 0; block * facts.blockBytes < facts.size; block += 1) {
        const at = block * facts.blockBytes
        const bytes = buffer.subarray(0, Math.min(buffer.length, facts.size - at))
        let done = 0
        while (done < bytes.length) {
          const count = await file.read(bytes.subarray(done), at + done)
          if (count === 0) return true
          done += count
        }
        if (!sumMatches(facts.sums, block, bytes)) return true
      }
      return false
    } finally {
      await file.close()
    }
  } catch {
    // Collected meanwhile, or the device cannot read it any more: the new bytes are whole.
    return true
  }
}
