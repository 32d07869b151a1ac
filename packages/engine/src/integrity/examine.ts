import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type ErrorCode, isHoldfastError } from '@holdfast/core/errors.ts'
import type { BlobPart } from '@holdfast/core/objects.ts'
import type { BlobBytes, ByteSource } from '@holdfast/core/ports/element.ts'
import type { Blob } from '@holdfast/core/records.ts'
import { readBlob } from '../content/read-blob.ts'
import type { Engine } from '../engine.ts'

export type DamageKind = 'missing' | 'damaged'

export interface Found {
  readonly kind: DamageKind
  readonly problem: string
}

const KINDS: Partial<Record<ErrorCode, DamageKind>> = {
  BLOB_MISSING: 'missing',
  BLOB_DAMAGED: 'damaged',
}

/** Reads a blob from the medium, hashes it, and tells the element what was found. */
export async function examineBlob(engine: Engine, blob: Blob): Promise<Found | undefined> {
  const { element } = engine
  const found = await look(engine, blob)
  if (found === undefined) {
    if (element.repair?.known.has(blob.sha256)) await element.repair.settle(blob.sha256)
    return undefined
  }
  // Blobs may be collected or moved while they are checked; then the finding is void.
  const now = await engine.catalog.view.blobs.get(blob.sha256)
  if (now === undefined || now.location !== blob.location) return undefined
  if (blob.parts === undefined) await element.repair?.report(blob, found.problem)
  return found
}

/** Puts another copy of the content, if the element has one, in the place of a damaged blob. */
export async function healBlob(engine: Engine, blob: Blob): Promise<boolean> {
  const { element } = engine
  if (element.repair === undefined || blob.parts !== undefined) return false
  const expected = { sha256: blob.sha256 }
  for await (const copy of element.repair.copies(blob)) {
    try {
      await element.write(sourceOf(copy), { expected, length: blob.size })
    } catch (error) {
      // This copy is none either, or there is no room for it; the finding stands.
      if (!isHoldfastError(error) || error.code === 'OUTCOME_UNKNOWN') throw error
      continue
    }
    if (await isSoundNow(engine, blob.sha256)) return true
  }
  return false
}

/** After content was put that was known to be damaged: the put has brought whole bytes. */
export async function settleAfterPut(engine: Engine, sha256s: readonly string[]): Promise<void> {
  const known = engine.element.repair?.known
  if (known === undefined || known.size === 0) return
  for (const sha256 of sha256s) if (known.has(sha256)) await isSoundNow(engine, sha256)
}

/**
 * Whether other bytes than these parts are known by the digest, and are damaged: they are read as
 * staging reads a file, or good bytes that were sent would be left for bad ones.
 */
export async function isDamagedBeside(
  engine: Engine,
  sha256: string,
  parts: readonly BlobPart[] = [],
): Promise<boolean> {
  const blob = await engine.catalog.view.blobs.get(sha256)
  if (blob === undefined || isDeepStrictEqual(blob.parts, parts)) return false
  return (await examineBlob(engine, blob)) !== undefined
}

async function isSoundNow(engine: Engine, sha256: string): Promise<boolean> {
  const blob = await engine.catalog.view.blobs.get(sha256)
  return blob !== undefined && (await examineBlob(engine, blob)) === undefined
}

async function look(engine: Engine, blob: Blob): Promise<Found | undefined> {
  try {
    const { sha256, size } = await hashOf(engine, blob)
    if (sha256 === blob.sha256 && size === blob.size) return undefined
    return { kind: 'damaged', problem: `${size} bytes with SHA-256 ${sha256} were read` }
  } catch (error) {
    const kind = isHoldfastError(error) ? KINDS[error.code] : undefined
    if (kind === undefined) throw error
    return { kind, problem: isHoldfastError(error) ? error.message : '' }
  }
}

async function hashOf(engine: Engine, blob: Blob): Promise<{ sha256: string; size: number }> {
  const hash = createHash('sha256')
  let size = 0
  const content = await readBlob(engine, blob, { isStored: true })
  for await (const chunk of sourceOf(content)) {
    hash.update(chunk)
    size += chunk.length
  }
  return { sha256: hash.digest('hex'), size }
}

async function* sourceOf(content: BlobBytes): ByteSource {
  yield* content.chunks ?? [content.bytes]
}
