import { HoldfastError } from '@holdfast/core/errors.ts'
import type { BlobPart } from '@holdfast/core/objects.ts'
import type { BlobBytes, ByteRange } from '@holdfast/core/ports/element.ts'
import type { Blob } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'

/** The bytes of a blob, or of a range of it, wherever they lie. */
export async function readBlob(
  engine: Pick<Engine, 'catalog' | 'element'>,
  blob: Blob,
  range?: ByteRange,
): Promise<BlobBytes> {
  if (blob.parts === undefined) return engine.element.read(blob, range)
  const pieces = piecesOf(blob, range)
  const [only, second] = pieces
  if (only !== undefined && second === undefined) return readPiece(engine, only)
  const size = pieces.reduce((sum, { range: { first, last } }) => sum + last - first + 1, 0)
  return { size, chunks: chunksOf(engine, pieces) }
}

interface Piece {
  readonly part: BlobPart
  readonly range: ByteRange
}

/** The parts that a range touches, and what it wants of each. */
function piecesOf({ parts = [], size }: Blob, range: ByteRange | undefined): Piece[] {
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

async function readPiece(
  { catalog, element }: Pick<Engine, 'catalog' | 'element'>,
  { part, range }: Piece,
): Promise<BlobBytes> {
  const blob = await catalog.view.blobs.get(part.sha256)
  if (blob === undefined) throw new HoldfastError('BLOB_MISSING', { sha256: part.sha256 })
  const whole = range.first === 0 && range.last === blob.size - 1
  return whole ? element.read(blob) : element.read(blob, range)
}

/** Opens one part after the other, so that a reader who stops leaves nothing open. */
async function* chunksOf(
  engine: Pick<Engine, 'catalog' | 'element'>,
  pieces: readonly Piece[],
): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    const { bytes, chunks } = await readPiece(engine, piece)
    if (bytes !== undefined) yield bytes
    else yield* chunks
  }
}
