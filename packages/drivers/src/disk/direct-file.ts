import fs from 'node:fs'
import { errnoOf } from './disk-errors.ts'

/** What direct writes must be aligned to on every disk in use: position, length and memory. */
export const DIRECT_ALIGN = 4096

/**
 * A file that is written past the page cache (open(2), O_DIRECT): bytes that nobody reads soon do
 * not drive out those that are read, and a third of the processor time is spared. Where the file
 * system cannot, it is written the usual way.
 */
export interface DirectFile {
  /**
   * Writes the first `size` bytes of memory that is aligned to `DIRECT_ALIGN` and reaches to the
   * next multiple of it. Only the last write may have a size that is no multiple.
   */
  write(memory: Uint8Array, size: number, position: number): void
  /** Makes data and size durable. A failure means that the file is lost. */
  sync(size: number): void
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

  const write = (memory: Uint8Array, size: number, position: number): void => {
    const padded = Math.ceil(size / DIRECT_ALIGN) * DIRECT_ALIGN
    if (!isDirect || padded > memory.length) {
      writeAll(fd, memory.subarray(0, size), position)
      return
    }
    memory.fill(0, size, padded)
    try {
      writeAll(fd, memory.subarray(0, padded), position)
    } catch (error) {
      if (errnoOf(error) !== 'EINVAL') throw error
      fd = reopened(fd, path)
      isDirect = false
      writeAll(fd, memory.subarray(0, size), position)
    }
  }

  let isOpen = true
  return {
    write,
    sync(size) {
      // The last write may have been padded.
      fs.ftruncateSync(fd, size)
      fs.fdatasyncSync(fd)
    },
    close() {
      if (!isOpen) return
      isOpen = false
      fs.closeSync(fd)
    },
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0
  while (done < bytes.length) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done)
  }
}

/** Some file systems take the flag and refuse the write. */
function reopened(fd: number, path: string): number {
  const plain = fs.openSync(path, 'r+')
  fs.closeSync(fd)
  return plain
}
