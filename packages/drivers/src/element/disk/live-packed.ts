import type { Disk } from '@holdfast/core/ports/disk.ts'
import { formatLocation } from './layout.ts'
import { eachPack } from './pack-files.ts'
import { scanPack } from './pack-scan.ts'

/** Blobs that lie in the packs and were not removed since, from the packs alone. */
export function livePacked(
  disk: Disk,
  dir: string,
  secret: Uint8Array,
): Map<string, { readonly size: number; readonly location: string }> {
  const live = new Map<string, { size: number; location: string }>()
  for (const { pack, file } of eachPack(disk, dir)) {
    for (const batch of scanPack(file, pack, 0, { checkBytes: false, secret })) {
      for (const { sha256, size, offset } of batch.bodies) {
        live.set(sha256, { size, location: formatLocation({ kind: 'pack', pack, offset }) })
      }
      for (const sha256 of goneBlobs(batch.lines)) live.delete(sha256)
    }
  }
  return live
}

interface BlobLine {
  readonly puts?: { readonly blobs?: readonly { readonly sha256: string }[] }
  readonly gone?: { readonly blobs?: readonly string[] }
}

/** What a batch removed, unless one of its later lines brought it back. */
function goneBlobs(lines: readonly string[]): Set<string> {
  const gone = new Set<string>()
  // Most batches remove nothing: spare them the parsing.
  if (!lines.some(text => text.includes('"blobs":["'))) return gone
  for (const text of lines) {
    const line: BlobLine = JSON.parse(text)
    for (const { sha256 } of line.puts?.blobs ?? []) gone.delete(sha256)
    for (const sha256 of line.gone?.blobs ?? []) gone.add(sha256)
  }
  return gone
}
