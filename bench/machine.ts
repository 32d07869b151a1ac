import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'

export interface Machine {
  readonly cores: number
  readonly processor: string
  readonly memoryGiB: number
  readonly kernel: string
  readonly fileSystem: string
  readonly node: string
  readonly nginx: string
  /** Load of the last minute before the run: above zero, others were at work. */
  readonly loadBefore: number
}

export function describeMachine(dir: string): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    fileSystem: output('findmnt', ['-n', '-o', 'FSTYPE,SOURCE,OPTIONS', '-T', dir]),
    node: process.versions.node,
    nginx: output('sh', ['-c', 'nginx -v 2>&1']).replace(/^.*nginx\//, ''),
    loadBefore: Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]),
  }
}

function output(file: string, args: string[]): string {
  try {
    return execFileSync(file, args, { encoding: 'utf8' }).trim().replaceAll(/\s+/g, ' ')
  } catch {
    return 'unknown'
  }
}
