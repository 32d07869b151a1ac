import { HoldfastError } from '@holdfast/core/errors.ts'
import type { BlobPlace, LentBytes } from '@holdfast/core/ports/element.ts'
import { sumMatches } from '../block-sums.ts'
import { parseLocation } from '../layout.ts'
import type { PackFiles } from '../pack-files.ts'
import { HEAD_ROOM, type ReadBuffers } from './read-buffers.ts'
import type { RecentReads } from './recent-reads.ts'

export interface LendFrom {
  readonly packs: PackFiles
  readonly buffers: ReadBuffers
  readonly recent: RecentReads
}

interface InPack {
  readonly place: BlobPlace
  readonly pack: number
  readonly offset: number
}

/**
 * Reads a packed blob into memory that is used again, and checks every block: at once where it is
 * likely to be in the memory of the system, by a thread else. Undefined for blobs outside of packs,
 * and when too much memory is lent already. A failed read rejects; `readBlob` has the words.
 */
export function lendBlob(
  from: LendFrom,
  place: BlobPlace,
): LentBytes | Promise<LentBytes> | undefined {
  const { packs, buffers, recent } = from
  const { location, size } = place
  const at = parseLocation(location)
  if (at.kind !== 'pack' || size === 0) return undefined
  const buffer = buffers.takeForWhole(size)
  if (buffer === undefined) return undefined
  const blob = { place, ...at }
  if (recent.isLikelyInMemory(location)) {
    const bytes = buffer.subarray(0, size)
    const file = packs.atHand(at.pack)
    if (file !== undefined && recent.readNow(file, bytes, at.offset) && allMatch(place, bytes)) {
      return lent(buffers, buffer, bytes)
    }
  }
  return lendSoon(from, blob, buffer)
}

async function lendSoon(
  { packs, buffers, recent }: LendFrom,
  { place, pack, offset }: InPack,
  buffer: Buffer<ArrayBuffer>,
): Promise<LentBytes> {
  try {
    const bytes = buffer.subarray(0, place.size)
    const { file, release } = await packs.open(pack)
    try {
      const count = await file.read(bytes, offset)
      if (count < bytes.length || !allMatch(place, bytes)) {
        throw new HoldfastError('BLOB_DAMAGED', { sha256: place.sha256 })
      }
    } finally {
      await release()
    }
    recent.add(place.location, place.size)
    return lent(buffers, buffer, bytes)
  } catch (error) {
    buffers.giveBack(buffer, true)
    throw error
  }
}

function lent(buffers: ReadBuffers, buffer: Buffer<ArrayBuffer>, bytes: Uint8Array): LentBytes {
  return { bytes, headRoom: HEAD_ROOM, release: isFree => buffers.giveBack(buffer, isFree) }
}

function allMatch({ sums, blockBytes }: BlobPlace, bytes: Uint8Array): boolean {
  for (let block = 0; block * blockBytes < bytes.length; block += 1) {
    const at = block * blockBytes
    if (!sumMatches(sums, block, bytes.subarray(at, at + blockBytes))) return false
  }
  return true
}
