import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Run } from '../runner/program.ts'
import { FailingDevice, failingDeviceProblem } from '../target/failing-device.ts'
import { CrashDay, someTime } from './crash-day.ts'

const failures = { short: 4, long: 250 }
/** Time for a write to meet the failure; many go on in blocks that the device has. */
const failingMs = 1500

/**
 * The device under a real file system fails while clients write, and is replaced. The kernel tells
 * of lost pages once, by one fsync; an answer that trusts the next one is lost.
 */
export async function failDevice(run: Run): Promise<void> {
  const problem = failingDeviceProblem()
  if (problem !== undefined) {
    run.skip('a device that fails', problem)
    return
  }
  const scratch = join(run.scratch, 'device')
  mkdirSync(scratch)
  await using device = new FailingDevice(scratch)
  const dataDir = join(device.image.dir, 'data')
  const env = { STORAGE_RESERVED_SPACE: '1048576' }
  using day = new CrashDay({ ...run, scratch }, { dataDir, clients: 12, keysEach: 4, env })
  await day.prepare()
  try {
    for (let time = 1; time <= failures[run.length]; time += 1) {
      const what = `device failure ${time}`
      // Not among the minimum counts, since a machine without root cannot do it at all.
      if (run.signal.aborted) throw new Error(`no time for ${what}`)
      if (!(await failOnce(run, day, { device, what }))) {
        tellKernelLog(run, device)
        return
      }
    }
    await day.lookInside('after the last device', true)
  } catch (error) {
    tellKernelLog(run, device)
    throw error
  } finally {
    day.finish()
  }
}

/** Nothing is excused by it: ext4 gives fsync the error of every page that it tells as lost. */
function tellKernelLog(run: Run, device: FailingDevice): void {
  for (const line of device.kernelLog()) run.say(`kernel: ${line}`)
}

async function failOnce(
  run: Run,
  day: CrashDay,
  { device, what }: { readonly device: FailingDevice; readonly what: string },
): Promise<boolean> {
  let server = await day.start()
  await day.workUntil(server, async () => {
    await sleep(100 + run.random.below(200))
    device.fail()
    await someTime(server, failingMs)
    if (server.end !== undefined) run.count('ended as the device failed')
    await server.kill()
  })
  const { end } = server
  if (end?.signal !== 'SIGKILL' && end?.code !== 70) {
    run.fail(`${what}: the server ended with ${JSON.stringify(end)}`)
  }
  day.history.mark('device', { what })
  await device.replace()
  run.count('device failures')
  server = await day.start()
  const held = await day.look(server, what)
  await server.stop()
  return held
}
