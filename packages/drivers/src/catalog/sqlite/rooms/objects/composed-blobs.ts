import type { BlobPart } from '@holdfast/core/objects.ts'
import type { SqliteDatabase } from '../../database.ts'
import { fromHex, parseRecord } from '../../row-values.ts'

/** Location of a blob that has no bytes of its own. */
export const COMPOSED = 'parts:'

/** Of which other blobs a composed blob consists: one row of it all, since it never changes. */
export class ComposedBlobs {
  readonly #get
  readonly #put
  readonly #remove

  constructor(db: SqliteDatabase) {
    this.#get = db
      .prepare<[Buffer], string>('SELECT parts FROM composed_blobs WHERE sha256 = ?')
      .pluck()
    this.#put = db.prepare('INSERT OR REPLACE INTO composed_blobs (sha256, parts) VALUES (?, ?)')
    this.#remove = db.prepare('DELETE FROM composed_blobs WHERE sha256 = ?')
  }

  partsOf(sha256: string): readonly BlobPart[] {
    const text = this.#get.get(fromHex(sha256))
    return text === undefined ? [] : decodeParts(parseRecord<EncodedParts>(text))
  }

  put(sha256: string, parts: readonly BlobPart[]): void {
    this.#put.run(fromHex(sha256), JSON.stringify(encodeParts(parts)))
  }

  remove(sha256: string): void {
    this.#remove.run(fromHex(sha256))
  }
}

/** Pairs of digest and size: there may be ten thousand. */
export type EncodedParts = readonly (readonly [sha256: string, size: number])[]

export function encodeParts(parts: readonly BlobPart[]): EncodedParts {
  return parts.map(({ sha256, size }) => [sha256, size] as const)
}

export function decodeParts(parts: EncodedParts): BlobPart[] {
  return parts.map(([sha256, size]) => ({ sha256, size }))
}
