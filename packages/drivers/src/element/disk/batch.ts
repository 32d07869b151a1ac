import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { crc32 } from '../crc.ts'
import { entryBytes, RECORD, writeHeader } from './tar-entry.ts'

/**
 * One commit in a pack: blob entries, then one entry of change lines whose first line proves that
 * the batch is whole (docs/format.md, "Batch").
 */

export interface PackedBody {
  readonly sha256: string
  readonly bytes: Uint8Array
}

export interface Batch {
  readonly bodies: readonly PackedBody[]
  /** JSON texts without line ends. */
  readonly lines: readonly string[]
}

export interface BatchHead {
  readonly batch: number
  /** Bytes of the batch before the entry of change lines. */
  readonly bytes: number
  readonly crc32: string
  readonly lines: number
  readonly lines_bytes: number
  readonly lines_crc32: string
  /** Keyed with the store's secret: bytes of users can look like a batch, but not be one. */
  readonly proof: string
}

export function blobEntryName(sha256: string): string {
  return `blobs/${sha256}`
}

export function changesEntryName(batch: number): string {
  return `changes/${String(batch).padStart(16, '0')}.jsonl`
}

const CHANGES = /^changes\/(\d{16})\.jsonl$/
const BLOB = /^blobs\/([0-9a-f]{64})$/

export function changesEntryBatch(name: string): number | undefined {
  const match = CHANGES.exec(name)
  return match === null ? undefined : Number(match[1])
}

export function blobEntrySha256(name: string): string | undefined {
  return BLOB.exec(name)?.[1]
}

export function hex32(value: number): string {
  return value.toString(16).padStart(8, '0')
}

/** The batch as it will stand in the pack. `room` gives memory to write it to, of any content. */
export function encodeBatch(
  number: number,
  batch: Batch,
  how: {
    readonly mtimeS: number
    readonly secret: Uint8Array
    readonly room?: (bytes: number) => Buffer
  },
): Buffer {
  const { mtimeS, secret } = how
  const text = batch.lines.length === 0 ? '' : `${batch.lines.join('\n')}\n`
  const lines = Buffer.from(text)
  let bodyBytes = 0
  for (const body of batch.bodies) bodyBytes += entryBytes(body.bytes.length)
  const head: BatchHead = {
    batch: number,
    bytes: bodyBytes,
    crc32: '00000000',
    lines: batch.lines.length,
    lines_bytes: lines.length,
    lines_crc32: hex32(crc32(lines)),
    proof: '0'.repeat(32),
  }
  const headBytes = Buffer.byteLength(JSON.stringify(head)) + 1
  const size = headBytes + lines.length
  const total = bodyBytes + entryBytes(size)
  const out = how.room?.(total) ?? Buffer.allocUnsafe(total)
  let at = 0
  for (const body of batch.bodies) {
    const entry = { name: blobEntryName(body.sha256), size: body.bytes.length }
    writeHeader(out, at, entry, mtimeS)
    out.set(body.bytes, at + RECORD)
    const end = at + RECORD + body.bytes.length
    at += entryBytes(body.bytes.length)
    out.fill(0, end, at)
  }
  writeHeader(out, at, { name: changesEntryName(number), size }, mtimeS)
  const sum = hex32(crc32(out.subarray(0, bodyBytes)))
  at += RECORD
  const summed = { ...head, crc32: sum }
  const proven = { ...summed, proof: proofOf(summed, secret) }
  at += out.write(`${JSON.stringify(proven)}\n`, at, 'latin1')
  out.set(lines, at)
  out.fill(0, at + lines.length, total)
  return out
}

export interface DecodedChanges {
  readonly head: BatchHead
  readonly lines: readonly string[]
  /** False when the checksums agree, but the secret of the store was another. */
  readonly proven: boolean
}

/** Head and lines of a changes entry, or undefined when it does not prove itself. */
export function decodeChanges(content: Buffer, secret: Uint8Array): DecodedChanges | undefined {
  const end = content.indexOf(10)
  if (end < 0) return undefined
  const head = parseHead(content.toString('utf8', 0, end))
  if (head === undefined) return undefined
  const lines = content.subarray(end + 1)
  if (lines.length !== head.lines_bytes || hex32(crc32(lines)) !== head.lines_crc32) {
    return undefined
  }
  const texts = lines.length === 0 ? [] : lines.toString('utf8', 0, lines.length - 1).split('\n')
  if (texts.length !== head.lines) return undefined
  return { head, lines: texts, proven: head.proof === proofOf(head, secret) }
}

function proofOf(head: BatchHead, secret: Uint8Array): string {
  const { batch, bytes, crc32: sum, lines, lines_bytes, lines_crc32 } = head
  const text = [batch, bytes, sum, lines, lines_bytes, lines_crc32].join(':')
  return createHmac('sha256', keyOf(secret)).update(text).digest('hex').slice(0, 32)
}

const keys = new WeakMap<Uint8Array, KeyObject>()

/** Node takes 14 µs to find out that bytes are no key, each time it is given them. */
function keyOf(secret: Uint8Array): KeyObject {
  let key = keys.get(secret)
  if (key === undefined) {
    key = createSecretKey(secret)
    keys.set(secret, key)
  }
  return key
}

function parseHead(text: string): BatchHead | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return isBatchHead(value) ? value : undefined
}

function isBatchHead(value: unknown): value is BatchHead {
  if (typeof value !== 'object' || value === null) return false
  const { batch, bytes, crc32: sum, lines, lines_bytes, lines_crc32 } = value as Partial<BatchHead>
  return (
    Number.isSafeInteger(batch) &&
    Number.isSafeInteger(bytes) &&
    typeof sum === 'string' &&
    Number.isSafeInteger(lines) &&
    Number.isSafeInteger(lines_bytes) &&
    typeof lines_crc32 === 'string' &&
    typeof (value as Partial<BatchHead>).proof === 'string'
  )
}
