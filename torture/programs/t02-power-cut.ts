import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { CrashDay, someTime, someWork } from '../load/crash-day.ts'
import type { Program, Run } from '../runner/program.ts'
import { HoldfastProcess } from '../target/holdfast-process.ts'
import { type ImageKind, imageProblem, journalled, LoopImage } from '../target/loop-image.ts'

const cutsEach = { short: 40, long: 1700 }
const lookInsideEvery = 20
const answersEach = 5

export const program: Program = {
  id: 'T02',
  name: 'power-cut',
  summary: 'the power goes on ext4, ext4 with the least promises, and xfs: no answer is taken back',
  secondsMax: { short: 700, long: 10_800 },
  minimum: {
    short: { cuts: 120, acknowledged: 500, 'keys looked at': 5000, 'cuts while starting': 9 },
    long: { cuts: 5000, acknowledged: 50_000, 'keys looked at': 200_000 },
  },
  mounts: true,
  async run(run) {
    // At once: a server that starts waits for its threads half of the time, and most of the time
    // here is spent on 150 starts.
    const cutting = journalled.map(async (kind, at) => {
      const problem = imageProblem(kind)
      if (problem !== undefined) run.skip(kind.name, problem)
      else await cutOn(kind, { ...run, random: run.random.fork(at) })
    })
    await settled(cutting)
  },
}

/** All have ended before the first failure is thrown: nothing may stay mounted. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

async function cutOn(kind: ImageKind, run: Run): Promise<void> {
  const scratch = join(run.scratch, kind.name)
  mkdirSync(scratch)
  await using image = new LoopImage(kind, scratch)
  const options = {
    dataDir: join(image.dir, 'data'),
    clients: 16,
    keysEach: 4,
    env: { STORAGE_RESERVED_SPACE: '1048576' },
  }
  using day = new CrashDay({ ...run, scratch }, options)
  image.mount()
  try {
    await cutAgainAndAgain(run, day, image)
  } finally {
    day.finish()
  }
}

async function cutAgainAndAgain(run: Run, day: CrashDay, image: LoopImage): Promise<void> {
  const { kind } = image
  await day.prepare()
  for (let cut = 1; cut <= cutsEach[run.length] && !run.signal.aborted; cut += 1) {
    const what = `${kind.name}, cut ${cut}`
    if (!(await cutOnce(run, { day, image, what, cut }))) return
    await image.unmount()
    image.mount()
    if (cut % lookInsideEvery === 0) await day.lookInside(what)
    if (cut % 10 === 0) await cutWhileStarting(run, day, image)
  }
  const server = await day.start()
  await day.look(server, `${kind.name}, at the end`)
  await server.stop()
  await day.lookInside(`${kind.name}, at the end`, true)
}

interface Cut {
  readonly day: CrashDay
  readonly image: LoopImage
  readonly what: string
  readonly cut: number
}

/** False when something did not hold: what follows would only repeat it. */
async function cutOnce(run: Run, { day, image, what, cut }: Cut): Promise<boolean> {
  let server = await day.start()
  let held = await day.look(server, what)
  await day.workUntil(server, async () => {
    await someWork(day, server, { ms: 10 + run.random.below(150), answers: answersEach })
    if (cut % 5 !== 0) image.cut()
    await server.kill()
  })
  if (cut % 5 === 0) {
    // Only the process died. What the next one shows must survive a power cut right after.
    server = await day.start()
    held &&= await day.look(server, `${what}, after a kill`)
    image.cut()
    await server.kill()
  }
  day.history.mark('cut', { cut })
  run.count('cuts')
  return held
}

async function cutWhileStarting(run: Run, day: CrashDay, image: LoopImage): Promise<void> {
  const server = HoldfastProcess.launch(day.serveOptions())
  await someTime(server, 250 + run.random.below(300))
  image.cut()
  await server.kill()
  await image.unmount()
  image.mount()
  run.count('cuts while starting')
}
