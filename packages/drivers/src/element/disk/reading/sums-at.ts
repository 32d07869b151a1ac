import type { Disk, DiskFile } from '@holdfast/core/ports/disk.ts'
import { BlockSummer } from '../block-sums.ts'
import { blobPath, packPath, parseLocation } from '../layout.ts'

const CHUNK = 1024 * 1024

/** Block sums of bytes as they lie on the disk; empty when they are not there. For salvage only. */
export function sumsAt(
  from: { readonly disk: Disk; readonly dir: string },
  blob: { readonly location: string; readonly size: number; readonly blockBytes: number },
): Uint8Array {
  const place = parseLocation(blob.location)
  const inPack = place.kind === 'pack'
  const path = inPack ? packPath(from.dir, place.pack) : blobPath(from.dir, place.sha256)
  if (from.disk.stat(path) === undefined) return new Uint8Array(0)
  const file = from.disk.open(path, 'read')
  try {
    return sumsOfFile(file, inPack ? place.offset : 0, blob)
  } finally {
    file.close()
  }
}

function sumsOfFile(
  file: DiskFile,
  base: number,
  blob: { readonly size: number; readonly blockBytes: number },
): Uint8Array {
  const summer = new BlockSummer(blob.blockBytes)
  const buffer = Buffer.alloc(Math.min(CHUNK, blob.size))
  for (let at = 0; at < blob.size; ) {
    const piece = buffer.subarray(0, Math.min(buffer.length, blob.size - at))
    const count = file.read(piece, base + at)
    if (count === 0) break
    summer.add(piece.subarray(0, count))
    at += count
  }
  return summer.finish()
}
