import type { Disk, DiskFile } from '@holdfast/core/ports/disk.ts'
import type { ElementFault } from '@holdfast/core/ports/element.ts'
import { decodeChanges } from './batch.ts'
import { eachPack } from './pack-files.ts'
import {
  laterBatchAt,
  type ScanEnd,
  type ScannedBatch,
  type ScanOptions,
  scanPack,
} from './pack-scan.ts'
import { RECORD, readHeader } from './tar-entry.ts'

/** A stretch of a pack that proves nothing although whole batches follow it, or should. */
export interface PackGap {
  readonly pack: number
  readonly from: number
  readonly to: number
  readonly reason: string
}

/**
 * Reads a pack to its end, passing over what is damaged: yields whole batches and gaps, and returns
 * how it ended.
 */
export function* scanPastDamage(
  file: DiskFile,
  pack: number,
  options: ScanOptions & { readonly start: number },
): Generator<ScannedBatch | PackGap, ScanEnd> {
  const { secret } = options
  let { start } = options
  let last = 0
  for (;;) {
    const batches = scanPack(file, pack, start, options)
    let step = batches.next()
    while (!step.done) {
      last = step.value.head.batch
      yield step.value
      step = batches.next()
    }
    const end = step.value
    const later = laterBatchAt(file, { from: end.at, expected: last, secret })
    if (later === undefined) return end
    const resume = Math.max(end.at + RECORD, later - bytesBefore(file, later, secret))
    const reason = end.kind === 'torn' ? end.reason : 'zeros in the middle'
    yield { pack, from: end.at, to: resume, reason }
    start = resume
  }
}

/** Bytes of the batch that stand before its change lines. */
function bytesBefore(file: DiskFile, at: number, secret: Uint8Array): number {
  const header = Buffer.alloc(RECORD)
  file.read(header, at)
  const entry = readHeader(header, 0)
  if (entry === undefined || entry === 'end') return 0
  const content = Buffer.alloc(entry.size)
  file.read(content, at + RECORD)
  return decodeChanges(content, secret)?.head.bytes ?? 0
}

/** What of the packs does not prove itself. Bytes of blobs are checked elsewhere. */
export function* checkPacks(disk: Disk, dir: string, secret: Uint8Array): Generator<ElementFault> {
  for (const { pack, file, newest } of eachPack(disk, dir)) {
    const scan = { checkBytes: false, secret }
    let start = 0
    let seen: number | undefined
    for (;;) {
      const found = firstFault(file, pack, { ...scan, start })
      // At the end of the newest pack a commit may be under way while this looks.
      if (found === undefined || (found.resume === undefined && newest)) break
      // What a commit was still writing at the first look is whole at the second.
      if (found.at !== seen) {
        seen = found.at
        start = found.at
        continue
      }
      yield { place: `pack:${pack}:${found.at}`, problem: found.problem }
      if (found.resume === undefined) break
      start = found.resume
    }
  }
}

interface PackFault {
  readonly at: number
  readonly problem: string
  /** Where whole batches go on; undefined at a torn end. */
  readonly resume?: number
}

function firstFault(
  file: DiskFile,
  pack: number,
  options: ScanOptions & { readonly start: number },
): PackFault | undefined {
  const scan = scanPastDamage(file, pack, options)
  for (;;) {
    const step = scan.next()
    if (step.done === true) {
      return step.value.kind === 'torn'
        ? { at: step.value.at, problem: step.value.reason }
        : undefined
    }
    if (!('reason' in step.value)) continue
    const { from, to, reason } = step.value
    return { at: from, problem: `${to - from} bytes: ${reason}`, resume: to }
  }
}
