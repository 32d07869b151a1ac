import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ChecksumAlgorithm } from '@holdfast/core/objects.ts'
import type { StoredPlace } from '@holdfast/core/ports/catalog.ts'
import type { BlobBytes } from '@holdfast/core/ports/element.ts'
import type { Version } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'
import { openChecksum } from '../objects/checksums.ts'
import { readBlob } from './read-blob.ts'

/** Sniffing needs no more than this. */
const HEAD_BYTES = 4100

type Store = Pick<Engine, 'catalog' | 'element'>

/** First bytes of content that is stored already. */
export async function headOf(store: Store, { sha256, size }: Pick<Version, 'sha256' | 'size'>) {
  if (size === 0) return new Uint8Array(0)
  const place = await placeOf(store, sha256)
  const bytes = await readBlob(store, place, {
    range: { first: 0, last: Math.min(size, HEAD_BYTES) - 1 },
  })
  return bytes.bytes ?? Buffer.concat(await Array.fromAsync(bytes.chunks))
}

/** Reads stored content once through a hash. */
async function hashContent(
  bytes: BlobBytes,
  hash: { update(bytes: Uint8Array): unknown },
): Promise<number> {
  let size = 0
  for await (const chunk of bytes.chunks ?? [bytes.bytes]) {
    hash.update(chunk)
    size += chunk.length
  }
  return size
}

/** Base64, of all bytes of stored content. */
export async function computeChecksum(
  store: Store,
  { sha256, size }: Pick<Version, 'sha256' | 'size'>,
  algorithm: ChecksumAlgorithm,
): Promise<string> {
  const place = await placeOf(store, sha256)
  const hash = openChecksum(algorithm)
  if (size > 0) await hashContent(await readBlob(store, place), hash)
  return hash.digest()
}

async function placeOf({ catalog }: Store, sha256: string): Promise<StoredPlace> {
  const place = await catalog.view.blobs.place(sha256)
  if (place === undefined) throw new HoldfastError('BLOB_MISSING', { sha256 })
  return place
}
