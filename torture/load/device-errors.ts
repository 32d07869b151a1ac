import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Run } from '../runner/program.ts'
import { FailingDevice } from '../target/failing-device.ts'
import { fillable, imageProblem } from '../target/loop-image.ts'
import { CrashDay, someTime } from './crash-day.ts'

const failures = { short: 6, long: 250 }
/** Time for a write to meet the failure; many go on in blocks that the device has. */
const failingMs = 1500

/**
 * The device under a real file system fails while clients write, and is replaced. The kernel tells
 * of lost pages once, by one fsync; an answer that trusts the next one is lost.
 */
export async function failDevice(run: Run): Promise<void> {
  const [likeIt] = fillable
  const problem = likeIt === undefined ? 'no kind of image' : imageProblem(likeIt)
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
    for (let time = 1; time <= failures[run.length] && !run.signal.aborted; time += 1) {
      if (!(await failOnce(run, day, { device, what: `device failure ${time}` }))) return
    }
    await day.lookInside('after the last device', true)
  } finally {
    day.finish()
  }
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
