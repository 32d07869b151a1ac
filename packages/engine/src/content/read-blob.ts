import { HoldfastError } from '@holdfast/core/errors.ts'
import type { BlobPart } from '@holdfast/core/objects.ts'
import type { Catalog, StoredPlace } from '@holdfast/core/ports/catalog.ts'
import type { BlobBytes, ByteRange, Element, ReadOptions } from '@holdfast/core/ports/element.ts'

interface Store {
  readonly catalog: Catalog
  readonly element: Element
}

export interface BlobReading extends ReadOptions {
  readonly range?: ByteRange | undefined
  /** All of it as it lies on the medium, past what memory holds of it or of its parts. */
  readonly isStored?: boolean | undefined
}

/** The bytes of a blob, or of a range of it, wherever they lie. */
export async function readBlob(
  store: Store,
  place: StoredPlace,
  { range, ...options }: BlobReading = {},
): Promise<BlobBytes> {
  if (place.parts === undefined) {
    const { element } = store
    if (options.isStored !== true || element.repair === undefined) {
      return element.read(place, range, options)
    }
    return element.repair.readStored(place)
  }
  const pieces = piecesOf(place, range)
  const [only, second] = pieces
  if (only !== undefined && second === undefined) return readPiece(store, only, options)
  const size = pieces.reduce((sum, piece) => sum + piece.range.last - piece.range.first + 1, 0)
  return { size, chunks: chunksOf(store, pieces, options) }
}

/** The same of what is known by its digest alone: where it lies is asked only now. */
export async function readKnownBlob(
  store: Store,
  sha256: string,
  options: BlobReading = {},
): Promise<BlobBytes> {
  const place = await store.catalog.view.blobs.place(sha256)
  if (place === undefined) throw new HoldfastError('BLOB_MISSING', { sha256 })
  return readBlob(store, place, options)
}

interface Piece {
  readonly part: BlobPart
  readonly range: ByteRange
}

/** The parts that a range touches, and what it wants of each. */
function piecesOf({ parts = [], size }: StoredPlace, range: ByteRange | undefined): Piece[] {
  const { first, last } = range ?? { first: 0, last: size - 1 }
  if (first < 0 || last >= size || first > last + 1) {
    throw new HoldfastError('RANGE_NOT_SATISFIABLE', { size })
  }
  const pieces: Piece[] = []
  let start = 0
  for (const part of parts) {
    const from = Math.max(first, start) - start
    const to = Math.min(last, start + part.size - 1) - start
    if (from <= to) pieces.push({ part, range: { first: from, last: to } })
    start += part.size
    if (start > last) break
  }
  return pieces
}

/** A part that lost its own bytes may be composed of others since. */
async function readPiece(
  store: Store,
  { part, range }: Piece,
  options: Omit<BlobReading, 'range'>,
): Promise<BlobBytes> {
  const place = await store.catalog.view.blobs.place(part.sha256)
  const isOfItself = place?.parts?.some(({ sha256 }) => sha256 === part.sha256) === true
  if (place === undefined || isOfItself) {
    throw new HoldfastError('BLOB_MISSING', { sha256: part.sha256 })
  }
  const whole = range.first === 0 && range.last === place.size - 1
  return readBlob(store, place, { ...options, ...(whole ? {} : { range }) })
}

/** Opens one part after the other, so that a reader who stops leaves nothing open. */
async function* chunksOf(
  store: Store,
  pieces: readonly Piece[],
  options: Omit<BlobReading, 'range'>,
): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    const { bytes, chunks } = await readPiece(store, piece, options)
    if (bytes !== undefined) yield bytes
    else yield* chunks
  }
}
