import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { FigureResult } from '../report/row-result.ts'
import type { BenchContext } from './bench-context.ts'

const blockBytes = 4096
const laidOutBytes = 64 * 1024 * 1024

export const diskName = 'raw disk: append 4 KiB and fdatasync, one writer'

/** The floor under a durable PUT at one connection. */
export async function measureDisk(context: BenchContext): Promise<FigureResult> {
  const { durationMs } = context.mode
  const grows = appendRate(join(context.dir, 'grows'), 0, durationMs)
  const laidOut = appendRate(join(context.dir, 'laid-out'), laidOutBytes, durationMs)
  return {
    name: diskName,
    durability: 'fdatasync each',
    figures: {
      'a file that grows': `${Math.round(grows).toLocaleString('en')}/s`,
      'a file laid out with zeros': `${Math.round(laidOut).toLocaleString('en')}/s`,
    },
    errors: {},
  }
}

function appendRate(path: string, preparedBytes: number, durationMs: number): number {
  const file = openSync(path, 'w')
  try {
    if (preparedBytes > 0) writeSync(file, Buffer.alloc(preparedBytes))
    fdatasyncSync(file)
    const block = Buffer.alloc(blockBytes, 1)
    const startedAt = performance.now()
    let count = 0
    while (performance.now() - startedAt < durationMs) {
      const at = count * blockBytes
      writeSync(file, block, 0, blockBytes, preparedBytes > 0 ? at % preparedBytes : at)
      fdatasyncSync(file)
      count += 1
    }
    return (count / (performance.now() - startedAt)) * 1000
  } finally {
    closeSync(file)
    rmSync(path)
  }
}
