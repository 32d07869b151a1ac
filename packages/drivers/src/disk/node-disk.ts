import fs from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type {
  Disk,
  DiskEntry,
  DiskFile,
  DiskSpace,
  DiskStat,
  DiskStream,
} from '@holdfast/core/ports/disk.ts'
import { lockFile } from './lock-file.ts'

const fsync = promisify(fs.fsync)

/** A pipe that nobody writes to would hold the caller for ever; a file is read as without it. */
const READ = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0)

/** The real file system. */
export const nodeDisk: Disk = Object.freeze({
  makeDir(path: string): boolean {
    return absorb('EEXIST', () => fs.mkdirSync(path, { mode: 0o750 }))
  },
  open(path: string, mode: 'create' | 'edit' | 'read'): DiskFile {
    const flags = mode === 'create' ? 'wx+' : mode === 'edit' ? 'r+' : READ
    return openFile(fs.openSync(path, flags, 0o640))
  },
  link(from: string, to: string): boolean {
    return absorb('EEXIST', () => fs.linkSync(from, to))
  },
  rename(from: string, to: string): void {
    fs.renameSync(from, to)
  },
  remove(path: string): boolean {
    return absorb('ENOENT', () => fs.unlinkSync(path))
  },
  list(path: string): DiskEntry[] {
    return fs.readdirSync(path, { withFileTypes: true }).map(entry => ({
      name: entry.name,
      kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'dir' : 'other',
    }))
  },
  stat(path: string): DiskStat | undefined {
    const stat = fs.lstatSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'dir' : 'other'
    return { kind, size: stat.size, modifiedMs: stat.mtimeMs }
  },
  syncDir(path: string): void {
    const fd = fs.openSync(path, 'r')
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  },
  async syncDirs(paths: readonly string[]): Promise<void> {
    const all = await Promise.allSettled(paths.map(syncLater))
    for (const one of all) if (one.status === 'rejected') throw one.reason
  },
  space(path: string): DiskSpace {
    const { bavail, blocks, bsize } = fs.statfsSync(path)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  },
  lock(path: string): (() => void) | undefined {
    return lockFile(join(path, 'lock'))
  },
  async openAsync(path: string, mode: 'create' | 'read'): Promise<DiskStream> {
    const handle = await open(path, mode === 'create' ? 'wx+' : 'r', 0o640)
    return {
      async write(bytes: readonly Uint8Array[], position: number): Promise<void> {
        let rest = [...bytes]
        let at = position
        while (rest.length > 0) {
          const { bytesWritten } = await handle.writev(rest, at)
          at += bytesWritten
          rest = dropWritten(rest, bytesWritten)
        }
      },
      async read(into: Uint8Array, from: number): Promise<number> {
        return (await handle.read(into, 0, into.length, from)).bytesRead
      },
      readNow: (into: Uint8Array, from: number) => readAll(handle.fd, into, from),
      sync: () => handle.datasync(),
      size: async () => (await handle.stat()).size,
      close: () => handle.close(),
    }
  },
})

async function syncLater(path: string): Promise<void> {
  const fd = fs.openSync(path, 'r')
  try {
    await fsync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

function openFile(fd: number): DiskFile {
  let self: fs.BigIntStats | undefined
  return {
    write(bytes: Uint8Array, position: number): void {
      let done = 0
      while (done < bytes.length) {
        done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done)
      }
    },
    read: (into: Uint8Array, position: number) => readAll(fd, into, position),
    sync: () => fs.fdatasyncSync(fd),
    truncate: (size: number) => fs.ftruncateSync(fd, size),
    size: () => fs.fstatSync(fd).size,
    isAt(path: string): boolean {
      // While it is open no other file can get its number.
      self ??= fs.fstatSync(fd, { bigint: true })
      const named = statOrNone(path)
      return named !== undefined && named.ino === self.ino && named.dev === self.dev
    },
    close: () => fs.closeSync(fd),
  }
}

function readAll(fd: number, into: Uint8Array, position: number): number {
  let done = 0
  while (done < into.length) {
    const count = fs.readSync(fd, into, done, into.length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}

/** What a short writev left over. */
function dropWritten(chunks: Uint8Array[], written: number): Uint8Array[] {
  let skip = written
  let index = 0
  for (const chunk of chunks) {
    if (skip < chunk.length) break
    skip -= chunk.length
    index += 1
  }
  const rest = chunks.slice(index)
  const first = rest[0]
  if (first !== undefined && skip > 0) rest[0] = first.subarray(skip)
  return rest
}

function statOrNone(path: string): fs.BigIntStats | undefined {
  try {
    return fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined
    throw error
  }
}

function absorb(code: string, action: () => void): boolean {
  try {
    action()
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return false
    throw error
  }
}
