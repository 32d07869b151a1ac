import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const ticksPerSecond = 100
const sampleMs = 500
/** Cores; below this nobody else is at work. */
const quietCores = 0.2
/** Idle, waiting for the disk, and the two that user time holds already. */
const notBusy = new Set([3, 4, 8, 9])

/** CPU time of everything on this machine since it started, all cores together. */
export function machineCpuMs(): number {
  const line = readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  const fields = line.split(/\s+/).slice(1).map(Number)
  const busy = fields.reduce((sum, ticks, index) => (notBusy.has(index) ? sum : sum + ticks), 0)
  return busy * (1000 / ticksPerSecond)
}

/** Waits until nobody else works on this machine, or the time is over. */
export async function waitForQuiet(msMax: number): Promise<void> {
  const endAt = performance.now() + msMax
  while (performance.now() < endAt) {
    const before = machineCpuMs()
    const startedAt = performance.now()
    await sleep(sampleMs)
    if ((machineCpuMs() - before) / (performance.now() - startedAt) < quietCores) return
  }
}
