import fs from 'node:fs'
import { errnoOf } from './disk-errors.ts'

/** What direct writes must be aligned to on every disk in use: position, length and memory. */
export const DIRECT_ALIGN = 4096

/**
 * A file that is written past the page cache (open(2), O_DIRECT): bytes that nobody reads soon do
 * not drive out those that are read, and a third of the processor time is spared. Where the file
 * system cannot, it is written the usual way. One call at a time.
 */
export interface DirectFile {
  /**
   * Writes the first `size` bytes of pieces of memory, each of them aligned to `DIRECT_ALIGN` and
   * of a multiple of it. Only the last write may have a size that is no multiple; it spoils the
   * rest of its last block.
   */
  write(pieces: readonly Uint8Array[], size: number, position: number): Promise<void>
  /** Makes data and size durable. A failure means that the file is lost. */
  sync(size: number): Promise<void>
  close(): void
}

/** Creates the file; it must not exist. */
export function createDirect(path: string): DirectFile {
  const { O_CREAT, O_EXCL, O_RDWR, O_DIRECT } = fs.constants
  const flags = O_CREAT | O_EXCL | O_RDWR
  let fd: number
  let isDirect = O_DIRECT !== undefined
  try {
    fd = fs.openSync(path, isDirect ? flags | O_DIRECT : flags, 0o640)
  } catch (error) {
    if (!isDirect || errnoOf(error) !== 'EINVAL') throw error
    // The name may be there although the open failed.
    isDirect = false
    fd = fs.openSync(path, O_CREAT | O_RDWR, 0o640)
  }

  let length = 0
  const writePlain = async (pieces: readonly Uint8Array[], size: number, position: number) => {
    await writeAll(fd, firstOf(pieces, size), position)
    length = Math.max(length, position + size)
  }

  let isOpen = true
  return {
    async write(pieces, size, position) {
      if (!isDirect) return await writePlain(pieces, size, position)
      const padded = Math.ceil(size / DIRECT_ALIGN) * DIRECT_ALIGN
      try {
        await writeAll(fd, zeroedAfter(pieces, size, padded), position)
        length = Math.max(length, position + padded)
      } catch (error) {
        if (errnoOf(error) !== 'EINVAL') throw error
        fd = reopened(fd, path)
        isDirect = false
        await writePlain(pieces, size, position)
      }
    },
    async sync(size) {
      // The last write was padded.
      if (length !== size) fs.ftruncateSync(fd, size)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      fs.fdatasync(fd, error => (error === null ? resolve() : reject(error)))
      await promise
    },
    close() {
      if (!isOpen) return
      isOpen = false
      fs.closeSync(fd)
    },
  }
}

/** The first `size` bytes of all pieces together. */
function firstOf(pieces: readonly Uint8Array[], size: number): Uint8Array[] {
  const first: Uint8Array[] = []
  let left = size
  for (const piece of pieces) {
    if (left === 0) break
    first.push(piece.subarray(0, left))
    left -= Math.min(left, piece.length)
  }
  return first
}

function zeroedAfter(pieces: readonly Uint8Array[], size: number, padded: number): Uint8Array[] {
  const all = firstOf(pieces, padded)
  const last = all.at(-1)
  last?.fill(0, last.length - (padded - size))
  return all
}

async function writeAll(fd: number, pieces: Uint8Array[], position: number): Promise<void> {
  let left = pieces
  let at = position
  while (left.length > 0) {
    const written = await writeSome(fd, left, at)
    at += written
    left = after(left, written)
  }
}

function writeSome(fd: number, pieces: Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(fd, pieces, position, (error, written) => {
      if (error === null) resolve(written)
      else reject(error)
    })
  })
}

function after(pieces: readonly Uint8Array[], written: number): Uint8Array[] {
  let done = written
  const left: Uint8Array[] = []
  for (const piece of pieces) {
    const skipped = Math.min(done, piece.length)
    done -= skipped
    if (skipped < piece.length) left.push(piece.subarray(skipped))
  }
  return left
}

/** Some file systems take the flag and refuse the write. */
function reopened(fd: number, path: string): number {
  const plain = fs.openSync(path, 'r+')
  fs.closeSync(fd)
  return plain
}
