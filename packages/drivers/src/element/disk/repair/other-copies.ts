import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { BlobPlace } from '@holdfast/core/ports/element.ts'
import { scanPastDamage } from '../check-packs.ts'
import { blobPath, formatLocation } from '../layout.ts'
import { eachPack } from '../pack-files.ts'

/**
 * Where else bytes of this content lie: a file of its own, or entries in packs that a later write
 * or a rewritten pack left behind. Newest first is not promised; whoever reads them compares.
 */
export function* otherCopies(
  { disk, dir, secret }: { readonly disk: Disk; readonly dir: string; readonly secret: Uint8Array },
  { sha256, size, location }: BlobPlace,
): Generator<string> {
  const file = formatLocation({ kind: 'file', sha256 })
  if (location !== file && disk.stat(blobPath(dir, sha256))?.size === size) yield file
  for (const { pack, file: opened } of eachPack(disk, dir)) {
    for (const step of scanPastDamage(opened, pack, { start: 0, checkBytes: false, secret })) {
      if ('reason' in step) continue
      for (const body of step.bodies) {
        const found = formatLocation({ kind: 'pack', pack, offset: body.offset })
        if (body.sha256 === sha256 && body.size === size && found !== location) yield found
      }
    }
  }
}
