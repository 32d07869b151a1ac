import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CrashDay, someWork } from '../load/crash-day.ts'
import type { Program, Run } from '../runner/program.ts'
import { DiskFiller } from '../target/fill-disk.ts'
import type { HoldfastProcess } from '../target/holdfast-process.ts'
import { fillable, type ImageKind, imageProblem, LoopImage } from '../target/loop-image.ts'
import { RestDoor } from '../target/rest-door.ts'

const fillsEach = { short: 10, long: 500 }

export const program: Program = {
  id: 'T04',
  name: 'full-disk',
  summary: 'no byte or no inode left: reads and deletes go on, puts are refused, no restart needed',
  secondsMax: { short: 480, long: 7200 },
  minimum: {
    short: { fills: 20, 'refused for space': 50, 'deletes while full': 40, acknowledged: 400 },
    long: { fills: 1000, 'refused for space': 2000, 'deletes while full': 2000 },
  },
  mounts: true,
  async run(run) {
    for (const kind of fillable) {
      const problem = imageProblem(kind)
      if (problem !== undefined) run.skip(kind.name, problem)
      else await fillOn(kind, run)
    }
  },
}

async function fillOn(kind: ImageKind, run: Run): Promise<void> {
  const scratch = join(run.scratch, kind.name)
  mkdirSync(scratch)
  await using image = new LoopImage(kind, scratch)
  image.mount()
  const env = { STORAGE_RESERVED_SPACE: '8388608', STORAGE_GARBAGE_GRACE: '0' }
  const options = { dataDir: join(image.dir, 'data'), clients: 8, keysEach: 6, env }
  using day = new CrashDay({ ...run, scratch }, options)
  await day.prepare()
  using filler = new DiskFiller(image.dir)
  const server = await day.start()
  try {
    for (let fill = 1; fill <= fillsEach[run.length] && !run.signal.aborted; fill += 1) {
      const what = `${kind.name}, fill ${fill}`
      if (!(await fillOnce(run, { day, filler, server, what, kind }))) break
    }
  } finally {
    await server.stop()
    run.count('refused for space', day.clients.refusals.get('STORAGE_FULL') ?? 0)
    day.finish()
  }
  await day.lookInside(`${kind.name}, at the end`, true)
}

interface Fill {
  readonly day: CrashDay
  readonly filler: DiskFiller
  readonly server: HoldfastProcess
  readonly what: string
  readonly kind: ImageKind
}

async function fillOnce(run: Run, fill: Fill): Promise<boolean> {
  const { day, filler, server, what, kind } = fill
  using door = new RestDoor(server.url, { bucket: 'victims' })
  const victims = await putVictims(door)
  await day.workUntil(server, async () => {
    await someWork(day, server, { ms: run.random.below(200), answers: 20 })
    if (kind.name === 'inodes') filler.takeInodes()
    else filler.takeBytes()
    await sleep(150 + run.random.below(150))
  })
  run.count('fills')
  day.history.mark('full', { what })
  // All reads while nothing can be written; then deletes, which must.
  let held = await day.look(server, `${what}, while full`)
  for (const [at, key] of victims.entries()) {
    const query = at % 2 === 0 ? '?hard_delete=true' : ''
    const path = `${door.pathOf(key)}${query}`
    const { outcome, status, code, body } = await door.ask({ method: 'DELETE', path })
    if (outcome === 'ok') run.count('deletes while full')
    else run.fail(`${what}: delete on the full disk: ${status} ${code} ${body}`)
  }
  await collect(run, door, what)
  filler.free()
  const startedAt = performance.now()
  const taken = await day.probe(server)
  if (taken !== undefined) run.fail(`${what}: with space again, a put was not taken: ${taken}`)
  run.figure('recovery ms', performance.now() - startedAt)
  held &&= await day.look(server, `${what}, with space again`)
  await collect(run, door, what)
  if (server.end !== undefined) run.fail(`${what}: the server ended ${JSON.stringify(server.end)}`)
  return held && server.end === undefined
}

async function putVictims(door: RestDoor): Promise<string[]> {
  await door.ask({ method: 'POST', path: '/api/v2/buckets', json: { name: door.bucket } })
  const keys = ['a', 'b', 'c', 'd']
  for (const [at, key] of keys.entries()) {
    const body = Buffer.alloc(at < 2 ? 2000 : 400_000, at)
    await door.ask({ method: 'PUT', path: door.pathOf(key), body })
  }
  return keys
}

/** Collection must work while full, and bring space back. */
async function collect(run: Run, door: RestDoor, what: string): Promise<void> {
  const path = '/api/v2/admin/collect-garbage'
  const { outcome, status, code, body } = await door.ask({ method: 'POST', path })
  if (outcome !== 'ok') run.fail(`${what}: garbage collection: ${status} ${code} ${body}`)
  else run.count('blobs collected', JSON.parse(String(body)).removed_blobs)
}
