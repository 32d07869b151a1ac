import { hash, randomBytes } from 'node:crypto'
import { closeSync, fdatasyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createDirect } from '@holdfast/drivers/disk/direct-file.ts'
import { crc32 } from '@holdfast/drivers/element/crc.ts'

/** How often something was done, and what it cost this process. */
export interface Measured {
  readonly perSecond: number
  readonly cpuMicros: number
}

/** Repeats it until the time is over. */
export function repeat(durationMs: number, once: () => void): Measured {
  const startedAt = performance.now()
  const before = process.cpuUsage()
  let count = 0
  do {
    once()
    count += 1
  } while (performance.now() - startedAt < durationMs)
  return measured(count, performance.now() - startedAt, process.cpuUsage(before))
}

export function measured(count: number, elapsedMs: number, used: NodeJS.CpuUsage): Measured {
  return {
    perSecond: (count / elapsedMs) * 1000,
    cpuMicros: (used.user + used.system) / count,
  }
}

export function sha256Of(bytes: number, durationMs: number): Measured {
  const body = randomBytes(bytes)
  return repeat(durationMs, () => hash('sha256', body))
}

/** Reading from the page cache, and checking as every read of the store does. */
export function readAndSum(dir: string, bytes: number, durationMs: number): Measured {
  const path = join(dir, 'read')
  const file = openSync(path, 'w+')
  const body = randomBytes(bytes)
  try {
    writeSync(file, body)
    return repeat(durationMs, () => {
      readSync(file, body, 0, bytes, 0)
      crc32(body)
    })
  } finally {
    closeSync(file)
    rmSync(path)
  }
}

const LAID_OUT_BYTES = 64 * 1024 * 1024

/** One record, or a batch of them in one piece, into laid-out space, and a sync each time. */
export function appendAndSync(dir: string, bytes: number, durationMs: number): Measured {
  const path = join(dir, 'append')
  const file = openSync(path, 'w')
  const record = randomBytes(bytes)
  let at = 0
  try {
    writeSync(file, Buffer.alloc(LAID_OUT_BYTES))
    fdatasyncSync(file)
    return repeat(durationMs, () => {
      writeSync(file, record, 0, bytes, at)
      fdatasyncSync(file)
      at = (at + bytes) % (LAID_OUT_BYTES - bytes)
    })
  } finally {
    closeSync(file)
    rmSync(path)
  }
}

const DIRECT_PIECE_BYTES = 1024 * 1024

/** A file of that size past the page cache, one writer, as large bodies are written. */
export async function writeDirectly(
  dir: string,
  bytes: number,
  durationMs: number,
): Promise<Measured> {
  const piece = new Uint8Array(new SharedArrayBuffer(DIRECT_PIECE_BYTES)).fill(1)
  const startedAt = performance.now()
  const before = process.cpuUsage()
  let count = 0
  do {
    const path = join(dir, `direct-${count}`)
    const file = createDirect(path)
    try {
      for (let at = 0; at < bytes; at += piece.length) await file.write([piece], piece.length, at)
      await file.sync(bytes)
    } finally {
      file.close()
      rmSync(path)
    }
    count += 1
  } while (performance.now() - startedAt < durationMs)
  return measured(count, performance.now() - startedAt, process.cpuUsage(before))
}
