import { join } from 'node:path'
import { CrashDay, someTime, someWork } from '../load/crash-day.ts'
import { killBehindOtherDoors } from '../load/door-kills.ts'
import type { Program, Run } from '../runner/program.ts'
import { HoldfastProcess } from '../target/holdfast-process.ts'
import { hasStrace, Tracer } from '../target/tracer.ts'

const kills = { short: 40, long: 3000 }
/** Calls that change the disk, and up to which one of each thread the server may live. */
const calls = [
  { call: 'pwrite64', most: 200 },
  { call: 'fdatasync', most: 8 },
  { call: 'fdatasync', most: 3 },
  { call: 'write', most: 30 },
  { call: 'openat', most: 8 },
  { call: 'fsync', most: 2 },
  { call: 'link', most: 2 },
  { call: 'unlink', most: 2 },
  { call: 'mkdir', most: 1 },
] as const
const lookInsideEvery = 10

export const program: Program = {
  id: 'T01',
  name: 'kill-loop',
  summary:
    'SIGKILL under clients of all doors, at any time and at the n-th call: no answer is taken back',
  secondsMax: { short: 900, long: 7200 },
  minimum: {
    short: {
      kills: 40,
      acknowledged: 300,
      'keys looked at': 2000,
      'kills while starting': 3,
      'kills at a call': 5,
      'kills behind S3 and CLI': 5,
      'kills of the CLI': 3,
      'acknowledged by S3 and CLI': 100,
    },
    long: { kills: 3000, 'kills at a call': 500, acknowledged: 50_000, 'keys looked at': 200_000 },
  },
  async run(run) {
    const dataDir = join(run.scratch, 'data')
    using day = new CrashDay(run, { dataDir, clients: 16, keysEach: 6 })
    try {
      await killAgainAndAgain(run, day)
    } finally {
      day.finish()
    }
    await killBehindOtherDoors(run)
  },
}

async function killAgainAndAgain(run: Run, day: CrashDay): Promise<void> {
  await day.prepare()
  const traced = hasStrace()
  if (!traced) run.skip('kills at the n-th call', 'strace is not installed')
  for (let kill = 1; kill <= kills[run.length] && !run.signal.aborted; kill += 1) {
    const atCall = traced && kill % 2 === 0
    if (!(await killOnce(run, day, { kill, atCall }))) return
    if (kill % 7 === 0) await killWhileStarting(run, day)
    if (kill % lookInsideEvery === 0) await day.lookInside(`kill ${kill}`)
  }
  const server = await day.start()
  await day.look(server, 'at the end')
  await server.stop()
  await day.lookInside('at the end', true)
}

/** False when something did not hold: what follows would only repeat it. */
async function killOnce(
  run: Run,
  day: CrashDay,
  { kill, atCall }: { readonly kill: number; readonly atCall: boolean },
): Promise<boolean> {
  const { random } = run
  const server = await day.start()
  const what = `kill ${kill}`
  const held = await day.look(server, what)
  if (!held) {
    await server.kill()
    return false
  }
  await day.workUntil(server, async () => {
    await someWork(day, server, { ms: 20 + random.below(150), answers: 8 })
    if (atCall) await killAtCall(run, day, server)
    await server.kill()
  })
  day.history.mark('killed', { kill })
  run.count('kills')
  return true
}

/** Attaches to the running server and lets the n-th call of one kind be its last. */
async function killAtCall(run: Run, day: CrashDay, server: HoldfastProcess): Promise<void> {
  const { call, most } = run.random.pick(calls)
  const n = 1 + run.random.below(most)
  const injection = { call, effect: 'signal=KILL', when: String(n) }
  const tracer = Tracer.attach(server.pid, injection, join(run.scratch, 'strace.out'))
  // Attached or not, it works on until the call comes or has had its chance.
  await someWork(day, server, { ms: 600, answers: 40 })
  if (server.end !== undefined) run.count('kills at a call')
  await tracer.stop()
}

/** Recovery must bear being killed, three times in a row. */
async function killWhileStarting(run: Run, day: CrashDay): Promise<void> {
  for (let time = 0; time < 3; time += 1) {
    const server = HoldfastProcess.launch(day.serveOptions())
    await someTime(server, 250 + run.random.below(350))
    if (server.end !== undefined) run.fail(`the start after a kill ended: ${server.log}`)
    await server.kill()
    run.count('kills while starting')
  }
}
