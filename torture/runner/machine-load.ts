import { availableParallelism, loadavg } from 'node:os'

/**
 * How much slower than on a quiet machine things may be: limits of time are multiplied by it. The
 * program's own two lanes are in the load, so a quiet machine gives 1.
 */
export function slowdown(): number {
  const [load = 0] = loadavg()
  return Math.max(1, (load - 2) / availableParallelism())
}
