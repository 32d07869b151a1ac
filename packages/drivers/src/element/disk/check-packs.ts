import type { Disk, DiskFile } from '@holdfast/core/ports/disk.ts'
import type { ElementFault } from '@holdfast/core/ports/element.ts'
import { decodeChanges } from './batch.ts'
import { PACKS, packNumber, packPath } from './layout.ts'
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
  const packs = disk.list(`${dir}/${PACKS}`).flatMap(({ name }) => packNumber(name) ?? [])
  const newest = Math.max(...packs)
  for (const pack of packs.sort((a, b) => a - b)) {
    const file = disk.open(packPath(dir, pack), 'read')
    try {
      const scan = scanPastDamage(file, pack, { start: 0, checkBytes: false, secret })
      let step = scan.next()
      while (!step.done) {
        if ('reason' in step.value) {
          const { from, to, reason } = step.value
          yield { place: `pack:${pack}:${from}`, problem: `${to - from} bytes: ${reason}` }
        }
        step = scan.next()
      }
      // At the end of the newest pack a commit may be under way while this looks.
      if (step.value.kind === 'torn' && pack !== newest) {
        yield { place: `pack:${pack}:${step.value.at}`, problem: step.value.reason }
      }
    } finally {
      file.close()
    }
  }
}
