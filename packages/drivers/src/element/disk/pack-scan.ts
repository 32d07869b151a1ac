import type { DiskFile } from '@holdfast/core/ports/disk.ts'
import { crc32 } from '../crc.ts'
import {
  type BatchHead,
  blobEntrySha256,
  changesEntryBatch,
  decodeChanges,
  hex32,
} from './batch.ts'
import { padded, RECORD, readHeader } from './tar-entry.ts'

/** Reading packs in order: for recovery, rebuild, listing and compaction. */

export interface ScannedBody {
  readonly sha256: string
  readonly size: number
  /** Offset of the data in the pack. */
  readonly offset: number
}

export interface ScannedBatch {
  readonly pack: number
  readonly head: BatchHead
  /** Where the batch begins and where the next one would. */
  readonly start: number
  readonly end: number
  readonly bodies: readonly ScannedBody[]
  readonly lines: readonly string[]
}

export interface ScanOptions {
  /** Check the CRC of blob entries too: needed only where a crash may have cut. */
  readonly checkBytes: boolean
  /** Of the store; see BatchHead.proof. */
  readonly secret: Uint8Array
}

export interface TornEnd {
  readonly kind: 'torn'
  readonly at: number
  readonly reason: string
  /** A whole batch, but not of this store: no cut can make one. */
  readonly foreign?: boolean
}

/** How the scan of a pack ended: at zeros or the file's end, or at bytes that prove nothing. */
export type ScanEnd = { readonly kind: 'clean'; readonly at: number } | TornEnd

const CRC_CHUNK = 1024 * 1024
/** The change lines of most batches fit. */
const BACK_CHUNK = 64 * 1024

/**
 * Yields the whole batches of a pack from `start` and returns how it ended. With `checkBytes` the
 * CRC of the blob entries is checked too (needed only where a crash may have cut).
 */
export function* scanPack(
  file: DiskFile,
  pack: number,
  start: number,
  options: ScanOptions,
): Generator<ScannedBatch, ScanEnd> {
  const size = file.size()
  const header = Buffer.alloc(RECORD)
  let batchStart = start
  let at = start
  let bodies: ScannedBody[] = []
  const torn = (reason: string): TornEnd => ({ kind: 'torn', at: batchStart, reason })
  while (at + RECORD <= size) {
    file.read(header, at)
    const entry = readHeader(header, 0)
    if (entry === 'end') {
      return at === batchStart ? { kind: 'clean', at } : torn('the batch has no change lines')
    }
    if (entry === undefined) return torn('no entry header')
    const data = at + RECORD
    const next = data + padded(entry.size)
    if (next > size) return torn('the entry is longer than the pack')
    const sha256 = blobEntrySha256(entry.name)
    if (sha256 !== undefined) {
      bodies.push({ sha256, size: entry.size, offset: data })
      at = next
      continue
    }
    const number = changesEntryBatch(entry.name)
    if (number === undefined) return torn('an entry of unknown name')
    const content = Buffer.alloc(entry.size)
    file.read(content, data)
    const changes = decodeChanges(content, options.secret)
    if (changes === undefined) return torn('the change lines do not match their checksum')
    const { head, lines, proven } = changes
    if (!proven) return { ...torn('the batch was written with another secret'), foreign: true }
    if (head.batch !== number || head.bytes !== at - batchStart) return torn('batch head differs')
    if (options.checkBytes && rangeCrc(file, batchStart, at) !== head.crc32) {
      // Behind a cut nothing can stand. If something does, the bytes rotted after they were synced:
      // the records are whole, and verify tells which blobs are not.
      if (
        laterBatchAt(file, { from: next, expected: number, secret: options.secret }) === undefined
      ) {
        return torn('the blob bytes do not match their checksum')
      }
    }
    yield { pack, head, start: batchStart, end: next, bodies, lines }
    at = next
    batchStart = next
    bodies = []
  }
  return at === batchStart ? { kind: 'clean', at } : torn('the pack ends inside a batch')
}

function rangeCrc(file: DiskFile, from: number, to: number): string {
  let sum = 0
  const buffer = Buffer.alloc(Math.min(CRC_CHUNK, to - from))
  for (let at = from; at < to; ) {
    const piece = buffer.subarray(0, Math.min(buffer.length, to - at))
    file.read(piece, at)
    sum = crc32(piece, sum)
    at += piece.length
  }
  return hex32(sum)
}

/** An end at zeros is clean only if zeros follow: a cut may have lost just the first sector. */
export function restIsZero(file: DiskFile, end: ScanEnd): ScanEnd {
  if (end.kind === 'torn') return end
  const size = file.size()
  const buffer = Buffer.alloc(CRC_CHUNK)
  for (let at = end.at; at < size; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, size - at))
    file.read(piece, at)
    if (piece.some(byte => byte !== 0)) {
      return { kind: 'torn', at: end.at, reason: 'bytes follow the end' }
    }
  }
  return end
}

/** Looks behind a torn place for a whole batch: then it is damage, not a cut. */
export function laterBatchAt(
  file: DiskFile,
  {
    from,
    expected,
    secret,
  }: { readonly from: number; readonly expected: number; readonly secret: Uint8Array },
): number | undefined {
  const size = file.size()
  const header = Buffer.alloc(RECORD)
  for (let at = from; at + RECORD <= size; at += RECORD) {
    file.read(header, at)
    const entry = readHeader(header, 0)
    if (entry === undefined || entry === 'end') continue
    const number = changesEntryBatch(entry.name)
    if (number === undefined || number <= expected) continue
    if (at + RECORD + entry.size > size) continue
    const content = Buffer.alloc(entry.size)
    file.read(content, at + RECORD)
    const changes = decodeChanges(content, secret)
    if (changes?.proven === true && changes.head.batch === number) return at
  }
  return undefined
}

/**
 * Whether the change lines of that batch end at `end`, by their header alone: what rotted behind it
 * is for verify. A salvage may have ended behind the header of a later batch it could not keep.
 */
export function endsBatch(file: DiskFile, end: number, batch: number): boolean {
  const buffer = Buffer.alloc(BACK_CHUNK)
  for (let from = end; from > 0; ) {
    const to = from
    from = Math.max(0, to - buffer.length)
    const piece = buffer.subarray(0, to - from)
    file.read(piece, from)
    for (let at = to - RECORD; at >= from; at -= RECORD) {
      const entry = readHeader(piece, at - from)
      if (entry === undefined || entry === 'end') continue
      const number = changesEntryBatch(entry.name)
      if (number === batch && at + RECORD + padded(entry.size) === end) return true
      if (at + RECORD === end && number !== undefined && number > batch) return true
    }
  }
  return false
}
